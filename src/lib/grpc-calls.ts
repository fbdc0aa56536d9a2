import type { Clock } from './clock.ts';
import * as answers from './grpc-answers.ts';
import { type BytesMethod, bytesMethod, type CallHost, UnaryExchange, type UnaryMethod } from './grpc-call.ts';
import type { GrpcEdgeOptions, GrpcStatus } from './grpc-options.ts';
import { EdgeStreams, type StreamMethod } from './grpc-stream.ts';
import type { SessionPeer } from './h2/connection.ts';
import { fieldOf, type RequestHead } from './h2/request-head.ts';
import type { H2Stream } from './h2/stream.ts';
import type { Wheel } from './h2/wheel.ts';
import { Turnstile } from './turnstile.ts';

const STOPPING: GrpcStatus = { code: answers.UNAVAILABLE, details: 'stopping' };
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * Calls that are served in one turn of the event loop. One reading of the sockets brings thousands of requests when a fleet
 * comes at once, and each is work of some 0.1 ms.
 */
const CALLS_PER_TURN = 64;
/** So many that are not answered are a crowd, of which one waits so long to be served together with others. */
const CROWD = 64;
const GATHER_MS = 5;

/** Requests of all connections of an edge: which of its methods each is, and whether it may run. */
export class GrpcCalls implements CallHost {
  readonly maxMessageBytes: number;
  readonly wheel: Wheel;
  readonly #options: GrpcEdgeOptions;
  readonly #methods = new Map<string, BytesMethod>();
  readonly #streams: EdgeStreams;
  readonly #requested: Turnstile<UnaryExchange>;
  #running = 0;
  #isStopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: GrpcEdgeOptions, deps: { readonly wheel: Wheel; readonly clock: Clock }) {
    this.#options = options;
    this.#requested = new Turnstile(
      { perTurn: CALLS_PER_TURN, gatherMs: GATHER_MS },
      { pass: (call) => call.serve(), isCrowded: () => this.isCrowded, clock: deps.clock },
    );
    this.wheel = deps.wheel;
    this.maxMessageBytes = options.maxMessageBytes ?? 4 * 1024 * 1024;
    this.#streams = new EdgeStreams({
      wheel: deps.wheel,
      maxMessageBytes: this.maxMessageBytes,
      onCall: options.onCall,
      toStatus: (error, call) => this.toStatus(error, call),
    });
  }

  /** Unary calls that are not answered yet. */
  get running(): number {
    return this.#running;
  }

  /** So many callers wait for their answers that a few milliseconds more are nothing to them. */
  get isCrowded(): boolean {
    return this.#running > CROWD;
  }

  unary<Req, Res>(method: UnaryMethod<Req, Res>): void {
    this.#methods.set(method.path, bytesMethod(method));
  }

  stream(method: StreamMethod): void {
    this.#streams.add(method);
  }

  /** Begins no call any more, and ends the streams. `onIdle` is called each time when no call runs. */
  stop(onIdle: () => void): void {
    this.#isStopping = true;
    this.#onIdle = onIdle;
    this.#streams.endAll(STOPPING);
    if (this.#running === 0) onIdle();
  }

  /** Begins a call, or answers it. */
  request(stream: H2Stream, head: RequestHead, peer: SessionPeer): void {
    const told = this.#refusal(head);
    if (told !== undefined) {
      stream.finish(Buffer.isBuffer(told) ? told : answers.statusOnly(told));
      return;
    }
    const timeoutMs = timeoutOf(head.fields);
    if (timeoutMs !== undefined && Number.isNaN(timeoutMs)) {
      stream.finish(answers.statusOnly({ code: answers.INTERNAL, details: 'grpc-timeout is no time' }));
      return;
    }
    const method = this.#methods.get(head.path);
    if (method === undefined) this.#streams.open(head.path, stream, { ...peer, timeoutMs, fields: head.fields });
    else this.#begin(method, stream, head, peer, timeoutMs);
  }

  toStatus(error: unknown, call: { readonly path: string; readonly source: string }): GrpcStatus {
    return this.#options.toStatus?.(error, call) ?? { code: answers.INTERNAL, details: 'internal error' };
  }

  requested(call: UnaryExchange): void {
    this.#requested.add(call);
  }

  late(): void {
    this.#options.onRefused?.('deadline');
  }

  ended(call: UnaryExchange): void {
    this.#running -= 1;
    call.release?.();
    if (this.#running === 0) this.#onIdle?.();
  }

  #begin(
    method: BytesMethod,
    stream: H2Stream,
    { fields }: RequestHead,
    { source, port }: SessionPeer,
    timeoutMs: number | undefined,
  ): void {
    const deadlineMs = method.deadlineMs ?? this.#options.deadlineMs ?? 30_000;
    const options = { source, port, timeoutMs, deadlineMs, encoding: fieldOf(fields, 'grpc-encoding') };
    this.#running += 1;
    const call = new UnaryExchange(method, stream, options, this);
    call.release = this.#options.onCall?.(source, port);
  }

  #refusal({ method, path, fields, isTooLarge }: RequestHead): GrpcStatus | Buffer | undefined {
    const { onRefused, maxRunning = 20_000 } = this.#options;
    if (isTooLarge) {
      onRefused?.('metadata');
      return { code: answers.RESOURCE_EXHAUSTED, details: 'too much metadata' };
    }
    if (method !== 'POST') return answers.NO_POST;
    if (fieldOf(fields, 'content-type')?.startsWith('application/grpc') !== true) return answers.NO_GRPC;
    const isUnary = this.#methods.has(path);
    if (!isUnary && !this.#streams.has(path)) {
      return { code: answers.UNIMPLEMENTED, details: `there is no method ${path}` };
    }
    if (this.#isStopping) {
      onRefused?.('stopping');
      return STOPPING;
    }
    if (isUnary ? this.#running < maxRunning : !this.#streams.isFull(path)) return undefined;
    onRefused?.('running');
    return { code: answers.RESOURCE_EXHAUSTED, details: 'too many calls at once, try again' };
  }
}

/** Milliseconds of `grpc-timeout`; NaN if it is no time. */
function timeoutOf(fields: readonly string[]): number | undefined {
  const text = fieldOf(fields, 'grpc-timeout');
  if (text === undefined) return undefined;
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
}
