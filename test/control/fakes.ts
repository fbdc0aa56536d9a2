import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { defaultConfig } from '../../src/config/defaults.ts';
import { writtenConfig } from '../../src/config/written.ts';
import type { BackupSource, StatusSource } from '../../src/control/types.ts';
import type { BootSummary } from '../../src/domain/boot-summary.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { overlayOf } from '../../src/domain/overlay.ts';
import type { FollowItem, FollowOptions, Page, Query, RecordLog, RenderedRecord } from '../../src/stream/types.ts';
import { createLogger, type Logger } from '../../src/telemetry/logger.ts';

export const NOW = Date.parse('2026-11-21T12:00:00Z');
export const overlay = overlayOf('AKfdafTbmPeEqjtDc3OPGK9FriGO7CCBBIOZG4RjgmY=');

export function uuidOf(n: number): string {
  return `71233efd-7a07-43f8-b6ba-${n.toString(16).padStart(12, '0')}`;
}

export interface FakeRecord {
  readonly subject: string;
  readonly body: Record<string, unknown>;
  readonly machine?: number;
  readonly receivedAt?: number;
  readonly boot?: number;
}

interface Stored extends FakeRecord {
  readonly seq: number;
  readonly time: number;
}

/** NATS subject rules, written for the tests alone. */
function matches(filter: string, subject: string): boolean {
  const pattern = filter
    .split('.')
    .map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token.replaceAll(/[^A-Za-z0-9_-]/g, '')))
    .join('\\.');
  return new RegExp(`^${pattern}$`).test(subject);
}

/** A record log in memory: the semantics of `RecordLog` for reading and following, none of its storage. */
export class MemoryLog implements Pick<RecordLog, 'head' | 'read' | 'follow' | 'boots'> {
  readonly #records: Stored[] = [];
  readonly #waiters = new Set<() => void>();
  /** How many followers are running now. */
  following = 0;
  failReads: Error | undefined;
  failFollow: Error | undefined;
  /** Changes the text of envelopes, as a machine's own spelling of its line may. */
  rendered: (json: string) => string = (json) => json;
  readonly #followWaiters = new Set<() => void>();

  get head(): number {
    return this.#records.at(-1)?.seq ?? 0;
  }

  append(...records: FakeRecord[]): number {
    for (const record of records) {
      this.#records.push({ ...record, seq: this.head + 1, time: record.receivedAt ?? NOW });
    }
    for (const wake of this.#waiters) wake();
    return this.head;
  }

  async read(query: Query): Promise<Page> {
    if (this.failReads !== undefined) throw this.failReads;
    const inRange = this.#records.filter(
      (record) =>
        record.seq > (query.after ?? 0) &&
        record.seq < (query.before ?? Number.POSITIVE_INFINITY) &&
        record.time >= (query.since ?? 0) &&
        record.time <= (query.until ?? Number.POSITIVE_INFINITY),
    );
    const hits = inRange.filter((record) => this.#passes(record, query));
    const records = query.tail === true ? hits.slice(-query.limit) : hits.slice(0, query.limit);
    const end = query.tail === true || hits.length <= query.limit;
    const next = end ? this.head : (records.at(-1)?.seq ?? this.head);
    const before = query.tail === true && hits.length > query.limit ? { before: records[0]?.seq ?? 0 } : {};
    return { records: records.map((record) => this.#render(record)), next, end, complete: true, ...before };
  }

  /** What `boots` answers, by machine. */
  readonly bootsOf = new Map<number, readonly BootSummary[]>();

  async boots(machine: number): Promise<readonly BootSummary[]> {
    if (this.failReads !== undefined) throw this.failReads;
    return this.bootsOf.get(machine) ?? [];
  }

  async *follow(options: FollowOptions, signal: AbortSignal): AsyncGenerator<FollowItem> {
    this.#countFollowers(1);
    try {
      if (this.failFollow !== undefined) throw this.failFollow;
      let position = options.after ?? this.head;
      if (options.since !== undefined) {
        const { since } = options;
        position = (this.#records.find(({ time }) => time >= since)?.seq ?? this.head + 1) - 1;
        yield { type: 'position', seq: position };
      }
      while (!signal.aborted) {
        const fresh = this.#records.filter((record) => record.seq > position).slice(0, 1_000);
        const last = fresh.at(-1);
        if (last === undefined) {
          await this.#grown(signal);
          continue;
        }
        position = last.seq;
        const records = fresh
          .filter((record) => this.#passes(record, { ...options, limit: 0 }))
          .map((record) => this.#render(record));
        yield records.length > 0 ? { type: 'records', records } : { type: 'position', seq: position };
      }
    } finally {
      this.#countFollowers(-1);
    }
  }

  /** Resolves when exactly so many followers run. */
  async untilFollowing(count: number): Promise<void> {
    while (this.following !== count) {
      await new Promise<void>((resolve) => {
        this.#followWaiters.add(resolve);
      });
    }
    // What the server does about it is done before the next turn of the event loop.
    await nextTurn();
  }

  #countFollowers(change: number): void {
    this.following += change;
    for (const wake of this.#followWaiters) wake();
    this.#followWaiters.clear();
  }

  #render(record: Stored): RenderedRecord {
    const { seq, json } = render(record);
    return { seq, json: this.rendered(json) };
  }

  #passes(record: Stored, query: Query): boolean {
    if (query.machine !== undefined && record.machine !== query.machine) return false;
    if (query.grep !== undefined && !JSON.stringify(record.body).toLowerCase().includes(query.grep.toLowerCase())) {
      return false;
    }
    return query.filters.length === 0 || query.filters.some((filter) => matches(filter, record.subject));
  }

  #grown(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiters.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      if (signal.aborted) wake();
    });
  }
}

function render(record: Stored): RenderedRecord {
  const { seq, subject, body, time, boot } = record;
  const json = JSON.stringify({ seq, subject, received_at: new Date(time).toISOString(), boot: boot ?? 1, body });
  return { seq, json };
}

export const fakeStatus: StatusSource = {
  status: () => ({
    installation: '0a1b2c3d',
    overlay,
    startedAt: NOW - 60_000,
    publicKey: PrivateKey.parse('0M9lxAwrpWHCs8MnmZGtC/Vc+FRPS9S40wnHSM0CwG8=').publicKey,
    backend: 'userspace',
    listenPort: 51_821,
    endpoints: ['192.0.2.7:51821'],
    apiUrl: 'grpc://192.0.2.7:8081',
    kmsgPort: 4001,
    eventsPort: 4002,
    prefix: 'siderolink',
    settings: writtenConfig(defaultConfig()),
  }),
};

/** Somebody else always makes one: there is nothing in memory to copy. */
export const fakeBackups: BackupSource = {
  make: async () => {
    throw new SiderolinkError('conflict', 'another backup is being made');
  },
};

/** A logger whose lines a test can read. */
export function capturedLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { logger: createLogger('debug', sink), lines };
}
