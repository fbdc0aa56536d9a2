import { connect, type Socket } from 'node:net';
import { ACK, call, END_STREAM, FRAME_HEADER, frame, HEADERS, PING, preface, SETTINGS } from './raw-call.ts';

const NOTHING = Buffer.alloc(0);

/**
 * A gRPC connection that stays open, as a machine keeps it to the event sink, in as little memory as it takes: ten
 * thousand of them are in one process. One call at a time; what is answered is not looked at.
 */
export class RawSession {
  readonly #socket: Socket;
  readonly #authority: string;
  #stream = 1;
  #received: Buffer = NOTHING;
  #answered: (() => void) | undefined;

  private constructor(socket: Socket, authority: string) {
    this.#socket = socket;
    this.#authority = authority;
    socket.on('error', () => socket.destroy());
    socket.on('data', (part) => this.#take(part));
    socket.write(preface());
  }

  static open(to: {
    readonly host: string;
    readonly port: number;
    readonly localAddress: string;
  }): Promise<RawSession> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...to, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RawSession(socket, `[${to.host}]:${to.port}`));
      });
    });
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Resolves when the call is answered. */
  call(path: string, message: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const broken = () => reject(new Error(`${path}: the connection was closed`));
      this.#socket.once('close', broken);
      this.#answered = () => {
        this.#socket.removeListener('close', broken);
        resolve();
      };
      this.#socket.write(call(this.#authority, path, message, this.#stream));
      this.#stream += 2;
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
    while (this.#received.length >= FRAME_HEADER) {
      const end = FRAME_HEADER + this.#received.readUIntBE(0, 3);
      if (this.#received.length < end) return;
      const flags = this.#received.readUInt8(4);
      this.#frame(this.#received.readUInt8(3), flags, this.#received.subarray(FRAME_HEADER, end));
      this.#received = this.#received.length === end ? NOTHING : this.#received.subarray(end);
    }
  }

  #frame(type: number, flags: number, payload: Buffer): void {
    const isAck = (flags & ACK) !== 0;
    if (type === SETTINGS && !isAck) this.#socket.write(frame(SETTINGS, ACK, 0, NOTHING));
    if (type === PING && !isAck) this.#socket.write(frame(PING, ACK, 0, payload));
    if (type === HEADERS && (flags & END_STREAM) !== 0) this.#answered?.();
  }
}
