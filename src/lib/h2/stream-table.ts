import type { H2Stream } from './stream.ts';

/**
 * So many streams that were ended on our side only are remembered: their peers may not know yet, and send on. A proxy has as
 * many requests under way as Envoy lets through at once.
 */
const REMEMBERED = 1_024;

/** The streams of a connection: open ones, and what is known of others. Holds nothing while none is open. */
export class StreamTable {
  #open: Map<number, H2Stream> | undefined;
  #lastId = 0;
  #left: number[] | undefined;

  get size(): number {
    return this.#open?.size ?? 0;
  }

  /** The highest number that the peer has used. */
  get lastId(): number {
    return this.#lastId;
  }

  get(id: number): H2Stream | undefined {
    return this.#open?.get(id);
  }

  /** The peer has opened none with this number; ones of even numbers would be ours, and we open none. */
  isIdle(id: number): boolean {
    return id > this.#lastId || id % 2 === 0;
  }

  /** The peer uses this number: all lower ones are used up. */
  use(id: number): void {
    this.#lastId = id;
  }

  add(stream: H2Stream): void {
    this.#open ??= new Map();
    this.#open.set(stream.id, stream);
  }

  delete(id: number): boolean {
    if (this.#open?.delete(id) !== true) return false;
    if (this.#open.size === 0) this.#open = undefined;
    return true;
  }

  /** The peer may still send on this one. */
  leave(id: number): void {
    this.#left ??= [];
    this.#left.push(id);
    if (this.#left.length > REMEMBERED) this.#left.shift();
  }

  wasLeft(id: number): boolean {
    return this.#left?.includes(id) === true;
  }

  all(): H2Stream[] {
    return this.#open === undefined ? [] : [...this.#open.values()];
  }
}
