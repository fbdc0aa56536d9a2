// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const ASCII = /^[\u0000-\u007f]*$/;

/** Characters beyond ASCII whose lower case begins with one of ASCII: KELVIN SIGN (k) and I WITH DOT ABOVE (i). */
const LOWERED_TO_ASCII = [Buffer.from('\u212a'), Buffer.from('\u0130')];

/**
 * Which lines of a block hold a text, in whatever case: the bytes are searched in one go, so that no strings are made of
 * lines without it.
 */
export class TextSearch {
  readonly needle: string;
  /** 1 for a line with the text; undefined if bytes do not tell. */
  readonly #hits: Uint8Array | undefined;

  /** @param needle in lower case @param offsets where each line begins, and where the last one ends */
  constructor(needle: string, payload: Buffer, offsets: Uint32Array) {
    this.needle = needle;
    const isTold = ASCII.test(needle) && !needle.includes('\n');
    if (isTold && !LOWERED_TO_ASCII.some((bytes) => payload.includes(bytes))) {
      this.#hits = linesWith(needle, payload, offsets);
    }
  }

  /** Undefined: the line itself must be looked at. */
  isIn(line: number): boolean | undefined {
    return this.#hits === undefined ? undefined : this.#hits[line] === 1;
  }
}

function linesWith(needle: string, payload: Buffer, offsets: Uint32Array): Uint8Array {
  const hits = new Uint8Array(offsets.length - 1);
  // One character a byte. Bytes beyond ASCII may change their case, but never become ASCII.
  const text = payload.toString('latin1').toLowerCase();
  let line = 0;
  for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, offsets[line])) {
    while (line < hits.length - 1 && (offsets[line + 1] ?? 0) <= at) line++;
    if ((offsets[line + 1] ?? 0) <= at) break;
    hits[line] = 1;
    line++;
    if (line >= hits.length) break;
  }
  return hits;
}
