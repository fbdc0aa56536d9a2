import type { Envelope } from '../client/api.ts';
import type { ControlClient, RecordFilter, RecordText } from '../client/client.ts';
import { parseSubject, tellsOfLoss } from './summary.ts';

/** What is read of what is stored. */
export interface Reading {
  /** First token of every subject. */
  readonly prefix: string;
  /** UUIDs. */
  readonly machines: readonly string[];
  /** Subjects behind the machine: `kmsg.*`. */
  readonly rests: readonly string[];
  /** Up to this record. */
  readonly head: number;
  /** Only the last so many of those that are accepted. */
  readonly tail?: number | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** What the text of every accepted body holds; empty for nothing that is known. */
  readonly grep: string;
  readonly accepts: (record: Envelope) => boolean;
}

export interface HistoryOptions {
  /** Up to so many machines are read each by itself, which the store does without looking at the others. Default 32. */
  readonly maxMerged?: number;
  /** Records of a page, where one reader has all of them. Default 2,000. */
  readonly pageRecords?: number;
}

/** The API gives no larger pages. */
const MAX_PAGE = 10_000;
const MIN_PAGE = 100;

/** The records of several machines in the order of receipt. Memory: a page of each reader, and `tail`. */
export class History {
  readonly #client: ControlClient;
  readonly #maxMerged: number;
  readonly #pageRecords: number;

  constructor(client: ControlClient, options: HistoryOptions = {}) {
    this.#client = client;
    this.#maxMerged = options.maxMerged ?? 32;
    this.#pageRecords = options.pageRecords ?? 2_000;
  }

  async *read(reading: Reading): AsyncGenerator<RecordText> {
    const { tail, head, accepts } = reading;
    if (reading.machines.length === 0 || head === 0) return;
    const filters = this.#filters(reading);
    const members = new Set(reading.machines);
    const passes = (record: Envelope) => {
      const subject = parseSubject(reading.prefix, record.subject);
      return accepts(record) && (members.has(subject.uuid) || tellsOfLoss(subject));
    };
    if (tail === undefined) {
      const limit = Math.max(MIN_PAGE, Math.floor(this.#pageRecords / filters.length));
      const readers = filters.map((filter) => this.#client.allRecords({ ...filter, before: head + 1, limit }));
      let last = '';
      for await (const item of mergeBySeq(readers)) {
        // What retention dropped is told to each of them, at the same place.
        if (passes(item.record) && item.json !== last) yield item;
        last = item.json;
      }
      return;
    }
    const ends: RecordText[][] = [];
    for (const filter of filters)
      ends.push(await this.#last(tail, filter, { prefix: reading.prefix, end: head + 1, passes }));
    const all = ends.flat().sort((a, b) => a.record.seq - b.record.seq);
    yield* all.slice(-tail);
  }

  #filters({ prefix, machines, rests, since, until, grep }: Reading): readonly RecordFilter[] {
    const common = { since, until, ...(grep !== '' && { grep }) };
    const subjects = rests.map((rest) => `${prefix}.*.*.${rest}`);
    if (machines.length > this.#maxMerged) return [{ ...common, filter: subjects }];
    return machines.map((machine) => ({ ...common, machine, filter: subjects }));
  }

  /** The last `count` that pass, page by page from the end. */
  async #last(
    count: number,
    filter: RecordFilter,
    { prefix, end, passes }: { prefix: string; end: number; passes: (record: Envelope) => boolean },
  ): Promise<RecordText[]> {
    const pages: RecordText[][] = [];
    let found = 0;
    let before = end;
    while (found < count) {
      // Where few of a page pass, the next one looks further.
      const tail = Math.min(MAX_PAGE, Math.max(pages.length === 0 ? MIN_PAGE : this.#pageRecords, count - found));
      const page: RecordText[] = [];
      for await (const item of this.#client.allRecords({ ...filter, before, tail })) page.push(item);
      const [first] = page;
      if (first === undefined) break;
      const passing = page.filter(({ record }) => passes(record));
      pages.push(passing);
      found += passing.length;
      if (page.length < tail) break;
      // A gap record stands at the end of its gap, which is not to be told again.
      const { from } = first.record.body;
      const isGap = tellsOfLoss(parseSubject(prefix, first.record.subject));
      before = isGap && typeof from === 'number' ? from : first.record.seq;
    }
    return pages.reverse().flat().slice(-count);
  }
}

/** What each reader gives in rising order, in one order. */
async function* mergeBySeq(readers: readonly AsyncGenerator<RecordText>[]): AsyncGenerator<RecordText> {
  const heads = await Promise.all(readers.map((reader) => nextOf(reader)));
  for (;;) {
    let chosen = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (const [index, head] of heads.entries()) {
      if (head === undefined || head.record.seq >= lowest) continue;
      chosen = index;
      lowest = head.record.seq;
    }
    const [reader, head] = [readers[chosen], heads[chosen]];
    if (reader === undefined || head === undefined) return;
    yield head;
    heads[chosen] = await nextOf(reader);
  }
}

async function nextOf(reader: AsyncGenerator<RecordText>): Promise<RecordText | undefined> {
  const { value, done } = await reader.next();
  return done === true ? undefined : value;
}
