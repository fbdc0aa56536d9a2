import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, isIPv6, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SiderolinkError } from '../domain/errors.ts';
import type { HostPort } from '../domain/host-port.ts';
import type { PrivateKey } from '../domain/keys.ts';
import { isSiderolinkAddress } from '../domain/overlay.ts';
import type { Clock } from '../lib/clock.ts';
import { type LinkConfig, linkAddress, listenOn, type Network, type Outage, type OverlayListener } from './network.ts';
import type { SystemCommand } from './system-command.ts';

const KEEPALIVE_SECONDS = 25;
const DEVICE_DEADLINE_MS = 5_000;
const DEVICE_POLL_MS = 20;
const WORST_METRIC = 2_147_483_647;
const OUTAGE_TABLE = 'siderolink_outage';

export interface NamespaceNetworkOptions {
  /** Name of the WireGuard interface; unique on the host, as wireguard-go's sockets are shared by all namespaces. */
  readonly linkInterface: string;
  /** The interface towards the world. */
  readonly worldInterface: string;
}

export interface NamespaceNetworkDeps {
  readonly run: SystemCommand;
  readonly clock: Clock;
}

/**
 * The network of a machine that has a network namespace to itself. It works inside of that namespace: Node cannot enter
 * one, so each machine is a process of its own (`agent-worker.ts`). The link is a real WireGuard device.
 */
export class NamespaceNetwork implements Network {
  readonly carriesTunnel = true;
  readonly #options: NamespaceNetworkOptions;
  readonly #run: SystemCommand;
  readonly #clock: Clock;
  #current: LinkConfig | undefined;
  #userspace: ChildProcess | undefined;
  /** Changes of the link, one after the other: a power cut may come while the link is being made. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: NamespaceNetworkOptions, { run, clock }: NamespaceNetworkDeps) {
    this.#options = options;
    this.#run = run;
    this.#clock = clock;
  }

  /**
   * Makes these overlay addresses unreachable but over the link. The world would not route them either; our default
   * route leads straight to the gateway, which would take them in from the wrong side.
   */
  async shield(hosts: readonly string[]): Promise<void> {
    for (const host of new Set(hosts.filter(isSiderolinkAddress))) {
      await this.#run('ip', '-6', 'route', 'replace', 'unreachable', `${host}/64`, 'metric', String(WORST_METRIC));
    }
  }

  connectWorld({ host, port }: HostPort): Socket {
    return connect({ host, port, noDelay: true });
  }

  connectOverlay({ host, port }: HostPort, { writeOnly = false }: { writeOnly?: boolean } = {}): Socket {
    return connect({ host, port, noDelay: true, allowHalfOpen: writeOnly });
  }

