import { LEVELS, STREAMS, type Stream } from './record.ts';

const LINE_FEED = 0x0a;
const LEVELS_TEXT = LEVELS.join('\n');

/** More different name tables than any fleet has at a time; then the table of known ones starts anew. */
const MAX_KNOWN_NAMES = 4096;

/** Where each of `count` lines begins, and where the last one ends: line i is `payload[offsets[i], offsets[i+1] - 1)`. */
export function lineOffsets(payload: Uint8Array, count: number): Uint32Array {
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const end = payload.indexOf(LINE_FEED, at);
    at = end === -1 ? payload.length : end + 1;
    offsets[index + 1] = at;
  }
  return offsets;
}

/** How many lines end in these bytes. */
export function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, end + 1)) lines++;
  return lines;
}

export function streamNumber(stream: Stream): number {
  return STREAMS.indexOf(stream);
}

export function streamOfNumber(number: number): Stream {
  const stream = STREAMS[number];
  if (stream === undefined) throw new RangeError(`unknown stream number ${number}`);
  return stream;
}

/** A name table as it is stored: tokens hold no line feed, and the commonest table is nothing. */
export function namesText(names: readonly string[]): string {
  if (names === LEVELS) return '';
  const text = names.join('\n');
  return text === LEVELS_TEXT ? '' : text;
}

/** Turns stored name tables back into arrays: equal texts give the same array, so results may be kept by reference. */
export class KnownNames {
  readonly #known = new Map<string, readonly string[]>();

  parse(text: string): readonly string[] {
    if (text === '') return LEVELS;
    let names = this.#known.get(text);
    if (names === undefined) {
      if (this.#known.size >= MAX_KNOWN_NAMES) this.#known.clear();
      names = text.split('\n');
      this.#known.set(text, names);
    }
    return names;
  }
}
