import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import type { ErrorCode } from '../domain/errors.ts';
import { codeOf, describe, isDamage } from './damaged.ts';

/** What crosses between a worker and its host. The first message of a worker is `ready` or `failed`. */
export type FromWorker =
  | { readonly kind: 'ready'; readonly state: unknown }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  /** `broken`: the kind of a request that failed because the store's file is damaged. */
  | {
      readonly kind: 'refused';
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly broken: string | null;
    };

export interface ToWorker {
  readonly id: number;
  readonly request: unknown;
}

/** A reply and the buffers in it that are moved instead of copied. */
export interface Reply {
  readonly value: unknown;
  readonly transfer?: readonly Transferable[];
}

export interface WorkerService<Request> {
  /** Told to the host once. */
  readonly state: unknown;
  handle(request: Request): Reply;
  /** Whether this was the last request. */
  isLast(request: Request): boolean;
}

/** Serves one request after the other. What `handle` throws goes to the caller and ends nothing. */
export function serve<Data, Request extends { readonly kind: string }>(
  open: (data: Data) => WorkerService<Request>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread');
  const post = (message: FromWorker, transfer: readonly Transferable[] = []): void =>
    port.postMessage(message, [...transfer]);

  let service: WorkerService<Request>;
  try {
    service = open(workerData as Data);
  } catch (error) {
    post({ kind: 'failed', code: codeOf(error), message: describe(error) });
    return;
  }
  port.on('message', ({ id, request }: ToWorker) => {
    try {
      const { value, transfer } = service.handle(request as Request);
      post({ kind: 'reply', id, value }, transfer);
    } catch (error) {
      const broken = isDamage(error) ? (request as Request).kind : null;
      post({ kind: 'refused', id, code: codeOf(error), message: describe(error), broken });
    }
    if (service.isLast(request as Request)) port.close();
  });
  post({ kind: 'ready', state: service.state });
}
