import type { Database, Statement } from 'better-sqlite3';
import { Envelopes } from '../domain/envelope.ts';
import { SubjectFilter } from '../domain/filter.ts';
import { STREAMS } from '../domain/record.ts';
import { SERIES, seriesOf } from './batch.ts';
import { BlockCache } from './block-cache.ts';
import { eachSeries } from './chunk-table.ts';
import { type Found, type Piece, type Scope, SeriesWalker } from './cursor.ts';
import { Deletions } from './deletions.ts';
import type { PageReply, PageRequest } from './protocol.ts';
import { TagsTable } from './registry-table.ts';
import { SegmentDirectories } from './segment-directory.ts';

/** Compiled filters that are kept, with what they have learnt of the machines. */
const KEPT_FILTERS = 64;

export interface PageReaderOptions {
  /** First part of all subjects. */
  readonly prefix: string;
  /** A page ends after so many milliseconds, so that no read transaction is long. */
  readonly pageMs: number;
  /** Unpacked blocks that are kept, in bytes. */
  readonly cacheBytes: number;
}

/** Answers one page after the other, each in one read transaction. Runs in a worker thread. */
export class PageReader {
  readonly #db: Database;
  readonly #options: PageReaderOptions;
  readonly #walker: SeriesWalker;
  readonly #deletions: Deletions;
  readonly #marks: Statement;
  readonly #filters = new Map<string, SubjectFilter>();

  constructor(db: Database, options: PageReaderOptions) {
    this.#db = db;
    this.#options = options;
    const tags = new TagsTable(db);
    const directories = new SegmentDirectories(db, tags);
    const blocks = new BlockCache(db, options.cacheBytes);
    this.#deletions = new Deletions(db);
    this.#walker = new SeriesWalker(db, { tags, directories, blocks, deletions: this.#deletions });
    this.#marks = db.prepare('select next_seq - 1, packed_logs, packed_others from log_state').raw();
  }

  page(request: PageRequest): PageReply {
    return this.#db.transaction(() => this.#read(request)).deferred();
  }

  #read(request: PageRequest): PageReply {
    const [head, logs, others] = this.#marks.get() as [number, number, number];
    this.#deletions.refresh();
    const toSeq = Math.min(request.toSeq, head);
    const { fromSeq, backward, since, until, machine } = request;
    const filter = this.#filter(request.filters);
    const scope: Scope = { filter, machine, fromSeq, toSeq, since, until, backward };
    const page = new PageBuilder(this.#options.prefix, request, scope, head);
    const deadline = performance.now() + this.#options.pageMs;
    if (fromSeq <= toSeq) {
      for (const piece of this.#pieces(scope, { logs, others })) {
        page.add(piece);
        // Without progress the same page would be asked for again, for ever on a disk that is slow enough.
        if (page.full || (page.hasAdvanced && performance.now() > deadline)) return page.finish(false);
      }
    }
    return page.finish(true);
  }

  /** The pieces of the series that can match, in one order. */
  *#pieces(scope: Scope, marks: { logs: number; others: number }): Generator<Piece> {
    const wanted = eachSeries((series) =>
      STREAMS.some((stream) => seriesOf(stream) === series && scope.filter.mayMatchStream(stream)),
    );
    const walks = SERIES.filter((series) => wanted[series]).map((series) =>
      this.#walker.walk(series, marks[series], scope),
    );
    const heads = walks.map((walk) => walk.next().value as Piece | undefined);
    for (;;) {
      let chosen = -1;
      for (const [index, piece] of heads.entries()) {
        if (piece !== undefined && isBefore(piece, heads[chosen], scope.backward)) chosen = index;
      }
      const piece = heads[chosen];
      if (piece === undefined) return;
      yield piece;
      heads[chosen] = walks[chosen]?.next().value as Piece | undefined;
    }
  }

  #filter(filters: readonly string[]): SubjectFilter {
    const key = filters.join('\n');
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      filter = new SubjectFilter(this.#options.prefix, filters);
      const [oldest] = this.#filters.keys();
      if (this.#filters.size >= KEPT_FILTERS && oldest !== undefined) this.#filters.delete(oldest);
      this.#filters.set(key, filter);
    }
    return filter;
  }
}

/** Records go before a mark of progress at the same seq, which would else claim that they were seen. */
function isBefore(a: Piece, b: Piece | undefined, backward: boolean): boolean {
  if (b === undefined) return true;
  if (a.firstSeq !== b.firstSeq) return backward ? a.firstSeq > b.firstSeq : a.firstSeq < b.firstSeq;
  return a.count > b.count;
}

class PageBuilder {
  readonly #prefix: string;
  readonly #request: PageRequest;
  readonly #scope: Scope;
  readonly #head: number;
  readonly #needle: string;
  readonly #seqs: number[] = [];
  readonly #jsons: string[] = [];
  #text = 0;
  #through: number;

  constructor(prefix: string, request: PageRequest, scope: Scope, head: number) {
    this.#head = head;
    this.#prefix = prefix;
    this.#request = request;
    this.#scope = scope;
    this.#needle = request.grep.toLowerCase();
    this.#through = scope.backward ? scope.toSeq + 1 : scope.fromSeq - 1;
  }

  get full(): boolean {
    return this.#seqs.length >= this.#request.maxRecords || this.#text >= this.#request.maxText;
  }

  /** Whether the next page can begin behind where this one did. */
  get hasAdvanced(): boolean {
    const { backward, fromSeq, toSeq } = this.#scope;
    return backward ? this.#through <= toSeq : this.#through >= fromSeq;
  }

  add(piece: Piece): void {
    const { backward, fromSeq, toSeq } = this.#scope;
    const first = Math.max(piece.firstSeq, fromSeq);
    const last = Math.min(piece.firstSeq + piece.count - 1, toSeq);
    if (piece.found === null) this.#advance(piece.firstSeq);
    if (piece.found === null || first > last) return;
    const render = this.#renderer(piece, piece.found);
    const step = backward ? -1 : 1;
    for (let seq = backward ? last : first; seq >= first && seq <= last; seq += step) {
      render(seq);
      this.#advance(seq);
      if (this.full) return;
    }
  }

  #renderer(piece: Piece, found: Found): (seq: number) => void {
    const block = found.lines();
    const { stream, boot, tags, names } = block.head;
    const envelopes = new Envelopes(this.#prefix, { stream, boot, tags, names, time: piece.time });
    return (seq) => {
      const index = found.line + seq - piece.firstSeq;
      const detail = block.details[index] ?? 0;
      if (found.selection !== 'all' && found.selection[detail] !== 1) return;
      const line = block.line(index);
      if (this.#needle !== '' && !line.toLowerCase().includes(this.#needle)) return;
      const json = envelopes.render(seq, detail, line);
      this.#seqs.push(seq);
      this.#jsons.push(json);
      this.#text += json.length;
    };
  }

  #advance(seq: number): void {
    this.#through = this.#scope.backward ? Math.min(this.#through, seq) : Math.max(this.#through, seq);
  }

  finish(exhausted: boolean): PageReply {
    const { backward, fromSeq, toSeq } = this.#scope;
    const seen = exhausted ? (backward ? fromSeq : toSeq) : this.#through;
    const through = backward ? Math.max(seen, fromSeq) : Math.max(Math.min(seen, toSeq), fromSeq - 1);
    return { head: this.#head, seqs: Float64Array.from(this.#seqs), jsons: this.#jsons, through, done: exhausted };
  }
}
