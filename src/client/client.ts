import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type {
  Boot,
  BootsPage,
  ClaimRequest,
  Configuration,
  CreatedJoinToken,
  Envelope,
  JoinToken,
  JoinTokenDetails,
  JoinTokensPage,
  KernelArgs,
  KernelArgsRequest,
  Machine,
  MachinesPage,
  NewJoinToken,
  PageEnd,
  PatchMachine,
  RecordsPage,
  RegisteredMachine,
  RegisterRequest,
  RepublishProgress,
  RepublishRequest,
  RotateToken,
  Status,
} from './api.ts';
import { type BackupFile, openBackup } from './backup.ts';
import { openConnection } from './connect.ts';
import { republishRecords } from './republish.ts';
import type { LINK_STATES, MACHINE_STATES } from './states.ts';
import { followStream, readLines, type StreamItem, type StreamStart } from './stream.ts';
import { type Call, readJson, send, type Target } from './transport.ts';

export interface MachineFilter {
  /** By labels: docs/reference/selectors.md. */
  readonly selector?: string | undefined;
  readonly state?: readonly (typeof MACHINE_STATES)[number][] | undefined;
  readonly owner?: string | undefined;
  readonly link?: (typeof LINK_STATES)[number] | undefined;
}

/** What a change of a machine is based on. */
export interface Condition {
  /** The version that was seen: the change is refused as `stale` if it is another one. `*`: the one it has now. */
  readonly ifMatch?: number | '*' | undefined;
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

  /** What the daemon runs with. @throws SiderolinkError `not_found` from a daemon that cannot tell yet */
  configuration(): Promise<Configuration> {
    return this.#json('GET', '/v1/configuration');
  }

  /** All machines that pass, page after page. */
  async *machines(filter: MachineFilter = {}): AsyncGenerator<Machine> {
    for await (const page of this.machinePages(filter)) yield* page;
  }

  /** The same as they come: a page is one answer. */
  async *machinePages(filter: MachineFilter = {}): AsyncGenerator<readonly Machine[]> {
    let cursor: string | null | undefined;
    do {
      const query = toQuery({ ...filter, cursor });
      const page = await this.#json<MachinesPage>('GET', `/v1/machines${query}`);
      yield page.machines;
      cursor = page.next;
    } while (cursor !== null);
  }

  /** @throws SiderolinkError `not_found` */
  machine(uuid: string): Promise<Machine> {
    return this.#json('GET', machinePath(uuid));
  }

  /** Its boots, the newest first. @throws SiderolinkError `not_found` */
  async boots(uuid: string): Promise<readonly Boot[]> {
    return (await this.#json<BootsPage>('GET', `${machinePath(uuid)}/boots`)).boots;
  }

  /**
   * Makes a machine known before it ever booted, or brings one that never joined to what is wanted.
   * @throws SiderolinkError `conflict` for one that joined, `stale`, `exhausted`
   */
  async registerMachine(
    uuid: string,
    wanted: RegisterRequest = {},
    condition: Condition = {},
  ): Promise<{ readonly machine: RegisteredMachine; readonly created: boolean }> {
    const response = await this.#send('PUT', machinePath(uuid), wanted, condition);
    return { machine: (await readJson(response)) as RegisteredMachine, created: response.statusCode === 201 };
  }

  /** Sets and unsets labels. @throws SiderolinkError `not_found`, `conflict`, `stale` */
  patchMachine(uuid: string, patch: PatchMachine, condition: Condition = {}): Promise<Machine> {
    return this.#json('PATCH', machinePath(uuid), patch, condition);
  }

  /** Lets a pending, provisional or rejected machine in. @throws SiderolinkError `not_found`, `conflict`, `stale` */
  acceptMachine(uuid: string, condition: Condition = {}): Promise<Machine> {
    return this.#action(uuid, 'accept', condition);
  }

  /** Its link goes at once; it may not join until it is accepted. @throws as `acceptMachine` */
  rejectMachine(uuid: string, condition: Condition = {}): Promise<Machine> {
    return this.#action(uuid, 'reject', condition);
  }

  /** @throws SiderolinkError `not_found`, `conflict` if another owner has it and nothing was seen, `stale` */
  claimMachine(uuid: string, ownership: ClaimRequest, condition: Condition = {}): Promise<Machine> {
    return this.#json('POST', `${machinePath(uuid)}/claim`, ownership, condition);
  }

  /** @throws SiderolinkError `not_found`, `precondition_required` if nothing was seen, `stale` */
  releaseMachine(uuid: string, condition: Condition): Promise<Machine> {
    return this.#action(uuid, 'release', condition);
  }

  /** Forgets its unique tokens, for a machine that was installed anew. @throws as `acceptMachine` */
  resetMachineToken(uuid: string, condition: Condition = {}): Promise<Machine> {
    return this.#action(uuid, 'reset-token', condition);
  }

  /** Lets a removed machine join again. @throws as `acceptMachine` */
  readmitMachine(uuid: string, condition: Condition = {}): Promise<Machine> {
    return this.#action(uuid, 'readmit', condition);
  }

  /** Decommissions it; `records` also deletes what is stored of it. @throws SiderolinkError `not_found`, `stale` */
  removeMachine(uuid: string, options: Condition & { readonly records?: boolean } = {}): Promise<Machine> {
    return this.#json(
      'DELETE',
      `${machinePath(uuid)}${options.records === true ? '?records=true' : ''}`,
      undefined,
      options,
    );
  }

  /** All join tokens, the oldest first. */
  async tokens(): Promise<readonly JoinToken[]> {
    const tokens: JoinToken[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await this.#json<JoinTokensPage>('GET', `/v1/join-tokens${toQuery({ cursor })}`);
      tokens.push(...page.tokens);
      cursor = page.next;
    } while (cursor !== null);
    return tokens;
  }

