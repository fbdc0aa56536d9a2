import { between, type Random } from './random.ts';

const ALPHABET = '0123456789abcdefghijklmnopqrstuv';

/**
 * Event ids as Talos makes them: 12 bytes (Unix seconds, 3 of the machine, 2 of the process, 3 of a counter), in 20
 * characters of base32hex (facts/talos-client.md section 4.1).
 */
export class XidSource {
  readonly #middle: readonly number[];
  readonly #now: () => number;
  #counter: number;

  /** `now` gives milliseconds since the epoch. */
  constructor(random: Random, now: () => number) {
    this.#middle = Array.from({ length: 5 }, () => between(random, 0, 255));
    this.#counter = between(random, 0, 0xffffff);
    this.#now = now;
  }

  next(): string {
    const seconds = Math.floor(this.#now() / 1000);
    this.#counter = (this.#counter + 1) & 0xffffff;
    const counter = this.#counter;
    return base32hex([
      (seconds >>> 24) & 255,
      (seconds >>> 16) & 255,
      (seconds >>> 8) & 255,
      seconds & 255,
      ...this.#middle,
      counter >>> 16,
      (counter >>> 8) & 255,
      counter & 255,
    ]);
  }
}

function base32hex(bytes: readonly number[]): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((held >>> bits) & 31);
    }
  }
  return text + ALPHABET.charAt((held << (5 - bits)) & 31);
}