  async sendOverlay({ host, port }: HostPort, datagram: Buffer): Promise<void> {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve()));
      });
    } finally {
      socket.close();
    }
  }

  async listenOverlay(port: number, onConnection: (socket: Socket) => void): Promise<OverlayListener> {
    const address = linkAddress(this.#current);
    if (address === undefined) throw new SiderolinkError('unavailable', 'the link is not up');
    return await listenOn(address, port, onConnection);
  }

  configureLink(config: LinkConfig): Promise<void> {
    return this.#serially(() => this.#configure(config));
  }

  async #configure(config: LinkConfig): Promise<void> {
    const { linkInterface: name } = this.#options;
    if (this.#current?.tunnelled !== config.tunnelled) await this.#remove();
    const before = this.#current;
    // Until it is done, nobody knows what is: after a failure the link is made anew.
    this.#current = undefined;
    if (before === undefined) await this.#createDevice(config);
    await this.#setPrivateKey(config.privateKey);
    if (before !== undefined && before.address !== config.address) {
      await this.#run('ip', 'addr', 'del', before.address, 'dev', name);
    }
    await this.#run('ip', 'addr', 'replace', config.address, 'dev', name, 'nodad');
    if (before !== undefined && before.serverPublicKey !== config.serverPublicKey) {
      await this.#run('wg', 'set', name, 'peer', before.serverPublicKey, 'remove');
    }
    await this.#run(
      ...(['wg', 'set', name, 'peer', config.serverPublicKey] as const),
      ...['endpoint', config.endpoint, 'allowed-ips', `${config.serverAddress}/128`],
      ...['persistent-keepalive', String(KEEPALIVE_SECONDS)],
    );
    await this.#run('ip', 'link', 'set', name, 'up');
    this.#current = config;
  }

  async latestHandshake(): Promise<number | undefined> {
    if (this.#current === undefined) return undefined;
    const output = await this.#run('wg', 'show', this.#options.linkInterface, 'latest-handshakes');
    return Number(output.split('\t')[1] ?? 0) * 1000;
  }

  removeLink(): Promise<void> {
    return this.#serially(() => this.#remove());
  }

  async #remove(): Promise<void> {
    const { linkInterface: name } = this.#options;
    const userspace = this.#userspace;
    this.#current = undefined;
    this.#userspace = undefined;
    const links = await this.#run('ip', '-o', 'link', 'show');
    // wireguard-go ends when its interface goes.
    if (links.includes(` ${name}:`)) await this.#run('ip', 'link', 'del', name);
    if (userspace !== undefined && userspace.exitCode === null && userspace.signalCode === null) {
      const cancel = this.#clock.after(DEVICE_DEADLINE_MS, () => userspace.kill('SIGKILL'));
      await once(userspace, 'exit');
      cancel();
    }
  }

  async setOutage(outage: Outage): Promise<void> {
    const { worldInterface } = this.#options;
    // In one transaction: adding the table first makes deleting it right also when it is not there.
    const rules = ['add', 'delete'].map((verb) => `${verb} table inet ${OUTAGE_TABLE}`);
    if (outage !== 'none') {
      const what = outage === 'udp' ? 'meta l4proto udp drop' : 'drop';
      rules.push(
        `table inet ${OUTAGE_TABLE} {`,
        `chain in { type filter hook input priority -300; iifname "${worldInterface}" ${what}; }`,
        `chain out { type filter hook output priority -300; oifname "${worldInterface}" ${what}; }`,
        '}',
      );
    }
    await this.#run('nft', rules.join('\n'));
  }

  addresses(): readonly string[] {
    const world = networkInterfaces()[this.#options.worldInterface] ?? [];
    return world.filter(({ address }) => !address.startsWith('fe80:')).map(({ address }) => address);
  }

  async close(): Promise<void> {
    await this.removeLink();
  }

  async #createDevice({ mtu }: LinkConfig): Promise<void> {
    const { linkInterface: name } = this.#options;
    // What a failed attempt left behind.
    await this.#remove();
    try {
      await this.#run('ip', 'link', 'add', name, 'type', 'wireguard');
    } catch {
      await this.#startUserspace(name);
    }
    if (mtu !== null) await this.#run('ip', 'link', 'set', name, 'mtu', String(mtu));
  }

  #serially(step: () => Promise<void>): Promise<void> {
    const run = this.#work.then(step);
    this.#work = run.catch(() => {});
    return run;
  }

  /** In a session of its own: Ctrl-C on the terminal must not end it before the machine says so. */
  async #startUserspace(name: string): Promise<void> {
    const { LOG_LEVEL: _, ...env } = process.env;
    const child = spawn('wireguard-go', ['-f', name], { stdio: 'ignore', detached: true, env });
    this.#userspace = child;
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
    });
    const until = this.#clock.monotonic() + DEVICE_DEADLINE_MS;
    for (;;) {
      try {
        await this.#run('wg', 'show', name, 'latest-handshakes');
        return;
      } catch (error) {
        if (failure !== undefined || child.exitCode !== null || this.#clock.monotonic() > until) {
          const message = `wireguard-go did not come up: ${failure?.message ?? `exit code ${child.exitCode}`}`;
          throw new SiderolinkError('command_failed', message, { interface: name }, { cause: error });
        }
      }
      await this.#clock.sleep(DEVICE_POLL_MS);
    }
  }

  /** `wg` reads the key from a real file only (facts/feasibility.md section 0). */
  async #setPrivateKey(key: PrivateKey): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'siderolink-'));
    try {
      const file = join(directory, 'key');
      await writeFile(file, `${key.reveal()}\n`, { mode: 0o600 });
      await this.#run('wg', 'set', this.#options.linkInterface, 'private-key', file);
    } finally {
      await rm(directory, { recursive: true });
    }
  }
}
