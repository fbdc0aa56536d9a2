import { type Server, Socket } from 'node:net';

/** What libuv calls when it has accepted a connection. */
interface ListeningHandle {
  onconnection: (error: number | undefined, handle: unknown) => void;
  setNoDelay?: (isOn: boolean) => number;
  setKeepAlive?: (isOn: boolean, delaySeconds: number, intervalSeconds: number, probes: number) => number;
}

export interface SharedReadsOptions {
  /** What is read into. */
  readonly memory: Buffer;
  /** Seconds of silence after which the system asks whether the other end is there. */
  readonly keepAliveSeconds: number;
}

/** From one question of the system to the next, and how many are asked in vain: Node's own figures. */
const PROBE_SECONDS = 1;
const PROBES = 10;

/**
 * A socket that is gone when its peer has said all. Node's own would say goodbye first, by a system call and three turns of
 * its queues, to someone who has left; a peer that closes one direction only is served by neither.
 */
class AcceptedSocket extends Socket {
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null || this.writableLength > 0) return super.push(chunk, encoding);
    this.destroy();
    return false;
  }
}

export interface SharedReadsDeps {
  /**
   * A connection was accepted; `open` makes its socket, without delay and with keep-alive, which is not read:
   * `socket.read(0)` begins that.
   */
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
export function shareReads(server: Server, options: SharedReadsOptions, deps: SharedReadsDeps): boolean {
  const { _handle: listening } = server as unknown as { readonly _handle?: ListeningHandle };
  if (typeof listening?.onconnection !== 'function') return false;
  const { memory, keepAliveSeconds } = options;
  const { onAccepted, onChunk } = deps;
  const areSet = passOn(listening, keepAliveSeconds);
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
    else onAccepted(() => opened(handle));
  };
  const opened = (handle: unknown): Socket => {
    const options = { handle, onread, manualStart: true } as ConstructorParameters<typeof Socket>[0];
    const socket = new AcceptedSocket(options);
    if (!areSet) socket.setNoDelay(true).setKeepAlive(true, 1_000 * keepAliveSeconds);
    return socket;
  };
  return true;
}

/**
 * What is set on a listening socket, Linux sets on all that it accepts: five system calls less for each.
 * @returns whether it is set
 */
function passOn(listening: ListeningHandle, keepAliveSeconds: number): boolean {
  if (process.platform !== 'linux' || listening.setNoDelay?.(true) !== 0) return false;
  return listening.setKeepAlive?.(true, keepAliveSeconds, PROBE_SECONDS, PROBES) === 0;
}
