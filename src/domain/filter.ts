import { SiderolinkError } from './errors.ts';
import { LEVELS, STREAMS, type Stream, type Tags } from './record.ts';
import { subjectHead } from './subject.ts';

/** NATS itself takes no longer subjects by default; a longer filter is a mistake or an attack. */
const MAX_FILTER_LENGTH = 1024;
/** So many filters are tested one after the other for each chunk. */
const MAX_FILTERS = 256;
/** Chunk-level results are kept for so many (tags, stream) pairs: 10,000 machines with all their streams. */
const MAX_CACHED_HEADS = 100_000;

const ALL_LEVELS = (1 << LEVELS.length) - 1;

/** Which records of a chunk a filter selects: none, all, or those whose detail byte has a 1 in the table. */
export type Selection = 'none' | 'all' | Uint8Array;

/** The tokens of a filter. @throws SiderolinkError `invalid_argument` */
export function parseFilter(filter: string): readonly string[] {
  if (filter.length > MAX_FILTER_LENGTH) throw malformed(filter.slice(0, 64), 'it is too long');
  const tokens = filter.split('.');
  for (const [index, token] of tokens.entries()) {
    if (token === '') throw malformed(filter, 'a token is empty');
    if (token === '>' && index !== tokens.length - 1) throw malformed(filter, '">" stands only at the end');
    if (token.length > 1 && /[*>]/.test(token)) throw malformed(filter, '"*" and ">" stand for whole tokens');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (/[\s\u0000-\u001f\u007f]/u.test(token)) throw malformed(filter, 'it holds white space');
  }
  return tokens;
}

function malformed(filter: string, why: string): SiderolinkError {
  return new SiderolinkError('invalid_argument', `malformed subject filter: ${why}`, { filter });
}

/** Whether a subject matches a filter: `*` is one token, `>` one or more. */
export function matchesFilter(filter: readonly string[], subject: readonly string[]): boolean {
  const last = filter.length - 1;
  for (const [index, token] of filter.entries()) {
    if (index >= subject.length) return false;
    if (token === '>') return index === last;
    if (token !== '*' && token !== subject[index]) return false;
  }
  return filter.length === subject.length;
}

/**
 * A list of filters, any of which may match, split in two: prefix, owner, machine and stream are tested once per
 * (tags, stream) pair, and the detail once per entry of a name table, so a record costs one byte lookup.
 */
export class SubjectFilter {
  readonly #prefix: string;
  readonly #filters: readonly (readonly string[])[];
  readonly #heads = new Map<number, HeadFilter>();

  /** An empty list selects everything. @throws SiderolinkError `invalid_argument` */
  constructor(prefix: string, filters: readonly string[]) {
    if (filters.length > MAX_FILTERS) {
      throw new SiderolinkError('invalid_argument', `at most ${MAX_FILTERS} subject filters may be given`);
    }
    this.#prefix = prefix;
    this.#filters = filters.length === 0 ? [['>']] : filters.map(parseFilter);
  }

  /** Whether any record of the stream could match, whatever its machine. */
  mayMatchStream(stream: Stream): boolean {
    const index = this.#prefix.split('.').length + 2;
    return this.#filters.some((filter) => {
      const at = filter[index];
      if (at === undefined) return filter.at(-1) === '>';
      return at === stream || at === '*' || at === '>';
    });
  }

  /** Whether it leaves nothing out. */
  get isEverything(): boolean {
    return this.#filters.some(([first]) => first === '>');
  }

  /** The machine tokens that a matching subject has one of; null if it may have any. */
  get machines(): readonly string[] | null {
    const index = this.#prefix.split('.').length + 1;
    const tokens = this.#filters.map((filter) => (filter.slice(0, index).includes('>') ? '>' : (filter[index] ?? '')));
    return tokens.includes('>') || tokens.includes('*') ? null : [...new Set(tokens)];
  }

  /** @param levels the chunk's level mask; 0 where the stream has no levels */
  select(tags: Tags, stream: Stream, names: readonly string[], levels: number): Selection {
    const key = tags.id * STREAMS.length + STREAMS.indexOf(stream);
    let head = this.#heads.get(key);
    if (head === undefined) {
      if (this.#heads.size >= MAX_CACHED_HEADS) this.#heads.clear();
      head = new HeadFilter(this.#filters, subjectHead(this.#prefix, tags, stream).split('.'));
      this.#heads.set(key, head);
    }
    return head.select(names, levels);
  }
}

/** What is left of the filters once the head of the subject is known. */
class HeadFilter {
  readonly #everything: boolean;
  readonly #rests: readonly (readonly string[])[];
  readonly #tables = new WeakMap<readonly string[], NameTable>();

  constructor(filters: readonly (readonly string[])[], head: readonly string[]) {
    const matching = filters.filter((filter) => matchesHead(filter, head));
    this.#everything = matching.some((filter) => filter.length <= head.length && filter.at(-1) === '>');
    this.#rests = matching.map((filter) => filter.slice(head.length));
  }

  select(names: readonly string[], levels: number): Selection {
    if (this.#everything) return 'all';
    if (this.#rests.length === 0) return 'none';
    let table = this.#tables.get(names);
    if (table === undefined) {
      table = nameTable(this.#rests, names);
      this.#tables.set(names, table);
    }
    if (table.none || (levels !== 0 && (levels & table.levels) === 0)) return 'none';
    return table.all ? 'all' : table.selected;
  }
}

/** Whether a subject that begins with `head` can match: an earlier `>` covers it, or the filter goes on behind it. */
function matchesHead(filter: readonly string[], head: readonly string[]): boolean {
  for (const [index, token] of head.entries()) {
    const wanted = filter[index];
    if (wanted === '>') return true;
    if (wanted !== '*' && wanted !== token) return false;
  }
  return true;
}

interface NameTable {
  readonly selected: Uint8Array;
  /** The levels that selected names can have. */
  readonly levels: number;
  readonly none: boolean;
  readonly all: boolean;
}

function nameTable(rests: readonly (readonly string[])[], names: readonly string[]): NameTable {
  const selected = new Uint8Array(names.length);
  let levels = 0;
  let count = 0;
  for (const [index, name] of names.entries()) {
    const tokens = name === '' ? [] : name.split('.');
    if (!rests.some((rest) => matchesFilter(rest, tokens))) continue;
    selected[index] = 1;
    count++;
    levels |= levelsOfName(tokens);
  }
  return { selected, levels, none: count === 0, all: count === names.length };
}

/** The level is the last token of a name that has one. */
function levelsOfName(tokens: readonly string[]): number {
  const index = (LEVELS as readonly string[]).indexOf(tokens.at(-1) ?? '');
  return index === -1 ? ALL_LEVELS : 1 << index;
}
