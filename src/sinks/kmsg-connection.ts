import type { Socket } from 'node:net';
import type { BootLog } from '../fleet/boot-log.ts';
import type { Clock } from '../lib/clock.ts';
import { type LineLoss, LineSplitter } from '../lib/line-splitter.ts';
import type { ReadBuffer } from './read-buffer.ts';

/** Turns of the event loop without a byte after which a socket counts as read empty: each polls the socket once. */
const QUIET_TURNS = 2;

export interface KmsgConnectionHandlers {
  /** Takes complete lines; false: read no further until `whenWritable`. */
  onBlock(connection: KmsgConnection, block: Buffer): boolean;
  onLoss(connection: KmsgConnection, loss: LineLoss): void;
  onPause(): void;
  whenWritable(machine: number): Promise<void>;
}

/** One TCP connection of a machine's kernel log. It belongs to `boot` for as long as it lives. */
export class KmsgConnection {
  readonly boot: BootLog;
  /** Resolves when it is closed. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #splitter: LineSplitter;
  readonly #handlers: KmsgConnectionHandlers;
  #writable = true;
  /** Settles when the socket is read again; undefined while it is read. */
  #paused: Promise<void> | undefined;
  #finished: Promise<void> | undefined;

  constructor(
    options: { readonly maxLineBytes: number },
    deps: {
      /** As a server with `pauseOnConnect` accepted it. */
      readonly accepted: Socket;
      readonly buffer: ReadBuffer;
      readonly boot: BootLog;
      readonly clock: Clock;
      readonly handlers: KmsgConnectionHandlers;
    },
  ) {
    this.boot = deps.boot;
    this.#clock = deps.clock;
    this.#handlers = deps.handlers;
    this.#splitter = new LineSplitter(options, {
      onBlock: (block) => {
        if (!deps.handlers.onBlock(this, block)) this.#writable = false;
      },
      onLoss: (loss) => deps.handlers.onLoss(this, loss),
    });
    const { room } = deps.buffer;
    const socket = deps.buffer.adopt(deps.accepted, (chunk) => this.#read(chunk, room));
    this.#socket = socket;
    // Resets are everyday life here: what matters is that the connection is gone.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#splitter.end());
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
  }

  /** Whether it is being read empty, and then closed. */
  get finishing(): boolean {
    return this.#finished !== undefined;
  }

  /** So far, bytes. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** Closes at once; what was not read is lost. */
  close(): void {
    this.#socket.destroy();
  }

  /** Reads what the socket holds, then closes it; `timeoutMs` later at the latest. Idempotent. */
  finish(timeoutMs: number): Promise<void> {
    this.#finished ??= this.#readEmpty(timeoutMs);
    return this.#finished;
  }

  /** Resolves when everything that the socket held has been read, or it is closed. More may come. */
  async settle(): Promise<void> {
    const socket = this.#socket;
    for (let quiet = 0; quiet < QUIET_TURNS && !socket.destroyed; ) {
      if (this.#paused !== undefined) await Promise.race([this.#paused, this.closed]);
      const before = socket.bytesRead;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = socket.bytesRead === before && this.#paused === undefined ? quiet + 1 : 0;
    }
  }

  async #readEmpty(timeoutMs: number): Promise<void> {
    const cancel = this.#clock.after(timeoutMs, () => this.#socket.destroy());
    await this.settle();
    this.#socket.destroy();
    await this.closed;
    cancel();
  }

  #read(chunk: Buffer, room: number): void {
    this.#splitter.push(chunk, room);
    if (!this.#writable && this.#paused === undefined) {
      this.#handlers.onPause();
      this.#socket.pause();
      this.#paused = this.#resumeLater();
    }
  }

  async #resumeLater(): Promise<void> {
    try {
      await this.#handlers.whenWritable(this.boot.machine);
    } catch {
      // The record log is gone for good; what comes on this connection could only be dropped.
      this.#socket.destroy();
    }
    this.#writable = true;
    this.#paused = undefined;
    this.#socket.resume();
  }
}
