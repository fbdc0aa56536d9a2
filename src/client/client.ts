import type { Clock } from '../lib/clock.ts';
import type {
  CreatedJoinToken,
  Envelope,
  JoinToken,
  JoinTokensPage,
  KernelArgs,
  KernelArgsRequest,
  LINK_STATES,
  MACHINE_STATES,
  Machine,
  MachinesPage,
  NewJoinToken,
  RecordsPage,
  Status,
} from './api.ts';
import { followStream, readLines, type StreamItem, type StreamStart } from './stream.ts';
import { type Call, readJson, send, type Target } from './transport.ts';

export interface MachineFilter {
  readonly state?: readonly (typeof MACHINE_STATES)[number][] | undefined;
  readonly owner?: string | undefined;
  readonly link?: (typeof LINK_STATES)[number] | undefined;
}

export interface RecordFilter {
  readonly filter?: readonly string[] | undefined;
  readonly machine?: string | undefined;
  /** seqs, exclusive. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** RFC 3339 or a duration before now. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly grep?: string | undefined;
}

/** A record, and the text it came as: parsing may change a number that JavaScript cannot hold. */
export interface RecordText {
  readonly record: Envelope;
  readonly json: string;
}

export interface ControlClientOptions {
  readonly target: Target;
  /** Milliseconds without a byte until a call is given up. Default 30 s. */
  readonly timeoutMs?: number;
}

/** The control API as methods. Errors are SiderolinkErrors: the API's own codes, `unavailable` if nobody answers. */
export class ControlClient {
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #clock: Clock;

  constructor(options: ControlClientOptions, deps: { readonly clock: Clock }) {
    this.#target = options.target;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#clock = deps.clock;
  }

  status(): Promise<Status> {
    return this.#json('GET', '/v1/status');
  }

  /** All machines that pass, page after page. */
  async *machines(filter: MachineFilter = {}): AsyncGenerator<Machine> {
    let cursor: string | null | undefined;
    do {
      const query = toQuery({ ...filter, cursor });
      const page = await this.#json<MachinesPage>('GET', `/v1/machines${query}`);
      yield* page.machines;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** @throws SiderolinkError `not_found` */
  machine(uuid: string): Promise<Machine> {
    return this.#json('GET', `/v1/machines/${encodeURIComponent(uuid)}`);
  }

  async tokens(): Promise<readonly JoinToken[]> {
    return (await this.#json<JoinTokensPage>('GET', '/v1/join-tokens')).tokens;
  }

  createToken(token: NewJoinToken): Promise<CreatedJoinToken> {
    return this.#json('POST', '/v1/join-tokens', token);
  }

  /** @throws SiderolinkError `not_found` */
  revokeToken(id: string): Promise<JoinToken> {
    return this.#json('POST', `/v1/join-tokens/${encodeURIComponent(id)}/revoke`);
  }

  /** @throws SiderolinkError `not_found`, `conflict` while it is valid */
  async deleteToken(id: string): Promise<void> {
    await this.#json('DELETE', `/v1/join-tokens/${encodeURIComponent(id)}`);
  }

  kernelArgs(request: KernelArgsRequest = {}): Promise<KernelArgs> {
    return this.#json('POST', '/v1/kernel-args', request);
  }

  /** One page, the oldest first. */
  records(filter: RecordFilter & { readonly limit?: number; readonly tail?: number }): Promise<RecordsPage> {
    return this.#json('GET', `/v1/records${toQuery({ ...filter })}`);
  }

  /** All records that pass, page after page, each with its own text; `tail`: the last so many. */
  async *allRecords(filter: RecordFilter & { readonly tail?: number | undefined }): AsyncGenerator<RecordText> {
    let after = filter.after;
    for (;;) {
      const path = `/v1/records${toQuery({ ...filter, after })}`;
      const headers = { accept: 'application/x-ndjson' };
      const response = await send(this.#target, { method: 'GET', path, headers, idleTimeoutMs: this.#timeoutMs });
      let next: number | null = null;
      for await (const json of readLines(response)) {
        const line = JSON.parse(json) as Envelope | { position: number; next: number | null };
        if ('position' in line) next = line.next;
        else yield { record: line, json };
      }
      if (next === null) return;
      after = next;
    }
  }

  /**
   * Records as they come, from `start` on, until `signal` aborts. A connection that breaks is made anew and resumes
   * where it was, with growing pauses; the first one must succeed.
   */
  stream(
    filter: Pick<RecordFilter, 'filter' | 'machine'>,
    start: StreamStart = {},
    signal?: AbortSignal,
  ): AsyncGenerator<StreamItem> {
    return followStream(
      (from, lastEventId) =>
        send(this.#target, {
          method: 'GET',
          path: `/v1/stream${toQuery({ ...filter, ...from })}`,
          headers: {
            accept: 'application/x-ndjson',
            ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
          },
          signal,
          idleTimeoutMs: STREAM_IDLE_MS,
        }),
      { clock: this.#clock, start, signal },
    );
  }

  async #json<T>(method: Call['method'], path: string, body?: unknown): Promise<T> {
    const call = { method, path, idleTimeoutMs: this.#timeoutMs, ...(body !== undefined && { body }) };
    return (await readJson(await send(this.#target, call))) as T;
  }
}

// The server tells its position every 15 s: three of them missing mean that nobody is there.
const STREAM_IDLE_MS = 45_000;

type QueryValue = string | number | null | undefined | readonly string[];

/** `?a=1&b=2&b=3`; what has no value is left out. */
function toQuery(values: Readonly<Record<string, QueryValue>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null) continue;
    for (const item of typeof value === 'object' ? value : [value]) query.append(name, String(item));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
