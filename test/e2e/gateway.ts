import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Envelope } from '../../src/client/api.ts';
import { ControlClient, type RecordFilter } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { NamespacedMachine, type NamespacedMachineOptions } from '../../src/simulate/namespaced-machine.ts';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const ADDRESS = '192.0.2.1';

/** A gateway host: a network namespace with the real daemon in it, and machines on cables of their own. */
export class Gateway {
  readonly network = new TestNetwork('e2e');
  readonly interface = this.network.interfaceName();
  readonly directory = mkdtempSync(join(tmpdir(), 'siderolinkd-e2e-'));
  readonly client: ControlClient;
  readonly #socket = join(this.directory, 'control.sock');
  readonly #machines: NamespacedMachine[] = [];
  #namespace: Namespace | undefined;
  #daemon: ChildProcess | undefined;
  #token: string | undefined;

  constructor() {
    this.client = new ControlClient({ target: { socket: this.#socket } }, { clock: systemClock });
  }

  get namespace(): Namespace {
    if (this.#namespace === undefined) throw new Error('not created');
    return this.#namespace;
  }

  get log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  async create(): Promise<this> {
    this.#namespace = await this.network.namespace('gw');
    // On none of the cables: machines reach it by their default route, as they would a gateway on the internet.
    await this.namespace.run(['ip', 'addr', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
    return this;
  }

  /** Starts the daemon with nothing configured but names; resolves when it serves. */
  async start(): Promise<void> {
    const log = openSync(join(this.directory, 'log'), 'a');
    this.#daemon = this.namespace.spawn([process.execPath, MAIN, 'run'], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        SIDEROLINKD__STATE_DIR: join(this.directory, 'state'),
        SIDEROLINKD__CONTROL__SOCKET: this.#socket,
        SIDEROLINKD__OVERLAY__INTERFACE: this.interface,
        SIDEROLINKD__WIREGUARD__ENDPOINTS: `["${ADDRESS}:51821"]`,
      },
    });
    await this.until('the daemon serves', async () => (await this.client.status()).ready);
  }

  /** Ends the daemon with this signal and gives its exit code; null if a signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const daemon = this.#daemon;
    if (daemon === undefined) throw new Error('the daemon does not run');
    const ended = once(daemon, 'exit');
    // The process is the daemon itself: `ip netns exec` replaces itself by it.
    daemon.kill(signal);
    const [code] = (await ended) as [number | null];
    this.#daemon = undefined;
    return code;
  }

  async kernelArguments(): Promise<string> {
    this.#token ??= (await this.client.createToken({ name: 'e2e' })).secret;
    return (await this.client.kernelArgs({ token: this.#token })).args.join(' ');
  }

  get token(): string {
    if (this.#token === undefined) throw new Error('no token yet');
    return this.#token;
  }

  /** A machine on a cable of its own, powered off. */
  async machine(options: Partial<NamespacedMachineOptions> = {}): Promise<NamespacedMachine> {
    const index = this.#machines.length;
    const machine = new NamespacedMachine({
      index,
      gateway: this.namespace.name,
      version: '1.13',
      seed: index + 1,
      speed: Number.POSITIVE_INFINITY,
      darkMs: 0,
      kernelArguments: await this.kernelArguments(),
      ...options,
    });
    this.#machines.push(machine);
    await machine.create();
    return machine;
  }

  async records(filter: RecordFilter): Promise<Envelope[]> {
    const found: Envelope[] = [];
    for await (const { record } of this.client.allRecords(filter)) found.push(record);
    return found;
  }

  /** What `wg` shows of the gateway's peers: latest handshake in Unix seconds by public key. */
  async handshakes(): Promise<ReadonlyMap<string, number>> {
    const text = await this.namespace.run(['wg', 'show', this.interface, 'latest-handshakes']);
    return new Map(
      text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t'))
        .map(([key = '', seconds]) => [key, Number(seconds)]),
    );
  }

  /** Everything under the state directory, as one text of bytes. */
  stateBytes(): string {
    const state = join(this.directory, 'state');
    return readdirSync(state)
      .map((name) => readFileSync(join(state, name), 'latin1'))
      .join('\n');
  }

  /** Asks until the condition holds; what is waited for is another process, so there is nothing to be told by. */
  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 30_000): Promise<void> {
    const end = performance.now() + withinMs;
    let last: unknown;
    for (;;) {
      try {
        if (await condition()) return;
        last = undefined;
      } catch (error) {
        last = error;
      }
      if (performance.now() > end) {
        throw new Error(`not within ${withinMs} ms: ${what}\n${this.log.slice(-4000)}`, { cause: last });
      }
      await systemClock.sleep(50);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.close()));
    if (this.#daemon !== undefined) await this.end('SIGTERM');
    await this.network.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
