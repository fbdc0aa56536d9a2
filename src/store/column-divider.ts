import { countLines } from '../domain/chunk.ts';
import { Column } from '../domain/column.ts';
import { type BlockDivider, COLUMNS, joinColumns, LineColumns, mostBytes } from '../domain/line-columns.ts';
import type { BlockSpace } from '../domain/segment.ts';
import { LINE_COLUMNS } from '../gen/line-columns.js';
import { loadWasm } from '../lib/wasm.ts';

const LINE_FEED = 0x0a;
/** As in line-columns.wat. */
const TEXT_BYTES = 128;
const TABLE_BYTES = 9216;
/** The divider looks and writes so far behind what is there. */
const SLACK = 64;
/** Longer blocks are those of one long record, or of so many short ones that they are no lines of the form. */
const MOST_BYTES = 640 * 1024;

interface Divider {
  divide(from: number, to: number, columns: number, table: number): number;
  count(from: number, to: number): number;
}

/** Divides blocks as `LineColumns` does, to the same bytes: in WebAssembly, 16 bytes at a time. */
export class ColumnDivider implements BlockDivider, BlockSpace {
  /** A block that lies at its begin is divided where it is, and others are copied there. */
  readonly memory: Uint8Array;
  /** Undefined where the processor cannot do it. */
  readonly #divider: Divider | undefined;
  readonly #bytes: Uint8Array;
  readonly #blockAt: number;
  readonly #columnsAt: readonly number[];
  /** Where each column begins; told to the divider, which then tells where each ends. */
  readonly #places: Int32Array;
  readonly #whole = new Column();
  #plain: LineColumns | undefined;

  constructor() {
    const placesAt = TEXT_BYTES;
    const tableAt = placesAt + COLUMNS.length * 4;
    const most = mostBytes(MOST_BYTES);
    let end = tableAt + TABLE_BYTES;
    this.#columnsAt = COLUMNS.map((name) => {
      const start = end;
      end += most[name] + SLACK;
      return start;
    });
    this.#blockAt = end;
    const { memory, exports } = loadWasm<Divider>(LINE_COLUMNS, end + MOST_BYTES + SLACK);
    this.#divider = exports;
    this.#bytes = new Uint8Array(memory);
    this.#places = new Int32Array(memory, placesAt, COLUMNS.length);
    this.memory = this.#bytes.subarray(end, end + MOST_BYTES);
  }

  divide(block: Uint8Array): Uint8Array | undefined {
    if (this.#divider === undefined || block.length > MOST_BYTES) return this.#slowly(block);
    const bytes = this.#bytes;
    const from = this.#blockAt;
    const to = from + block.length;
    if (block.buffer !== bytes.buffer || block.byteOffset !== from) bytes.set(block, from);
    bytes[to] = LINE_FEED;
    this.#places.set(this.#columnsAt);
    const lines = this.#divider.divide(
      from,
      to,
      this.#places.byteOffset,
      this.#places.byteOffset + this.#places.byteLength,
    );
    if (lines === 0) return undefined;
    const columns = this.#columnsAt.map((start, i) => bytes.subarray(start, this.#places[i]));
    return joinColumns(this.#whole, block.length, lines, columns);
  }

  /** How many lines end in these bytes: counted where they lie in `memory`. */
  countLines(bytes: Uint8Array): number {
    if (this.#divider === undefined || bytes.buffer !== this.#bytes.buffer) return countLines(bytes);
    return this.#divider.count(bytes.byteOffset, bytes.byteOffset + bytes.length);
  }

  #slowly(block: Uint8Array): Uint8Array | undefined {
    this.#plain ??= new LineColumns();
    return this.#plain.divide(block);
  }
}
