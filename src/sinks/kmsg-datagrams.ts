import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { sourceAddress } from '../domain/overlay.ts';
import type { BootLog } from '../fleet/boot-log.ts';
import type { Machine, Machines } from '../fleet/types.ts';
import { type LineOrigin, lineOrigin } from './line-sink.ts';

/** Room for a burst while the event loop is busy; the kernel caps it at net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** Turns of the event loop without a datagram after which there is none: each polls the socket once. */
const QUIET_TURNS = 2;
/** Turns after which a socket that is never quiet counts as read empty: each takes some dozens of datagrams. */
const MAX_TURNS = 1_000;

export type DatagramDrop = 'unknown_source' | 'oversized';

export interface KmsgDatagramsDeps {
  readonly machines: Pick<Machines, 'bySource'>;
  readonly boots: { current(machine: number): BootLog | undefined };
  /** Takes one datagram; false: no room for more until `whenWritable`. */
  readonly take: (origin: LineOrigin, machine: Machine, datagram: Buffer) => boolean;
  /** Notes one for which there is no room. */
  readonly refuse: (origin: LineOrigin, machine: Machine, datagram: Buffer) => void;
  readonly whenWritable: (machine: number) => Promise<void>;
  readonly onDrop: (reason: DatagramDrop, machine: Machine | undefined) => void;
}

/** Log lines over UDP, one JSON object a datagram. Nothing can be pushed back here: without room they are dropped. */
export class KmsgDatagrams {
  readonly #maxLineBytes: number;
  readonly #deps: KmsgDatagramsDeps;
  readonly #origins = new Map<number, LineOrigin>();
  /** Of boots that have just ended: what waits in the socket is still theirs. */
  readonly #former = new Map<number, LineOrigin>();
  readonly #full = new Set<number>();
  #socket: Socket | undefined;
  /** Whether the socket outlives us. */
  #shared = false;
  #received = 0;

  constructor(options: { readonly maxLineBytes: number }, deps: KmsgDatagramsDeps) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#deps = deps;
  }

  /**
   * @param fd an inherited socket, instead of the address
   * @throws Error of the socket, e.g. EADDRINUSE, EADDRNOTAVAIL
   */
  bind(host: string, port: number, fd?: number): Promise<void> {
    const v6 = isIPv6(host);
    // Whoever made an inherited socket has chosen its buffer, and may have given more than we can.
    const buffer = fd === undefined && { recvBufferSize: RECEIVE_BUFFER_BYTES };
    const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6, ...buffer });
    this.#shared = fd !== undefined;
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(error);
      });
      socket.bind(fd === undefined ? { address: host, port, exclusive: true } : { fd }, () => {
        socket.removeAllListeners('error');
        // An ICMP error for something we never send: the socket goes on.
        socket.on('error', () => {});
        socket.on('message', (datagram, from) => {
          this.#received += 1;
          this.#receive(datagram, from.address);
        });
        this.#socket = socket;
        resolve();
      });
    });
  }

  /** A machine was removed. */
  forget(machine: number): void {
    this.#origins.delete(machine);
    this.#former.delete(machine);
    this.#full.delete(machine);
  }

  /** A machine began a new boot. It does not know its address yet, so what comes before the socket is empty is of the old one. */
  rebooted(machine: number): void {
    const former = this.#origins.get(machine);
    this.forget(machine);
    if (former === undefined) return;
    this.#former.set(machine, former);
    void this.#readEmpty().then(() => {
      if (this.#former.get(machine) === former) this.#former.delete(machine);
    });
  }

  /** Reads what has come, then closes. What an inherited socket still holds is left to whoever reads it next. */
  async finish(): Promise<void> {
    if (!this.#shared) await this.#readEmpty();
    await this.close();
  }

  /** At most `MAX_TURNS`: the other machines do not stop sending. */
  async #readEmpty(): Promise<void> {
    let turns = 0;
    for (let quiet = 0; quiet < QUIET_TURNS && turns < MAX_TURNS && this.#socket !== undefined; turns += 1) {
      const before = this.#received;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#received === before ? quiet + 1 : 0;
    }
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => {
      if (socket === undefined) resolve();
      else socket.close(() => resolve());
    });
  }

  #receive(datagram: Buffer, from: string): void {
    const machine = this.#deps.machines.bySource(sourceAddress(from));
    const origin = machine === undefined ? undefined : this.#originOf(machine);
    if (machine === undefined || origin === undefined) {
      this.#deps.onDrop('unknown_source', undefined);
    } else if (datagram.length > this.#maxLineBytes) {
      this.#deps.onDrop('oversized', machine);
    } else if (this.#full.has(machine.id)) {
      this.#deps.refuse(origin, machine, datagram);
    } else if (!this.#deps.take(origin, machine, datagram)) {
      this.#full.add(machine.id);
      const writable = () => this.#full.delete(machine.id);
      void this.#deps.whenWritable(machine.id).then(writable, writable);
    }
  }

  #originOf(machine: Machine): LineOrigin | undefined {
    const former = this.#former.get(machine.id);
    if (former !== undefined) return former;
    const boot = this.#deps.boots.current(machine.id);
    const known = this.#origins.get(machine.id);
    if (boot === undefined || known?.boot === boot) return boot === undefined ? undefined : known;
    const origin = lineOrigin(boot);
    this.#origins.set(machine.id, origin);
    return origin;
  }
}
