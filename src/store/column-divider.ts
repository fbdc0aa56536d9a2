import { countLines } from '../domain/chunk.ts';
import { Column } from '../domain/column.ts';
import { type BlockDivider, COLUMNS, joinColumns, LineColumns, mostBytes } from '../domain/line-columns.ts';
import type { BlockSpace } from '../domain/segment.ts';
import { LINE_COLUMNS } from '../gen/line-columns.js';

const LINE_FEED = 0x0a;
const PAGE_BYTES = 65_536;
/** As in line-columns.wat. */
const TEXT_BYTES = 128;
const TABLE_BYTES = 9216;
/** The divider looks and writes so far behind what is there. */
const SLACK = 64;
/** Longer blocks are those of one long record, or of so many short ones that they are no lines of the form. */
const MOST_BYTES = 640 * 1024;

// The types that Node's own definitions leave to those of browsers.
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

interface Divider {
  divide(from: number, to: number, columns: number, table: number): number;
  count(from: number, to: number): number;
}

/** Divides blocks as `LineColumns` does, to the same bytes: in WebAssembly, 16 bytes at a time. */
export class ColumnDivider implements BlockDivider, BlockSpace {
  /** A block that lies at its begin is divided where it is, and others are copied there. */
  readonly memory: Uint8Array;
  /** Undefined on a processor without SSE4.1, as virtual machines have by old defaults (kvm64). */
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
    const pages = Math.ceil((end + MOST_BYTES + SLACK) / PAGE_BYTES);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const code = Buffer.from(LINE_COLUMNS, 'base64');
    if (WebAssembly.validate(code)) {
      const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { host: { memory } });
      this.#divider = instance.exports as unknown as Divider;
    }
    this.#bytes = new Uint8Array(memory.buffer);
    this.#places = new Int32Array(memory.buffer, placesAt, COLUMNS.length);
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
