import { SiderolinkError } from './errors.ts';
import { LEVELS, type Stream, type Tags } from './record.ts';
import { machineToken, ownerToken } from './subject.ts';

/** NATS itself takes no longer subjects by default; a longer filter is a mistake or an attack. */
const MAX_FILTER_LENGTH = 1024;
/** So many filters are tested one after the other for each chunk. */
const MAX_FILTERS = 256;
/** Sets of filters that match the same heads of subjects are kept: few filters have few of them. */
const MAX_CACHED_SETS = 1024;

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
 * A list of filters, any of which may match, split in two: prefix, owner, machine and stream are tested once per chunk, and
 * the detail once per entry of a name table, so a record costs one byte lookup. What is kept does not grow with the number
 * of machines: hundreds of followers have a filter each.
 */
export class SubjectFilter {
  readonly #filters: readonly HeadFilter[];
  /** By which of the filters matched a head: as bits where these are few, else by their texts. */
  readonly #byMask = new Map<number, RestFilter>();
  readonly #byTexts = new Map<string, RestFilter>();

  /** An empty list selects everything. @throws SiderolinkError `invalid_argument` */
  constructor(prefix: string, filters: readonly string[]) {
    if (filters.length > MAX_FILTERS) {
      throw new SiderolinkError('invalid_argument', `at most ${MAX_FILTERS} subject filters may be given`);
    }
    const parsed = filters.length === 0 ? [['>']] : filters.map(parseFilter);
    this.#filters = parsed.flatMap((filter) => headFilter(prefix.split('.'), filter) ?? []);
  }

  /** Whether it leaves nothing out. */
  get isEverything(): boolean {
    return this.#filters.some(
      ({ owner, machine, stream, rest }) => rest === null && owner === '*' && machine === '*' && stream === '*',
    );
  }

  /** The machine tokens that a matching subject has one of; null if it may have any. */
  get machines(): readonly string[] | null {
    const tokens = this.#filters.map(({ machine }) => machine);
    return tokens.includes('*') ? null : [...new Set(tokens)];
  }

  /** Whether any record of the stream could match, whatever its machine. */
  mayMatchStream(stream: Stream): boolean {
    return this.#filters.some((filter) => filter.stream === '*' || filter.stream === stream);
  }

  /** @param levels the chunk's level mask; 0 where the stream has no levels */
  select(tags: Tags, stream: Stream, names: readonly string[], levels: number): Selection {
    const filters = this.#filters;
    if (filters.length > MASK_BITS) return this.#selectOfMany(tags, stream, names, levels);
    let mask = 0;
    for (let index = 0; index < filters.length; index++) {
      if (matchesHead(filters[index], tags, stream)) mask |= 1 << index;
    }
    if (mask === 0) return 'none';
    let rest = this.#byMask.get(mask);
    if (rest === undefined) {
      if (this.#byMask.size >= MAX_CACHED_SETS) this.#byMask.clear();
      rest = new RestFilter(filters.filter((_, index) => (mask & (1 << index)) !== 0));
      this.#byMask.set(mask, rest);
    }
    return rest.select(names, levels);
  }

  #selectOfMany(tags: Tags, stream: Stream, names: readonly string[], levels: number): Selection {
    const matching = this.#filters.filter((filter) => matchesHead(filter, tags, stream));
    if (matching.length === 0) return 'none';
    const key = matching.map(({ text }) => text).join(' ');
    let rest = this.#byTexts.get(key);
    if (rest === undefined) {
      if (this.#byTexts.size >= MAX_CACHED_SETS) this.#byTexts.clear();
      rest = new RestFilter(matching);
      this.#byTexts.set(key, rest);
    }
    return rest.select(names, levels);
  }
}

const MASK_BITS = 30;

/** A filter behind the prefix: tokens of owner, machine and stream, `*` for any, and what is left for the detail. */
interface HeadFilter {
  readonly text: string;
  readonly owner: string;
  readonly machine: string;
  readonly stream: string;
  /** Null: `>` stood before it, so every detail matches, and none. */
  readonly rest: readonly string[] | null;
}

/** Undefined for a filter that no subject with the prefix matches. */
function headFilter(prefix: readonly string[], filter: readonly string[]): HeadFilter | undefined {
  const text = filter.join('.');
  const everything = filter.indexOf('>');
  const isCovered = (index: number) => everything !== -1 && everything <= index;
  const at = (index: number) => (isCovered(index) ? '*' : filter[index]);
  const isOurs = prefix.every((token, index) => at(index) === '*' || at(index) === token);
  const head = prefix.length + HEAD_TOKENS;
  const [owner, machine, stream] = [at(prefix.length), at(prefix.length + 1), at(prefix.length + 2)];
  if (!isOurs || owner === undefined || machine === undefined || stream === undefined) return undefined;
  return { text, owner, machine, stream, rest: isCovered(head - 1) ? null : filter.slice(head) };
}

/** Owner, machine and stream. */
const HEAD_TOKENS = 3;

function matchesHead(filter: HeadFilter | undefined, tags: Tags, stream: Stream): boolean {
  if (filter === undefined || (filter.stream !== '*' && filter.stream !== stream)) return false;
  if (filter.machine !== '*' && filter.machine !== machineToken(tags)) return false;
  return filter.owner === '*' || filter.owner === ownerToken(tags);
}

/** What is left of the filters once the head of the subject is known. */
class RestFilter {
  readonly #everything: boolean;
  readonly #rests: readonly (readonly string[])[];
  readonly #tables = new WeakMap<readonly string[], NameTable>();

  constructor(matching: readonly HeadFilter[]) {
    this.#everything = matching.some(({ rest }) => rest === null);
    this.#rests = matching.map(({ rest }) => rest ?? []);
  }

  select(names: readonly string[], levels: number): Selection {
    if (this.#everything) return 'all';
    let table = this.#tables.get(names);
    if (table === undefined) {
      table = nameTable(this.#rests, names);
      this.#tables.set(names, table);
    }
    if (table.none || (levels !== 0 && (levels & table.levels) === 0)) return 'none';
    return table.all ? 'all' : table.selected;
  }
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
