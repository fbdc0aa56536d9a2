import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { splitHostPort } from '../../src/domain/host-port.ts';
import type { Gateway } from './gateway.ts';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const PROCESS = fileURLToPath(new URL('./socket-holder-process.ts', import.meta.url));
const UNITS = fileURLToPath(new URL('../../systemd', import.meta.url));

export interface HolderSocket {
  readonly name: string;
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

export interface HolderPlan {
  readonly sockets: readonly HolderSocket[];
  readonly argv: readonly string[];
  /** Has the daemon's process id, anew at each start. */
  readonly pidFile: string;
  /** One line for each daemon that ended: its exit code or signal. */
  readonly endsFile: string;
  /** When it is there, no further daemon is started. */
  readonly stopFile: string;
  readonly logFile: string;
}

/**
 * Holds the sockets of a gateway's daemon as systemd would: those that `siderolinkd init` has written down, before there is
 * an overlay device, in front of one daemon after the other.
 */
export class SocketHolder {
  readonly #gateway: Gateway;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #plan: HolderPlan;
  #process: ChildProcess | undefined;

  private constructor(gateway: Gateway, settings: Readonly<Record<string, string>>, plan: HolderPlan) {
    this.#gateway = gateway;
    this.#settings = settings;
    this.#plan = plan;
  }

  /** `gateway` is created and not started; `settings` as environment variables. */
  static async create(gateway: Gateway, settings: Readonly<Record<string, string>> = {}): Promise<SocketHolder> {
    const all = {
      SIDEROLINKD__STATE_DIR: gateway.stateDir,
      SIDEROLINKD__CONTROL__SOCKET: join(gateway.directory, 'control.sock'),
      SIDEROLINKD__OVERLAY__INTERFACE: gateway.interface,
      SIDEROLINKD__WIREGUARD__ENDPOINTS: '["192.0.2.1:51821"]',
      ...settings,
    };
    const units = join(gateway.directory, 'units');
    const env = Object.entries(all).map(([name, value]) => `${name}=${value}`);
    await gateway.namespace.run(['env', ...env, process.execPath, MAIN, 'init', '--systemd-dir', units]);
    const file = (name: string) => join(gateway.directory, name);
    return new SocketHolder(gateway, all, {
      sockets: readUnits(units),
      argv: [process.execPath, MAIN, 'run'],
      pidFile: file('pid'),
      endsFile: file('ends'),
      stopFile: file('stop'),
      logFile: file('log'),
    });
  }

  get sockets(): readonly HolderSocket[] {
    return this.#plan.sockets;
  }

  /** The address of a socket. */
  address(name: string): HolderSocket {
    const socket = this.#plan.sockets.find((one) => one.name === name);
    if (socket === undefined) throw new Error(`no socket is called ${name}`);
    return socket;
  }

  get pid(): number {
    return Number(readFileSync(this.#plan.pidFile, 'utf8'));
  }

  /** How daemons ended so far. */
  get ends(): readonly string[] {
    if (!existsSync(this.#plan.endsFile)) return [];
    return readFileSync(this.#plan.endsFile, 'utf8').split('\n').slice(0, -1);
  }

  /** Binds the sockets and starts the first daemon; resolves when that serves. */
  async start(): Promise<void> {
    const { namespace, client } = this.#gateway;
    // What FreeBind= is for systemd: an address that is not there yet. Simulated machines need it as well.
    await namespace.run(['sysctl', '-q', '-w', 'net.ipv6.ip_nonlocal_bind=1']);
    this.#process = namespace.spawn([process.execPath, PROCESS, JSON.stringify(this.#plan)], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...this.#settings },
    });
    await this.#gateway.until('the daemon serves', async () => (await client.status()).ready);
  }

  /** Ends the daemon with this signal; resolves when the next one serves. `meanwhile` begins when the signal is sent. */
  async restart(signal: NodeJS.Signals, meanwhile?: () => Promise<void>): Promise<void> {
    const before = this.pid;
    process.kill(before, signal);
    await meanwhile?.();
    await this.#gateway.until('the next daemon serves', async () => {
      return this.pid !== before && (await this.#gateway.client.status()).ready;
    });
  }

  async stop(): Promise<void> {
    const holder = this.#process;
    if (holder === undefined || holder.exitCode !== null) return;
    writeFileSync(this.#plan.stopFile, '');
    const ended = once(holder, 'exit');
    process.kill(this.pid, 'SIGTERM');
    await ended;
  }
}

/** What systemd would read: the addresses of the drop-ins, with the names of the units, in the order of `Sockets=`. */
function readUnits(directory: string): readonly HolderSocket[] {
  const setting = (file: string, key: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`${key}=`))
      .map((line) => line.slice(key.length + 1))
      .at(-1);
  const dropIn = (unit: string) => {
    const [file = ''] = readdirSync(join(directory, `${unit}.d`));
    return join(directory, `${unit}.d`, file);
  };
  const units = setting(dropIn('siderolinkd.service'), 'Sockets')?.split(' ') ?? [];
  return units.map((unit) => {
    const stream = setting(dropIn(unit), 'ListenStream');
    const address = splitHostPort(stream ?? setting(dropIn(unit), 'ListenDatagram') ?? '');
    const name = setting(join(UNITS, unit), 'FileDescriptorName');
    if (address === undefined || name === undefined) throw new Error(`${unit} names no address or no name`);
    return { name, protocol: stream === undefined ? 'udp' : 'tcp', host: address.host, port: address.port };
  });
}
