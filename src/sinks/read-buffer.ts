import { Socket } from 'node:net';

/**
 * One piece of memory that all connections are read into, one after the other. Node allocates 64 KiB for each read
 * otherwise, which at hundreds of MB a second keeps the garbage collector marking the whole heap again and again.
 */
export class ReadBuffer {
  /** Bytes before each chunk that belong to its reader until it returns. */
  readonly room: number;
  readonly #memory: Buffer;

  /** @param room so many bytes at the beginning of `memory` are left free; the rest is what one read may give */
  constructor(memory: Buffer, room: number) {
    this.#memory = memory;
    this.room = room;
  }

  /**
   * Reads an accepted connection from now on, in place of the socket that accepted it (made with `pauseOnConnect`), which
   * is closed: the server counts the connection no more. A chunk is valid until `onChunk` returns.
   */
  adopt(accepted: Socket, onChunk: (chunk: Buffer) => void): Socket {
    const holder: { _handle?: unknown } = accepted as unknown as { _handle?: unknown };
    const { _handle: handle } = holder;
    const area = this.#memory.subarray(this.room);
    const onread = {
      buffer: area,
      callback: (length: number): boolean => {
        onChunk(area.subarray(0, length));
        return true;
      },
    };
    // Only a socket's constructor takes `onread`, and a server makes its sockets itself.
    const socket = new Socket({ handle, onread } as ConstructorParameters<typeof Socket>[0]);
    holder._handle = null;
    // Kept, it would double what a connection takes.
    accepted.destroy();
    return socket;
  }
}
