import { type IncomingMessage, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { App } from './app.ts';
import { problemOfStatus } from './problem.ts';

interface Pending {
  readonly socket: Socket;
  readonly response: ServerResponse;
  readonly head: Buffer;
}

/**
 * Requests to change the protocol, let through the same door, checks and answers as all others. A route takes the
 * connection; where none does, the answer is an ordinary one and the connection ends with it.
 */
export class Upgrades {
  readonly #pending = new WeakMap<IncomingMessage, Pending>();

  /** Listens for them. */
  attach(app: App): void {
    app.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // The HTTP server has let go of the connection: from here on it is ours.
      socket.on('error', () => socket.destroy());
      const response = new ServerResponse(request);
      if (!assign(response, socket)) return socket.destroy();
      if (request.method !== 'GET') {
        response.detachSocket(socket);
        return refuseBody(socket);
      }
      // Plain HTTP servers have it so, those with TLS do not: a byte stream ends one way at a time.
      socket.allowHalfOpen = true;
      response.shouldKeepAlive = false;
      response.once('finish', () => {
        response.detachSocket(socket);
        if (this.#pending.delete(request)) socket.destroySoon();
      });
      this.#pending.set(request, { socket, response, head });
      app.routing(request, response);
    });
  }

  /** Whether the request asks for this protocol on a connection that can be taken. */
  asks(request: IncomingMessage, protocol: string): boolean {
    return this.#pending.has(request) && request.headers.upgrade?.toLowerCase() === protocol;
  }

  /**
   * Answers 101 and gives the connection, on which the caller's bytes come from here on; undefined if he is gone. It is
   * the taker's to end.
   */
  async take(request: IncomingMessage, protocol: string): Promise<Socket | undefined> {
    const pending = this.#pending.get(request);
    this.#pending.delete(request);
    if (pending === undefined || pending.socket.destroyed) return undefined;
    const { socket, response, head } = pending;
    const answered = new Promise<void>((resolve) => {
      response.once('finish', resolve);
      socket.once('close', resolve);
    });
    response.writeHead(101, { connection: 'Upgrade', upgrade: protocol });
    response.end();
    await answered;
    if (socket.destroyed) return undefined;
    if (head.length > 0) socket.unshift(head);
    return socket;
  }
}

/** False if an answer to an earlier request is still being written there: that one has no end to wait for any more. */
function assign(response: ServerResponse, socket: Socket): boolean {
  try {
    response.assignSocket(socket);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_HTTP_SOCKET_ASSIGNED') return false;
    throw error;
  }
}

/** Nobody would read its body any more. */
function refuseBody(socket: Socket): void {
  const body = JSON.stringify(problemOfStatus(400, 'only a GET may ask for another protocol'));
  socket.end(
    `HTTP/1.1 400 ${STATUS_CODES[400]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.resume();
}
