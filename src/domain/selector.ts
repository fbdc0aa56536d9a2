import { SiderolinkError } from './errors.ts';
import { type Labels, labelKeyFault, labelValueFault } from './labels.ts';

/** A compiled selector: the requirements that all must hold. None at all selects everything. */
export interface Selector {
  readonly requirements: readonly Requirement[];
}

/** One condition on the label `key`. Where the label is absent, only `absent` and `notin` hold. */
export type Requirement =
  | { readonly key: string; readonly operator: 'exists' | 'absent' }
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: ReadonlySet<string> }
  | { readonly key: string; readonly operator: Comparison; readonly number: Int64 };

type Comparison = '>' | '<' | '>=' | '<=';

/** A signed integer of 64 bits. Small ones are numbers, which compare faster; JavaScript compares both exactly. */
type Int64 = number | bigint;

/** Characters; with 64 requirements more is a mistake or an attack. */
export const MAX_SELECTOR_LENGTH = 4096;
export const MAX_REQUIREMENTS = 64;

/** Whether a machine with these labels is selected. */
export function matches(selector: Selector, labels: Labels): boolean {
  for (const requirement of selector.requirements) {
    if (!holds(requirement, labels)) return false;
  }
  return true;
}

function holds(requirement: Requirement, labels: Labels): boolean {
  // Own properties only: `constructor` and `toString` are valid label keys.
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.has(value);
    case 'notin':
      return value === undefined || !requirement.values.has(value);
    default: {
      const number = value === undefined ? undefined : parseInt64(value);
      return number !== undefined && compare(number, requirement.operator, requirement.number);
    }
  }
}

function compare(left: Int64, operator: Comparison, right: Int64): boolean {
  switch (operator) {
    case '>':
      return left > right;
    case '<':
      return left < right;
    case '>=':
      return left >= right;
    case '<=':
      return left <= right;
  }
}

const INTEGER = /^[+-]?[0-9]+$/;
/** So many characters are always an exact number. */
const EXACT_LENGTH = 15;
const MAX_INT64 = 2n ** 63n - 1n;

/** A decimal integer as Kubernetes reads it: a sign or none, digits, 64 bits. */
function parseInt64(text: string): Int64 | undefined {
  if (!INTEGER.test(text)) return undefined;
  if (text.length <= EXACT_LENGTH) return Number(text);
  const number = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''));
  return number <= MAX_INT64 && number >= -MAX_INT64 - 1n ? number : undefined;
}

/**
 * Reads a selector of Kubernetes' grammar, with `>=` and `<=` besides: docs/reference/selectors.md.
 * @throws SiderolinkError `invalid_argument`, with the `position` (from 1) in its details
 */
export function parseSelector(text: string): Selector {
  if (text.length > MAX_SELECTOR_LENGTH) {
    throw new SiderolinkError('invalid_argument', `a selector has at most ${MAX_SELECTOR_LENGTH} characters`, {
      length: text.length,
    });
  }
  return { requirements: new Parser(text).selector() };
}

const SYMBOLS = ['(', ')', ',', '!', '!=', '=', '==', '>', '>=', '<', '<='] as const;
type Symbol = (typeof SYMBOLS)[number];

/** A word is whatever stands between symbols and white space: a key, a value, `in` or `notin`. */
interface Token {
  readonly kind: Symbol | 'word' | 'end';
  readonly text: string;
  /** Index of its first character in the selector. */
  readonly at: number;
}

// The four characters that Kubernetes skips; other white space is part of a word, and then no word is valid.
const TOKEN = /[ \t\r\n]*(?:([!=<>]=|[(),!=<>])|([^ \t\r\n(),!=<>]+)|$)/y;

/** One token ahead is enough for the whole grammar. */
class Parser {
  readonly #text: string;
  readonly #scanner = new RegExp(TOKEN);
  #next: Token;

  constructor(text: string) {
    this.#text = text;
    this.#next = this.#scan();
  }

