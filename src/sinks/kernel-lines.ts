import { SECRET_HINTS } from '../domain/redact.ts';
import { KERNEL_LINES } from '../gen/kernel-lines.js';
import { loadWasm } from '../lib/wasm.ts';

const LINE_FEED = 0x0a;
/** Lines that one scan finds at most. */
export const MAX_LINES = 4_096;

// As in kernel-lines.wat.
const ROW_BYTES = 24;
const ROWS_AT = 128;
const BLOCK_AT = ROWS_AT + MAX_LINES * ROW_BYTES;
/** The scanner looks so far behind a block. */
const SLACK = 64;

interface Scanner {
  setHints(...codes: number[]): void;
  scan(from: number, to: number, rows: number, most: number): number;
}

/**
 * Finds kernel lines as Talos writes them (facts/talos-client.md section 5.1) in blocks of lines, and reads of each its
 * number, clock and level: in WebAssembly, 16 bytes at a time. A line that it finds is valid JSON, if it is valid UTF-8.
 */
export class KernelLines {
  /** Blocks that lie in here are scanned where they are; others are copied. */
  readonly memory: Buffer;
  /** Undefined where the processor cannot do it. */
  readonly #scanner: Scanner | undefined;
  readonly #words: Int32Array;
  readonly #halves: Uint16Array;
  readonly #numbers: Float64Array;
  /** What is added to the scanner's offsets to get the block's. */
  #shift = 0;

  /** @param bytes size of `memory` */
  constructor(bytes: number) {
    const { memory, exports } = loadWasm<Scanner>(KERNEL_LINES, BLOCK_AT + bytes + SLACK);
    this.#scanner = exports;
    this.#scanner?.setHints(...SECRET_HINTS.flatMap((hint) => [hint.charCodeAt(0), hint.charCodeAt(1)]));
    this.memory = Buffer.from(memory, BLOCK_AT, bytes);
    this.#words = new Int32Array(memory, ROWS_AT, (MAX_LINES * ROW_BYTES) / 4);
    this.#halves = new Uint16Array(memory, ROWS_AT, (MAX_LINES * ROW_BYTES) / 2);
    this.#numbers = new Float64Array(memory, ROWS_AT, (MAX_LINES * ROW_BYTES) / 8);
  }

  /**
   * Reads the lines of a block from `start` on, as long as they are kernel lines: exactly the seven keys that Talos
   * sends, in their order, without spaces, ended by a line feed. Returns how many, at most `MAX_LINES`; what follows them
   * may still be valid JSON: ask `readObjectLine`. The block is valid UTF-8 and ends with a line feed. Always none where
   * the processor cannot do it.
   */
  scan(block: Buffer, start: number): number {
    if (this.#scanner === undefined) return 0;
    let from = block.byteOffset + start;
    let to = block.byteOffset + block.length;
    if (block.buffer !== this.memory.buffer) {
      from = BLOCK_AT;
      to = from + this.#copy(block, start);
    }
    this.#shift = start - from;
    return this.#scanner.scan(from, to, ROWS_AT, MAX_LINES);
  }

  /** The offset behind the line feed of line `index`. */
  end(index: number): number {
    return (this.#words[index * 6] as number) + this.#shift;
  }

  /** Index into `LEVELS`. */
  level(index: number): number {
    return this.#halves[index * 12 + 2] as number;
  }

  /** Whether characters of a secret's name stand in the line: without them it has none. */
  hasHint(index: number): boolean {
    return this.#halves[index * 12 + 3] !== 0;
  }

  seq(index: number): number {
    return this.#numbers[index * 3 + 1] as number;
  }

  /** Microseconds since boot. */
  clock(index: number): number {
    return this.#numbers[index * 3 + 2] as number;
  }

  /** Copies whole lines, as many as there is room for; how many bytes. */
  #copy(block: Buffer, start: number): number {
    const part = block.subarray(start, start + this.memory.length);
    const length = part.lastIndexOf(LINE_FEED) + 1;
    part.copy(this.memory, 0, 0, length);
    return length;
  }
}
