import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { KmsgTarget } from './boot-args.ts';
import type { Network } from './network.ts';

/** `partial`: a part of the line may have gone out, so it is not sent again. */
export type SendResult = 'sent' | 'partial' | 'failed';

const SEND_DEADLINE_MS = 5_000;

export interface KmsgDestinationDeps {
  readonly clock: Clock;
  readonly network: Pick<Network, 'connectOverlay' | 'sendOverlay'>;
  readonly onConnection: () => void;
}

/**
 * One receiver of kernel lines. TCP: one connection kept until a write fails; what the other side closed is noticed
 * only by a failing write, as nothing is ever read. Connecting and writing share a deadline of 5 s.
 */
export class KmsgDestination {
  readonly #target: KmsgTarget;
  readonly #deps: KmsgDestinationDeps;
  #socket: Socket | undefined;

  constructor(target: KmsgTarget, deps: KmsgDestinationDeps) {
    this.#target = target;
    this.#deps = deps;
  }

  /** Sends one line, given without its newline. Never rejects. */
  async send(line: string): Promise<SendResult> {
    if (this.#target.protocol === 'udp') return await this.#sendDatagram(line);
    const socket = this.#socket;
    if (!socket?.writable) return await this.#within((done) => this.#connectAndWrite(line, done));
    let settle: ((error?: Error | null) => void) | undefined;
    socket.write(`${line}\n`, (error) => settle?.(error));
    // In the kernel's hands already: by far the usual case, and no timer is needed.
    if (socket.writable && socket.writableLength === 0) return 'sent';
    return await this.#within((done) => {
      settle = (error) => done(error ? 'failed' : 'sent');
      return () => socket.destroy();
    });
  }

  /** Ends the connection; what was written still goes out. */
  close(): void {
    this.#socket?.end();
    this.#socket?.destroySoon();
    this.#socket = undefined;
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async #sendDatagram(line: string): Promise<SendResult> {
    try {
      await this.#deps.network.sendOverlay(this.#target, Buffer.from(line));
      return 'sent';
    } catch {
      return 'failed';
    }
  }

  #connectAndWrite(line: string, done: (result: SendResult) => void): () => void {
    const socket = this.#deps.network.connectOverlay(this.#target, { writeOnly: true });
    this.#socket = socket;
    let written = false;
    const broken = () => done(written && socket.bytesWritten > 0 ? 'partial' : 'failed');
    socket.on('error', broken);
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      // One that we drop ourselves, at the end of a boot, closes without an error.
      broken();
    });
    socket.once('connect', () => {
      this.#deps.onConnection();
      written = true;
      socket.write(`${line}\n`, (error) => {
        if (!error) done('sent');
      });
    });
    return () => socket.destroy();
  }

  /** Runs one attempt under the deadline; an attempt that is cut off may have sent a part. */
  #within(attempt: (done: (result: SendResult) => void) => () => void): Promise<SendResult> {
    return new Promise((resolve) => {
      let cancelDeadline = () => {};
      const connecting = this.#socket === undefined;
      const giveUp = attempt((result) => {
        cancelDeadline();
        resolve(result);
      });
      cancelDeadline = this.#deps.clock.after(SEND_DEADLINE_MS, () => {
        const wrote = !connecting || (this.#socket?.bytesWritten ?? 0) > 0;
        giveUp();
        this.#socket = undefined;
        resolve(wrote ? 'partial' : 'failed');
      });
    });
  }
}
