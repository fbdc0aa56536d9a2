import { TAG_NAMES } from './record.ts';

/** What the slow path reads of a line. */
export interface ObjectLine {
  /** The object as compact JSON text: numbers and strings as they came, our names moved into `sent`. No line feed. */
  readonly text: string;
  /** `seq` and `clock` if they are non-negative safe integers. */
  readonly seq: number | null;
  readonly clock: number | null;
  /** `talos-level` and `talos-service` if they are strings. */
  readonly level: string | null;
  readonly service: string | null;
}

/** Why a line is not kept. */
export type LineFault = 'not_json' | 'not_object' | 'too_deep';

/** What may not be stored as it came. */
export interface StringGuard {
  /** A JSON string literal with its quotes, without secrets; the same text if it has none. */
  literal(raw: string): string;
  /** Whether the value under this name is a secret as a whole. */
  isSecretName(name: string): boolean;
}

/** Objects and arrays in each other. Far beyond what logs have, far below what the call stack bears. */
const MAX_DEPTH = 64;

const OUR_NAMES: ReadonlySet<string> = new Set(TAG_NAMES);

/**
 * Reads one line that should be a JSON object, at the level of its text, so that what it says stays as it was sent.
 * Of a key that comes twice the last value counts.
 */
export function readObjectLine(text: string, guard: StringGuard): ObjectLine | LineFault {
  try {
    const reader = new Reader(text, guard);
    const entries = reader.topLevel();
    return entries === undefined ? 'not_object' : render(entries);
  } catch (error) {
    if (error instanceof Fault) return error.fault;
    throw error;
  }
}

interface Entry {
  /** The key's literal, with quotes. */
  readonly key: string;
  /** The value's compact text. */
  readonly value: string;
}

function render(entries: ReadonlyMap<string, Entry>): ObjectLine {
  const kept: string[] = [];
  const sent: string[] = [];
  for (const [name, { key, value }] of entries) (OUR_NAMES.has(name) ? sent : kept).push(`${key}:${value}`);
  if (sent.length > 0) kept.push(`"sent":{${sent.join(',')}}`);
  return {
    text: `{${kept.join(',')}}`,
    seq: integerOf(entries.get('seq')),
    clock: integerOf(entries.get('clock')),
    level: stringOf(entries.get('talos-level')),
    service: stringOf(entries.get('talos-service')),
  };
}

function integerOf(entry: Entry | undefined): number | null {
  if (entry === undefined || !/^\d/.test(entry.value)) return null;
  const value = Number(entry.value);
  return Number.isSafeInteger(value) ? value : null;
}

function stringOf(entry: Entry | undefined): string | null {
  return entry?.value.startsWith('"') ? (JSON.parse(entry.value) as string) : null;
}

class Fault extends Error {
  readonly fault: LineFault;

  constructor(fault: LineFault) {
    super(fault);
    this.fault = fault;
  }
}

const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these in a string.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const REDACTED_VALUE = '"[redacted]"';

/** A recursive descent over JSON text (RFC 8259) that gives back the text without its white space. */
class Reader {
  readonly #text: string;
  readonly #guard: StringGuard;
  #pos = 0;

  constructor(text: string, guard: StringGuard) {
    this.#text = text;
    this.#guard = guard;
  }

  /** The members of the object that the text is; undefined if it is another JSON value. */
  topLevel(): Map<string, Entry> | undefined {
    this.#space();
    let entries: Map<string, Entry> | undefined;
    if (this.#text[this.#pos] === '{') entries = this.#members(1);
    else this.#value(1);
    this.#space();
    if (this.#pos !== this.#text.length) throw new Fault('not_json');
    return entries;
  }

  #members(depth: number): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    this.#list('}', depth, () => {
      const raw = this.#string();
      const name = JSON.parse(raw) as string;
      this.#space();
      this.#expect(':');
      this.#space();
      const value = this.#value(depth + 1);
      const secret = value !== 'null' && this.#guard.isSecretName(name);
      entries.delete(name);
      entries.set(name, { key: this.#guard.literal(raw), value: secret ? REDACTED_VALUE : value });
    });
    return entries;
  }

  #value(depth: number): string {
    switch (this.#text[this.#pos]) {
      case '{': {
        const members = [...this.#members(depth).values()];
        return `{${members.map(({ key, value }) => `${key}:${value}`).join(',')}}`;
      }
      case '[': {
        const items: string[] = [];
        this.#list(']', depth, () => items.push(this.#value(depth + 1)));
        return `[${items.join(',')}]`;
      }
      case '"':
        return this.#guard.literal(this.#string());
      case 't':
      case 'f':
      case 'n':
        return this.#token(WORD);
      default:
        return this.#token(NUMBER);
    }
  }

  /** What stands between brackets, from the opening one on, separated by commas. */
  #list(close: string, depth: number, item: () => void): void {
    if (depth > MAX_DEPTH) throw new Fault('too_deep');
    this.#pos += 1;
    this.#space();
    if (this.#text[this.#pos] !== close) {
      for (;;) {
        item();
        this.#space();
        if (this.#text[this.#pos] !== ',') break;
        this.#pos += 1;
        this.#space();
      }
    }
    this.#expect(close);
  }

  /** A string's literal. Piece by piece: one pattern for all of it takes memory for each escape, and there may be millions. */
  #string(): string {
    const start = this.#pos;
    this.#expect('"');
    for (;;) {
      this.#token(PLAIN);
      if (this.#text[this.#pos] === '"') break;
      this.#token(ESCAPE);
    }
    this.#pos += 1;
    return this.#text.slice(start, this.#pos);
  }

  #token(pattern: RegExp): string {
    pattern.lastIndex = this.#pos;
    const match = pattern.exec(this.#text);
    if (match === null) throw new Fault('not_json');
    this.#pos = pattern.lastIndex;
    return match[0];
  }

  #space(): void {
    SPACE.lastIndex = this.#pos;
    SPACE.exec(this.#text);
    this.#pos = SPACE.lastIndex;
  }

  #expect(char: string): void {
    if (this.#text[this.#pos] !== char) throw new Fault('not_json');
    this.#pos += 1;
  }
}
