import { type Server, Socket } from 'node:net';

/** What libuv calls when it has accepted a connection. */
interface ListeningHandle {
  onconnection: (error: number | undefined, handle: unknown) => void;
}

export interface SharedReadsDeps {
  /** A connection was accepted; `open` makes its socket, which is not read: `socket.read(0)` begins that. */
  readonly onAccepted: (open: () => Socket) => void;
  /** Bytes of one; `chunk` is valid until it returns. */
  readonly onChunk: (socket: Socket, chunk: Buffer) => void;
}

/**
 * Makes the sockets of a listening server itself, so that all are read into one piece of memory, one after the other. Node
 * takes 64 KiB for each read of each socket otherwise, and only a socket's constructor takes memory to read into: a server
 * makes its sockets without it, and all that it accepts in one turn of the event loop at once.
 * @returns false if this Node has no such handle: then the server's own `connection` event tells of connections
 */
export function shareReads(server: Server, memory: Buffer, deps: SharedReadsDeps): boolean {
  const { _handle: listening } = server as unknown as { readonly _handle?: ListeningHandle };
  if (typeof listening?.onconnection !== 'function') return false;
  const { onAccepted, onChunk } = deps;
  const onread = {
    buffer: memory,
    callback(this: Socket, length: number): boolean {
      onChunk(this, memory.subarray(0, length));
      return true;
    },
  };
  listening.onconnection = (error, handle) => {
    // Too many open files, or a caller that was gone at once: the next one may do.
    if (error !== 0 && error !== undefined) server.emit('error', new Error(`accept: ${error}`));
    else onAccepted(() => new Socket({ handle, onread, manualStart: true } as ConstructorParameters<typeof Socket>[0]));
  };
  return true;
}