  selector(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.#isAt('end')) return requirements;
    do {
      if (requirements.length === MAX_REQUIREMENTS) {
        throw this.#malformed(this.#next, `a selector has at most ${MAX_REQUIREMENTS} requirements`);
      }
      requirements.push(this.#requirement());
    } while (this.#skip(','));
    if (!this.#isAt('end')) throw this.#expected('"," or the end');
    return requirements;
  }

  #isAt(kind: Token['kind']): boolean {
    return this.#next.kind === kind;
  }

  #requirement(): Requirement {
    if (this.#skip('!')) return { key: this.#key('a label key after "!"'), operator: 'absent' };
    const key = this.#key('a label key or "!"');
    if (this.#isAt(',') || this.#isAt('end')) return { key, operator: 'exists' };
    const operator = this.#take();
    switch (operator.kind) {
      case '=':
      case '==':
        return { key, operator: 'in', values: new Set([this.#value()]) };
      case '!=':
        return { key, operator: 'notin', values: new Set([this.#value()]) };
      case '>':
      case '<':
      case '>=':
      case '<=':
        return { key, operator: operator.kind, number: this.#number(operator.kind) };
      default:
        if (operator.text === 'in' || operator.text === 'notin') {
          return { key, operator: operator.text, values: this.#values(operator.text) };
        }
        throw this.#expected('"=", "==", "!=", "in", "notin", ">", "<", ">=", "<=", "," or the end', operator);
    }
  }

  #key(what: string): string {
    const token = this.#take();
    if (token.kind !== 'word') throw this.#expected(what, token);
    const fault = labelKeyFault(token.text);
    if (fault !== undefined) throw this.#malformed(token, fault);
    return token.text;
  }

  /** What stands behind an operator; nothing there is the empty value. */
  #value(): string {
    if (this.#isAt(',') || this.#isAt('end')) return '';
    if (this.#next.kind !== 'word') throw this.#expected('a value');
    return this.#word();
  }

  #number(operator: Comparison): Int64 {
    const token = this.#next;
    const value = this.#value();
    const number = parseInt64(value);
    if (number === undefined) throw this.#malformed(token, `behind "${operator}" stands an integer of 64 bits`);
    return number;
  }

  /** The values in parentheses; between two commas, or with nothing there, is the empty value. */
  #values(operator: 'in' | 'notin'): Set<string> {
    const values = new Set<string>();
    if (!this.#skip('(')) throw this.#expected(`"(" after "${operator}"`);
    do {
      if (this.#next.kind === 'word') values.add(this.#word());
      else if (this.#next.kind === ',' || this.#next.kind === ')') values.add('');
    } while (this.#skip(','));
    if (!this.#skip(')')) throw this.#expected('a value, "," or ")"');
    return values;
  }

  #word(): string {
    const token = this.#take();
    const fault = labelValueFault(token.text);
    if (fault !== undefined) throw this.#malformed(token, fault);
    return token.text;
  }

  #skip(kind: Symbol): boolean {
    if (this.#next.kind !== kind) return false;
    this.#take();
    return true;
  }

  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#next = this.#scan();
    return token;
  }

  #scan(): Token {
    const [all = '', symbol, word] = this.#scanner.exec(this.#text) ?? [];
    const text = symbol ?? word ?? '';
    const at = this.#scanner.lastIndex - text.length;
    if (all === '' || text === '') return { kind: 'end', text: '', at: this.#text.length };
    return { kind: symbol === undefined ? 'word' : (symbol as Symbol), text, at };
  }

  #expected(what: string, found: Token = this.#next): SiderolinkError {
    const shown = found.kind === 'end' ? 'the end' : excerpt(found.text);
    return this.#malformed(found, `found ${shown}, expected ${what}`);
  }

  #malformed(token: Token, why: string): SiderolinkError {
    const position = token.at + 1;
    const word = token.kind === 'word' && !why.startsWith('found') ? ` (${excerpt(token.text)})` : '';
    return new SiderolinkError('invalid_argument', `malformed selector at position ${position}${word}: ${why}`, {
      position,
    });
  }
}

/** The text in quotes, cut after quoting: a control character takes six there. */
function excerpt(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length <= 82 ? quoted : `${quoted.slice(0, 80)}…"`;
}
