import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Envelope } from '../../src/client/api.ts';
import { ControlClient, type RecordFilter } from '../../src/client/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  NamespacedMachine,
  type NamespacedMachineDeps,
  type NamespacedMachineOptions,
} from '../../src/simulate/namespaced-machine.ts';
import { parseDump } from '../../src/wireguard/dump.ts';
import type { ObservedPeer } from '../../src/wireguard/types.ts';
import { type Namespace, TestNetwork } from '../helpers/netns.ts';
import { Caller } from './caller.ts';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
/** Instead of that: words of a command, in JSON. */
const OTHER_DAEMON = process.env['SIDEROLINK_E2E_DAEMON'];
const ADDRESS = '192.0.2.1';
const API_PORT = 8081;
/** Machines of this process, whosever gateway they have. */
let machines = 0;

/** A gateway host: a network namespace with the real daemon in it, and machines on cables of their own. */
export class Gateway {
  readonly network = new TestNetwork('e2e');
  readonly interface = this.network.interfaceName();
  readonly directory = mkdtempSync(join(tmpdir(), 'siderolinkd-e2e-'));
  readonly client: ControlClient;
  /** What starts the daemon, without `run`. */
  daemon: readonly string[] = OTHER_DAEMON === undefined ? [process.execPath, MAIN] : JSON.parse(OTHER_DAEMON);
  readonly #patienceMs: number;
  readonly #socket = join(this.directory, 'control.sock');
  readonly #machines: NamespacedMachine[] = [];
  #namespace: Namespace | undefined;
  #daemon: ChildProcess | undefined;
  #token: string | undefined;
  #callers = 0;

  /** `patienceMs`: how long `until` waits where nothing else is said; only for what never comes. Default 2 min. */
  constructor({ patienceMs = 120_000 }: { readonly patienceMs?: number } = {}) {
    this.#patienceMs = patienceMs;
    this.client = new ControlClient({ target: { socket: this.#socket } }, { clock: systemClock });
  }

  get namespace(): Namespace {
    if (this.#namespace === undefined) throw new Error('not created');
    return this.#namespace;
  }

  get stateDir(): string {
    return join(this.directory, 'state');
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

  /**
   * Starts the daemon with nothing configured but names and `settings`, by their place in the configuration
   * (`'join.policy': 'hold'`); resolves when it serves.
   */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const log = openSync(join(this.directory, 'log'), 'a');
    const [program = '', ...words] = this.daemon;
    this.#daemon = this.namespace.spawn([program, ...words, 'run'], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        SIDEROLINKD__STATE_DIR: this.stateDir,
        SIDEROLINKD__CONTROL__SOCKET: this.#socket,
        SIDEROLINKD__OVERLAY__INTERFACE: this.interface,
        SIDEROLINKD__WIREGUARD__ENDPOINTS: `["${ADDRESS}:51821"]`,
        ...Object.fromEntries(
          Object.entries(settings).map(([path, value]) => [
            `SIDEROLINKD__${path.toUpperCase().replaceAll('.', '__')}`,
            value,
          ]),
        ),
      },
    });
    const daemon = this.#daemon;
    await this.until('the daemon serves or has ended', async () => {
      return hasEnded(daemon) || (await this.client.status()).ready;
    });
    if (!hasEnded(daemon)) return;
    this.#daemon = undefined;
    throw new Error(`the daemon ended with ${daemon.exitCode ?? daemon.signalCode}\n${this.log.slice(-4000)}`);
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
  async machine(
    options: Partial<NamespacedMachineOptions> = {},
    deps: NamespacedMachineDeps = {},
  ): Promise<NamespacedMachine> {
    machines += 1;
    const index = machines;
    const machine = new NamespacedMachine(
      {
        index,
        gateway: this.namespace.name,
        version: '1.13',
        seed: index,
        speed: Number.POSITIVE_INFINITY,
        darkMs: 0,
        kernelArguments: await this.kernelArguments(),
        ...options,
      },
      deps,
    );
    this.#machines.push(machine);
    await machine.create();
    return machine;
  }

  /** Someone on a cable of his own who calls Provision as he likes; by default with the join token. */
  async caller(): Promise<Caller> {
    this.#callers += 1;
    const number = this.#callers;
    await this.kernelArguments();
    const namespace = await this.network.namespace(`call${number}`);
    const net = `10.8.${number}`;
    await this.network.connect(this.namespace, `${net}.1/24`, namespace, `${net}.2/24`);
    await namespace.run(['ip', 'route', 'add', 'default', 'via', `${net}.1`]);
    return await Caller.start(namespace, { host: ADDRESS, port: API_PORT }, this.token);
  }

  async records(filter: RecordFilter): Promise<Envelope[]> {
    const found: Envelope[] = [];
    for await (const { record } of this.client.allRecords(filter)) found.push(record);
    return found;
  }

  /** What `wg show dump` shows of the gateway's peers, by public key. */
  async peers(): Promise<ReadonlyMap<string, ObservedPeer>> {
    return parseDump(await this.namespace.run(['wg', 'show', this.interface, 'dump'])).peers;
  }

  /** The metrics by name and labels, as `siderolinkd_join_refused_total{reason="removed"}`. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const text = await this.namespace.run(['curl', '-sS', '--fail', 'http://127.0.0.1:9596/metrics']);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /** The daemon's log lines with this message. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return this.log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['msg'] === message);
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
    return readdirSync(this.stateDir)
      .map((name) => readFileSync(join(this.stateDir, name), 'latin1'))
      .join('\n');
  }

  /** Asks until the condition holds; what is waited for is another process, so there is nothing to be told by. */
  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs = this.#patienceMs): Promise<void> {
    const end = performance.now() + withinMs;
    let last: unknown;
    let pauseMs = 50;
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
      // What takes long is asked for less and less often: asking is work for those who are waited for.
      await systemClock.sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 1.2, 500);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.close()));
    if (this.#daemon !== undefined) await this.end('SIGTERM');
    await this.network.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
