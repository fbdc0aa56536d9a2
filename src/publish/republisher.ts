import { SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Page, Query, RecordLog, RenderedRecord } from '../stream/types.ts';
import type { PublishMetrics } from './metrics.ts';
import type { PublishState } from './protocol.ts';
import type { ReplayCounts } from './replay.ts';

/** Which of the kept records are published again. */
export type RepublishQuery = Pick<Query, 'filters' | 'machine' | 'after' | 'before' | 'since' | 'until'>;

/** How far it is. */
export interface RepublishProgress {
  /** Records that the stream has acknowledged. */
  readonly published: number;
  /** Of these, those that it had already. */
  readonly duplicates: number;
  /** Every matching record up to this seq is acknowledged. */
  readonly through: number;
  /** What it waits for, if that is not the next acknowledgement. */
  readonly problem: string | null;
}

/** What of the publisher is needed. */
export interface ReplayPort {
  readonly state: PublishState;
  /**
   * Sends a page again; resolves when all of it is acknowledged.
   * @throws SiderolinkError `unavailable` if the publisher ends before that, or the signal aborts
   */
  replay(page: readonly RenderedRecord[], signal: AbortSignal): Promise<ReplayCounts>;
  /** After the last page. */
  endReplay(): void;
}

export interface RepublisherOptions {
  /** Records that are read at once; default 2,000. */
  readonly pageRecords?: number;
  /** So often a word is said while nothing goes on, in milliseconds; default 5,000. */
  readonly patienceMs?: number;
}

export interface RepublisherDeps {
  readonly log: Pick<RecordLog, 'head' | 'read'>;
  readonly publisher: ReplayPort;
  readonly clock: Clock;
  readonly metrics: Pick<PublishMetrics, 'republished'>;
}

/** Publishes kept records once more, one request at a time. */
export class Republisher {
  readonly #pageRecords: number;
  readonly #patienceMs: number;
  readonly #deps: RepublisherDeps;
  #isBusy = false;

  constructor(options: RepublisherOptions, deps: RepublisherDeps) {
    this.#pageRecords = options.pageRecords ?? 2_000;
    this.#patienceMs = options.patienceMs ?? 5_000;
    this.#deps = deps;
  }

  /**
   * Publishes what matches and is committed now, and tells after each page how far it is; the last word is the total.
   * Without a connection in between it waits for the next one.
   *
   * @throws SiderolinkError `conflict` while another one runs, `unavailable` without a connection at its begin, when the
   * publisher ends or the signal aborts; `storage`
   */
  async *run(query: RepublishQuery, signal: AbortSignal): AsyncGenerator<RepublishProgress> {
    const { log, publisher } = this.#deps;
    if (this.#isBusy) throw new SiderolinkError('conflict', 'records are being republished already; wait for that');
    const problem = problemOf(publisher.state);
    if (problem !== null) throw new SiderolinkError('unavailable', problem);
    this.#isBusy = true;
    try {
      yield* this.#run({ ...query, before: Math.min(query.before ?? Infinity, log.head + 1) }, signal);
    } finally {
      this.#isBusy = false;
      publisher.endReplay();
    }
  }

  async *#run(query: RepublishQuery & { readonly before: number }, signal: AbortSignal) {
    let done: RepublishProgress = { published: 0, duplicates: 0, through: query.after ?? 0, problem: null };
    let page = await this.#read(query, done.through);
    for (;;) {
      if (signal.aborted) throw new SiderolinkError('unavailable', 'given up');
      // The next page is read while this one is on its way.
      const isLast = page.end || page.next >= query.before - 1;
      const next = isLast ? undefined : this.#read(query, page.next);
      // Where sending fails first, nobody asks what became of it.
      next?.catch(() => undefined);
      const counts = yield* this.#send(page.records, done, signal);
      done = {
        published: done.published + page.records.length,
        duplicates: done.duplicates + counts.duplicates,
        through: isLast ? query.before - 1 : page.next,
        problem: null,
      };
      this.#deps.metrics.republished.inc(page.records.length);
      yield done;
      if (next === undefined) return;
      page = await next;
    }
  }

  #read({ filters, machine, before, since, until }: RepublishQuery, after: number): Promise<Page> {
    return this.#deps.log.read({
      ...{ filters, after, limit: this.#pageRecords },
      ...(machine !== undefined && { machine }),
      ...(before !== undefined && { before }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    });
  }

  /** Says a word from time to time while it takes long. */
  async *#send(
    page: readonly RenderedRecord[],
    done: RepublishProgress,
    signal: AbortSignal,
  ): AsyncGenerator<RepublishProgress, ReplayCounts> {
    const { publisher, clock } = this.#deps;
    if (page.length === 0) return { duplicates: 0, truncated: 0 };
    const sent = publisher.replay(page, signal);
    // Who does not listen any more does not ask either.
    sent.catch(() => undefined);
    for (;;) {
      const waiting = new AbortController();
      const patience = clock.sleep(this.#patienceMs, waiting.signal).then(() => undefined);
      const counts = await Promise.race([sent, patience]).finally(() => waiting.abort());
      if (counts !== undefined) return counts;
      yield { ...done, problem: problemOf(publisher.state) ?? publisher.state.refusal };
    }
  }
}

function problemOf({ server, problem, streamProblem }: PublishState): string | null {
  if (server === null) return `not connected to NATS: ${problem ?? 'unknown'}`;
  return streamProblem;
}
