import type { SubjectFilter } from '../domain/filter.ts';
import type { Clock } from '../lib/clock.ts';
import type { GapRequest, PageReply, PageRequest } from '../store/protocol.ts';
import type { StreamMetrics } from './metrics.ts';
import type { KeptBatch, RecentBatches } from './recent.ts';
import type { FollowItem, FollowOptions, RenderedRecord } from './types.ts';

export interface FollowerLimits {
  /** A position is told when nothing else was for so long. */
  readonly positionMs: number;
  /** And when so many records did not match. */
  readonly positionRecords: number;
  /** Records, and characters of their text, that are handed over together. */
  readonly itemRecords: number;
  readonly itemText: number;
}

export interface FollowerDeps {
  readonly recent: RecentBatches;
  readonly head: () => number;
  readonly page: (request: PageRequest) => Promise<PageReply>;
  /** Resolves at the next commit, after `ms`, or when the signal aborts. */
  readonly nextCommit: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly metrics: StreamMetrics;
}

/** One consumer of the log: from memory while that reaches back far enough, else from the store. */
export class Follower {
  readonly #options: FollowOptions;
  readonly #filter: SubjectFilter;
  readonly #limits: FollowerLimits;
  readonly #deps: FollowerDeps;
  /** Everything up to here was handed over or did not match. */
  position: number;
  /** The last seq that the consumer knows of. */
  #told: number;
  #toldAt: number;
  /** Of what retention dropped: what was told. */
  #toldDropped: PageReply['told'] = [0, 0];

  constructor(options: FollowOptions, filter: SubjectFilter, limits: FollowerLimits, deps: FollowerDeps) {
    this.#options = options;
    this.#filter = filter;
    this.#limits = limits;
    this.#deps = deps;
    this.position = options.after ?? deps.head();
    this.#told = this.position;
    this.#toldAt = deps.clock.monotonic();
  }

  async *items(signal: AbortSignal): AsyncGenerator<FollowItem> {
    const { recent, head, nextCommit, clock, metrics } = this.#deps;
    recent.attach(this);
    metrics.followers.inc();
    try {
      if (this.#options.since !== undefined) yield await this.#goTo(this.#options.since);
      while (!signal.aborted) {
        if (this.position >= head()) {
          await nextCommit(this.#toldAt + this.#limits.positionMs - clock.monotonic(), signal);
        } else {
          const batch = recent.holding(this.position + 1);
          const groups = batch === undefined ? [await this.#fromStore()] : this.#fromMemory(batch);
          for (const records of groups) {
            if (signal.aborted) return;
            const last = records.at(-1);
            if (last === undefined) continue;
            this.#hasTold(last.seq);
            yield { type: 'records', records };
          }
        }
        if (this.#isPositionDue() && !signal.aborted) {
          this.#hasTold(this.position);
          yield { type: 'position', seq: this.position };
        }
      }
    } finally {
      recent.detach(this);
      metrics.followers.dec();
    }
  }

  #isPositionDue(): boolean {
    const { positionRecords, positionMs } = this.#limits;
    return this.position - this.#told >= positionRecords || this.#deps.clock.monotonic() - this.#toldAt >= positionMs;
  }

  /** @param seq which the consumer knows of now: what did not match behind it was not told */
  #hasTold(seq: number): void {
    this.#told = seq;
    this.#toldAt = this.#deps.clock.monotonic();
  }

  async #fromStore(): Promise<readonly RenderedRecord[]> {
    const { head, metrics } = this.#deps;
    metrics.storeFedPages.inc();
    const gaps = { isStart: this.position === this.#options.after, told: this.#toldDropped };
    const reply = await this.#page({ fromSeq: this.position + 1, toSeq: head(), ...this.#wantGaps(gaps) });
    this.position = reply.through;
    this.#toldDropped = reply.told;
    return renderedOf(reply);
  }

  /** Goes to where records of a time begin; tells the place, or what retention dropped of them. */
  async #goTo(since: number): Promise<FollowItem> {
    // Any record will do to find the place: without filters one is found without a long search.
    const place = { filters: [], machine: null, since, toSeq: this.#deps.head(), maxRecords: 1 };
    let reply = await this.#page({ ...place, fromSeq: 1 });
    while (!reply.done && reply.jsons.length === 0) {
      reply = await this.#page({ ...place, fromSeq: reply.through + 1 });
    }
    this.position = (reply.seqs[0] ?? reply.through + 1) - 1;
    const gaps = { isStart: true, told: this.#toldDropped, since };
    const nothing = { fromSeq: this.position + 1, toSeq: this.position };
    const start = await this.#page({ ...nothing, ...this.#wantGaps(gaps) });
    this.#toldDropped = start.told;
    this.#hasTold(this.position);
    const records = renderedOf(start);
    return records.length > 0 ? { type: 'records', records } : { type: 'position', seq: this.position };
  }

  #wantGaps(gaps: GapRequest): Pick<PageRequest, 'gaps'> {
    return this.#options.gaps === true ? { gaps } : {};
  }

  #page(wanted: Pick<PageRequest, 'fromSeq' | 'toSeq'> & Partial<PageRequest>): Promise<PageReply> {
    const { filters, machine = null } = this.#options;
    return this.#deps.page({
      filters,
      machine,
      since: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
      backward: false,
      grep: '',
      maxRecords: this.#limits.itemRecords,
      maxText: this.#limits.itemText,
      ...wanted,
    });
  }

  /** The rest of a batch, in groups. The consumer may take its time between them: the batch stays as it is. */
  *#fromMemory(batch: KeptBatch): Generator<readonly RenderedRecord[]> {
    let group: RenderedRecord[] = [];
    let text = 0;
    const { machine } = this.#options;
    const grow = (bytes: number): void => this.#deps.recent.grow(batch, bytes);
    for (const chunk of batch.chunks) {
      const last = chunk.firstSeq + chunk.count - 1;
      if (last <= this.position) continue;
      const selection =
        machine !== undefined && machine !== chunk.machine
          ? 'none'
          : this.#filter.select(chunk.tags, chunk.stream, chunk.names, chunk.levels);
      for (let seq = Math.max(chunk.firstSeq, this.position + 1); selection !== 'none' && seq <= last; seq++) {
        const index = seq - chunk.firstSeq;
        if (selection !== 'all' && selection[chunk.details[index] ?? 0] !== 1) continue;
        const json = chunk.json(index, grow);
        group.push({ seq, json });
        text += json.length;
        if (group.length < this.#limits.itemRecords && text < this.#limits.itemText) continue;
        this.position = seq;
        yield group;
        group = [];
        text = 0;
      }
      this.position = last;
    }
    this.position = batch.lastSeq;
    yield group;
  }
}

export function renderedOf({ seqs, jsons }: PageReply): RenderedRecord[] {
  return jsons.map((json, index) => ({ seq: seqs[index] ?? 0, json }));
}