  /** With the machines that a revocation would cut. @throws SiderolinkError `not_found` */
  token(id: string): Promise<JoinTokenDetails> {
    return this.#json('GET', tokenPath(id));
  }

  /** @throws SiderolinkError `invalid_argument`, `exhausted` */
  createToken(token: NewJoinToken): Promise<CreatedJoinToken> {
    return this.#json('POST', '/v1/join-tokens', token);
  }

  /** @throws SiderolinkError `not_found` */
  revokeToken(id: string): Promise<JoinToken> {
    return this.#json('POST', `${tokenPath(id)}/revoke`);
  }

  /** A new token like this one, which ends after the overlap. @throws SiderolinkError `not_found`, `conflict` */
  rotateToken(id: string, rotation: RotateToken): Promise<CreatedJoinToken> {
    return this.#json('POST', `${tokenPath(id)}/rotate`, rotation);
  }

  /** @throws SiderolinkError `not_found`, `conflict` while it is valid */
  async deleteToken(id: string): Promise<void> {
    await this.#json('DELETE', tokenPath(id));
  }

  /** All that a new host needs, as one file, with private keys. @throws SiderolinkError `conflict`, `storage`, `exhausted` */
  backup(signal?: AbortSignal): Promise<BackupFile> {
    return openBackup(this.#target, signal);
  }

  /**
   * Has kept records published to JetStream once more; tells how far it is, the last item is the total.
   * @throws SiderolinkError `conflict` where nothing is published or another one runs, `unavailable` without a connection
   */
  republish(wanted: RepublishRequest, signal?: AbortSignal): AsyncGenerator<RepublishProgress> {
    return republishRecords(this.#target, wanted, signal);
  }

  kernelArgs(request: KernelArgsRequest = {}): Promise<KernelArgs> {
    return this.#json('POST', '/v1/kernel-args', request);
  }

  /** A byte stream to a port of a machine. @throws SiderolinkError `not_found`, `conflict` without a link, `unavailable` */
  connect(uuid: string, port: number, signal?: AbortSignal): Promise<Socket> {
    return openConnection(this.#target, { uuid, port, signal, timeoutMs: this.#timeoutMs });
  }

  /** One page, the oldest first. */
  records(filter: RecordFilter & { readonly limit?: number; readonly tail?: number }): Promise<RecordsPage> {
    return this.#json('GET', `/v1/records${toQuery({ ...filter })}`);
  }

  /**
   * All records that pass, page after page (`limit` of them each), each with its own text; `tail`: the last so many of
   * them, which are kept in memory. What retention dropped is told once of each part. A page is read to its end before the first of it is given: who takes
   * long over a record does not keep the daemon waiting, nor takes its silence for an end.
   */
  async *allRecords(
    filter: RecordFilter & { readonly tail?: number | undefined; readonly limit?: number | undefined },
  ): AsyncGenerator<RecordText> {
    if (filter.tail !== undefined) {
      yield* await this.#lastRecords(filter, filter.tail);
      return;
    }
    let after = filter.after;
    const told = new Set<string>();
    for (;;) {
      const { records, end } = await this.#recordPage({ ...filter, after });
      for (const item of records) {
        const dropped = droppedOf(item.record);
        if (dropped === undefined || !told.has(dropped)) yield item;
        if (dropped !== undefined) told.add(dropped);
      }
      if (end.next === null) return;
      after = end.next;
    }
  }

  async #lastRecords(filter: RecordFilter, count: number): Promise<RecordText[]> {
    let found: RecordText[] = [];
    let before: number | null | undefined = filter.before;
    while (before !== null && found.length < count) {
      const { records, end }: RecordPage = await this.#recordPage({ ...filter, before, tail: count - found.length });
      found = [...records, ...found];
      before = end.before;
    }
    return found;
  }

  async #recordPage(
    filter: RecordFilter & { readonly tail?: number | undefined; readonly limit?: number | undefined },
  ): Promise<RecordPage> {
    const path = `/v1/records${toQuery({ ...filter })}`;
    const headers = { accept: 'application/x-ndjson' };
    const response = await send(this.#target, { method: 'GET', path, headers, idleTimeoutMs: this.#timeoutMs });
    const records: RecordText[] = [];
    let end: PageEnd = { position: 0, next: null, before: null, complete: true };
    for await (const json of readLines(response)) {
      const line = JSON.parse(json) as Envelope | PageEnd;
      if ('position' in line) end = line;
      else records.push({ record: line, json });
    }
    return { records, end };
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

  #action(uuid: string, action: string, condition: Condition): Promise<Machine> {
    return this.#json('POST', `${machinePath(uuid)}/${action}`, undefined, condition);
  }

  async #json<T>(method: Call['method'], path: string, body?: unknown, condition?: Condition): Promise<T> {
    return (await readJson(await this.#send(method, path, body, condition))) as T;
  }

  #send(method: Call['method'], path: string, body: unknown, { ifMatch }: Condition = {}): Promise<IncomingMessage> {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` };
    const call = { method, path, headers, idleTimeoutMs: this.#timeoutMs, ...(body !== undefined && { body }) };
    return send(this.#target, call);
  }
}

interface RecordPage {
  readonly records: readonly RecordText[];
  readonly end: PageEnd;
}

/** Which part of what retention dropped a record tells of; undefined for any other record. */
function droppedOf({ subject, body }: Envelope): string | undefined {
  return subject.endsWith('._._.gap.retention') ? `${body['series']} ${body['to']}` : undefined;
}

function machinePath(uuid: string): string {
  return `/v1/machines/${encodeURIComponent(uuid)}`;
}

function tokenPath(id: string): string {
  return `/v1/join-tokens/${encodeURIComponent(id)}`;
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
