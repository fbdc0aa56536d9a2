import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { SiderolinkError } from '../domain/errors.ts';
import { connectionError, openRequest, refusalOf, type Target } from './transport.ts';

export interface ConnectionRequest {
  readonly uuid: string;
  readonly port: number;
  /** Ends the attempt; what it led to is the caller's to end. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the attempt is given up. */
  readonly timeoutMs: number;
}

const PROTOCOL = 'siderolink-connect';

/**
 * Opens a byte stream to a port of a machine through the control API. Each side of it may end on its own; bytes that came
 * with the answer are in it.
 *
 * @throws ApiError for a refusal; SiderolinkError `unavailable` when nobody answers or the attempt is ended
 */
export function openConnection(target: Target, { uuid, port, signal, timeoutMs }: ConnectionRequest): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const path = `/v1/machines/${encodeURIComponent(uuid)}/connect?port=${port}`;
    const call = { method: 'GET', path, idleTimeoutMs: timeoutMs, halfOpen: true } as const;
    const request = openRequest(target, call, { connection: 'Upgrade', upgrade: PROTOCOL });
    const settle = () => signal?.removeEventListener('abort', aborted);
    const fail = (error: unknown) => {
      settle();
      reject(connectionError(target, error));
    };
    const aborted = () => request.destroy(new SiderolinkError('unavailable', 'ended before it was connected'));
    request.once('error', fail);
    request.once('response', (response: IncomingMessage) => {
      settle();
      void refusalOf(response).then(reject);
    });
    request.once('upgrade', (_response: IncomingMessage, socket: Socket, head: Buffer) => {
      settle();
      socket.setTimeout(0);
      // Until its new owner listens: an error only ends it.
      socket.on('error', () => socket.destroy());
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)));
    signal?.addEventListener('abort', aborted, { once: true });
    if (signal?.aborted === true) aborted();
    request.end();
  });
}
