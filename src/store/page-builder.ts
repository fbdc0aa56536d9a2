import { Envelopes } from '../domain/envelope.ts';
import { errorMessage } from '../domain/errors.ts';
import { damaged, unlessDamaged } from './damaged.ts';
import { type DroppedSeries, GapLines } from './gap-lines.ts';
import type { Found, Piece, Scope } from './pieces.ts';
import type { Loss, PageReply, PageRequest } from './protocol.ts';

/** Damaged places that one page names. */
const MAX_LOSSES = 16;

export interface PageFacts {
  /** First token of every subject. */
  readonly prefix: string;
  /** `seq` of the newest record. */
  readonly head: number;
  /** Of the series that can match. */
  readonly dropped: readonly DroppedSeries[];
}

/** Takes pieces in order and makes a page of what is asked for. */
export class PageBuilder {
  readonly #prefix: string;
  readonly #request: PageRequest;
  readonly #scope: Scope;
  readonly #head: number;
  readonly #needle: string;
  readonly #gaps: GapLines | undefined;
  readonly #losses = new Map<string, Loss>();
  readonly #seqs: number[] = [];
  readonly #jsons: string[] = [];
  #atStart = 0;
  #isUntold = false;
  #text = 0;
  #through: number;
  /** The last seq that was given, or the one before the range. */
  #last: number;

  constructor(facts: PageFacts, request: PageRequest, scope: Scope) {
    this.#head = facts.head;
    this.#prefix = facts.prefix;
    this.#request = request;
    this.#scope = scope;
    this.#needle = request.grep.toLowerCase();
    this.#through = scope.backward ? scope.toSeq + 1 : scope.fromSeq - 1;
    this.#last = this.#through;
    if (request.gaps === undefined) return;
    this.#gaps = new GapLines(facts, request.gaps, scope);
    // They are no progress, so they take no room: else who asks for one record would get them again and again.
    for (const { seq, json } of this.#gaps.atStart()) this.#push(seq, json);
    this.#atStart = this.#seqs.length;
  }

  get full(): boolean {
    return this.#seqs.length - this.#atStart >= this.#request.maxRecords || this.#text >= this.#request.maxText;
  }

  /** Whether the next page can begin behind where this one did. */
  get hasAdvanced(): boolean {
    const { backward, fromSeq, toSeq } = this.#scope;
    return backward ? this.#through <= toSeq : this.#through >= fromSeq;
  }

  add(piece: Piece): void {
    const { found, lost } = piece;
    if (lost !== null) this.#lose(lost);
    else if (found === null) this.#advance(piece.firstSeq);
    else this.#addFound(piece, found);
  }

  #addFound(piece: Piece, found: Found): void {
    const { backward, fromSeq, toSeq } = this.#scope;
    const first = Math.max(piece.firstSeq, fromSeq);
    const last = Math.min(piece.firstSeq + piece.count - 1, toSeq);
    if (first > last) return;
    const render = unlessDamaged(
      () => this.#renderer(piece, found),
      (error) => {
        this.#loseFound(piece, found, { from: first, to: last }, error);
        return undefined;
      },
    );
    if (render === undefined) {
      this.#advance(backward ? first : last);
      return;
    }
    const step = backward ? -1 : 1;
    for (let seq = backward ? last : first; seq >= first && seq <= last; seq += step) {
      // Rows that contradict each other do not make readers see a record twice, or out of order.
      const isNext = backward ? seq < this.#last : seq > this.#last;
      if (isNext && !render(seq)) return;
      this.#advance(seq);
      if (this.full) return;
    }
  }

  /** Adds a record if it is selected; false if there was no room for it behind a gap record. */
  #renderer(piece: Piece, found: Found): (seq: number) => boolean {
    const block = found.lines();
    const { stream, boot, tags, names } = block.head;
    const envelopes = new Envelopes(this.#prefix, { stream, boot, tags, names, time: piece.time });
    const needle = this.#needle;
    return (seq) => {
      const index = found.line + seq - piece.firstSeq;
      const detail = block.details[index] ?? 0;
      if (found.selection !== 'all' && found.selection[detail] !== 1) return true;
      if (needle !== '' && !block.holds(index, needle)) return true;
      const line = block.line(index);
      if (!found.isSealed && !isJson(line)) {
        this.#loseFound(piece, found, { from: seq, to: seq }, damaged('a line is no JSON'));
        return true;
      }
      this.#tellGaps(seq);
      if (this.full) return false;
      this.#push(seq, envelopes.render(seq, detail, line));
      return true;
    };
  }

  #push(seq: number, json: string): void {
    this.#seqs.push(seq);
    this.#jsons.push(json);
    this.#text += json.length;
    this.#last = seq;
  }

  #loseFound(
    { time }: Piece,
    { series, place, machine }: Found,
    { from, to }: Pick<Loss, 'from' | 'to'>,
    error: unknown,
  ): void {
    this.#lose({ series, place, machine, from, to, count: to - from + 1, time, why: errorMessage(error) });
  }

  #lose(loss: Loss): void {
    if (this.#losses.size < MAX_LOSSES && !this.#losses.has(loss.place)) this.#losses.set(loss.place, loss);
    this.#gaps?.lose(loss);
  }

  /** Gap records that stand before a record, or before the end. */
  #tellGaps(before: number): void {
    for (const { seq, json } of this.#gaps?.before(before, this.#last) ?? []) {
      if (this.full) {
        this.#isUntold = true;
        return;
      }
      this.#push(seq, json);
      this.#advance(seq);
    }
  }

  #advance(seq: number): void {
    this.#through = this.#scope.backward ? Math.min(this.#through, seq) : Math.max(this.#through, seq);
  }

  /** @param exhausted whether all pieces were added */
  finish(exhausted: boolean): Omit<PageReply, 'blocks' | 'dropped'> {
    const { backward, fromSeq, toSeq } = this.#scope;
    const seen = exhausted ? (backward ? fromSeq : toSeq) : this.#through;
    const through = backward ? Math.max(seen, fromSeq) : Math.max(Math.min(seen, toSeq), fromSeq - 1);
    if (!this.full) this.#tellGaps(backward ? through - 1 : through + 1);
    return {
      head: this.#head,
      seqs: Float64Array.from(this.#seqs),
      jsons: this.#jsons,
      // What there was no room for is met again by who goes on behind the last one.
      through: this.#isUntold ? this.#last : through,
      done: exhausted && !this.#isUntold,
      told: this.#gaps?.told ?? [0, 0],
      losses: [...this.#losses.values()],
    };
  }
}

/** One broken line would make the whole answer of a page unreadable. */
function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
