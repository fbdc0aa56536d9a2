import { SiderolinkError } from './errors.ts';
import type { StringGuard } from './json-text.ts';
import { VIRTUAL_ENDPOINT_END, VIRTUAL_ENDPOINTS } from './tunnel.ts';

/** What stands in place of a secret. */
const REDACTED = '[redacted]';

/** What the bytes of every text with a secret of ours have somewhere (DESIGN section 4, "Ingest"). */
const NEEDLES = ['jointoken', 'talos.config.', VIRTUAL_ENDPOINT_END] as const;
/** Two characters of each of them, of those that are rare in logs: text without any has no secret of ours. */
export const SECRET_HINTS = ['jo', 'g.', ']:'] as const;
const NEEDLE_BYTES = NEEDLES.map((needle) => Buffer.from(needle, 'latin1'));

// Repetitions are bounded, so that hostile text costs no more than its length.
const NAME = String.raw`(?:jointoken|talos\.config\.(?:early|inline|oauth\.[\w.-]{0,64}))`;
// Between name and value: `=`, in JSON or YAML `: `, as a JSON escape that was escaped again; quotes around each.
const PLAIN = String.raw`(?:\\{0,16}["'])?(?:=|\\{1,16}u003[dD]|\s{0,8}:\s{0,8})(?:\\{0,16}["'])?`;
// The same in url-encoding, once or several times.
const ENCODED_QUOTE = '(?:%(?:25){0,4}(?:5[cC]|2[27])){0,16}';
const ENCODED = `${ENCODED_QUOTE}%(?:25){0,4}3[aAdD]${ENCODED_QUOTE}`;
// A value ends at white space, a quote, an ampersand in any form. One in url-encoding ends where its own `&` or
// quote is. It is over where the next name is, too: a name without a value must not hide the secret behind it.
const PLAIN_END = String.raw`\\{1,16}u0026|\\{0,16}["'&\s]|${NAME}${PLAIN}`;
const ENCODED_END = `%(?:25){0,4}(?:2[267]|5[cC])|${PLAIN_END}`;
// In bytes of an unknown format a secret is printable ASCII: what follows may be the next field.
const UNPRINTABLE = '[^!-~]';

/** What stands before a secret, and what ends it. Apart, because one pattern for both takes memory for each character. */
interface Pattern {
  readonly before: RegExp;
  readonly end: RegExp;
}

const pattern = (before: string, end: string): Pattern => ({
  before: new RegExp(before, 'g'),
  end: new RegExp(end, 'g'),
});
const TEXT_PATTERNS = [pattern(NAME + PLAIN, PLAIN_END), pattern(NAME + ENCODED, ENCODED_END)];
const BYTE_PATTERNS = [
  pattern(NAME + PLAIN, `${PLAIN_END}|${UNPRINTABLE}`),
  pattern(NAME + ENCODED, `${ENCODED_END}|${UNPRINTABLE}`),
];

const SECRET_NAME = new RegExp(`^${NAME}$`);
/** An escape that an encoder has no need of: it may hide a name. */
const HIDING_ESCAPE = /\\u00[2-7]/;

/** Takes secrets out of what machines say, before anything is stored (law 8). */
export class Redactor implements StringGuard {
  readonly #extra: readonly RegExp[];

  /**
   * @param extra further secrets, as regular expressions that match decoded text; the whole match goes
   * @throws SiderolinkError `configuration`
   */
  constructor(extra: readonly string[] = []) {
    this.#extra = extra.map(compile);
  }

  /** Whether every text must be looked at, not only those with a name of ours. */
  get always(): boolean {
    return this.#extra.length > 0;
  }

  /** Whether the bytes may hold a secret: they have a name of ours, or the operator's expressions must be asked. */
  isSuspicious(bytes: Buffer): boolean {
    return this.always || NEEDLE_BYTES.some((needle) => bytes.includes(needle));
  }

  /** Decoded text without its secrets; the same text if it has none. */
  text(text: string): string {
    let result = text;
    if (NEEDLES.some((needle) => text.includes(needle))) {
      for (const pattern of TEXT_PATTERNS) result = withoutSecrets(result, pattern, () => REDACTED);
      // Talos logs it each time that it begins a tunnel: beside the API's URL, token and all, and in a line of its own.
      result = result.replace(VIRTUAL_ENDPOINTS, REDACTED);
    }
    return this.#withoutExtra(result, () => REDACTED);
  }

  literal(raw: string): string {
    const suspicious = this.always || NEEDLES.some((needle) => raw.includes(needle)) || HIDING_ESCAPE.test(raw);
    if (!suspicious) return raw;
    const decoded = JSON.parse(raw) as string;
    const clean = this.text(decoded);
    return clean === decoded ? raw : JSON.stringify(clean);
  }

  isSecretName(name: string): boolean {
    return SECRET_NAME.test(name);
  }

  /** Bytes of an unknown format with each secret overwritten by as many asterisks; the same bytes if there is none. */
  bytes(bytes: Uint8Array): Uint8Array {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!this.isSuspicious(buffer)) return bytes;
    const mask = (text: string) => '*'.repeat(text.length);
    let text = buffer.toString('latin1');
    for (const pattern of BYTE_PATTERNS) text = withoutSecrets(text, pattern, mask);
    text = text.replace(VIRTUAL_ENDPOINTS, mask);
    return Buffer.from(this.#withoutExtra(text, mask), 'latin1');
  }

  #withoutExtra(text: string, mask: (secret: string) => string): string {
    try {
      return this.#extra.reduce((result, pattern) => result.replace(pattern, mask), text);
    } catch {
      // The operator's expression takes more memory than there is for a text of this length: nobody knows what is in it.
      return mask(text);
    }
  }
}

function withoutSecrets(text: string, { before, end }: Pattern, mask: (secret: string) => string): string {
  let result = '';
  let kept = 0;
  before.lastIndex = 0;
  while (before.test(text)) {
    const start = before.lastIndex;
    end.lastIndex = start;
    const stop = end.exec(text)?.index ?? text.length;
    if (stop === start) continue;
    result += text.slice(kept, start) + mask(text.slice(start, stop));
    kept = stop;
    before.lastIndex = stop;
  }
  return kept === 0 ? text : result + text.slice(kept);
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source, 'g');
  } catch (cause) {
    throw new SiderolinkError('configuration', `sinks.redact: ${source} is not a regular expression`, {}, { cause });
  }
}
