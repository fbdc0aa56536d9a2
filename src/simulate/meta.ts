import type { MetaAccess } from './machine-service.ts';

/** Bytes that the META partition has room for. */
const CAPACITY_BYTES = 256 * 1024;

/** What a key costs besides its value: tag and length. */
const ENTRY_BYTES = 8;

/** The META values of a machine, by their number: 15 is the UUID override, 16 the unique token. */
export class Meta implements MetaAccess {
  readonly #values: Map<number, string>;
  readonly #onChange: (key: number, change: 'written' | 'deleted') => void;

  /** `onChange` hears of changes only: a write of the value that is there already is none. */
  constructor(values: ReadonlyMap<number, string>, onChange: (key: number, change: 'written' | 'deleted') => void) {
    this.#values = new Map(values);
    this.#onChange = onChange;
  }

  get values(): ReadonlyMap<number, string> {
    return new Map(this.#values);
  }

  read(key: number): string | undefined {
    return this.#values.get(key);
  }

  write(key: number, value: string): boolean {
    const before = this.#values.get(key);
    if (before === value) return true;
    const others = [...this.#values].filter(([other]) => other !== key);
    const used = others.reduce((sum, [, other]) => sum + Buffer.byteLength(other) + ENTRY_BYTES, 0);
    if (used + Buffer.byteLength(value) + ENTRY_BYTES > CAPACITY_BYTES) return false;
    this.#values.set(key, value);
    this.#onChange(key, 'written');
    return true;
  }

  remove(key: number): boolean {
    if (!this.#values.delete(key)) return false;
    this.#onChange(key, 'deleted');
    return true;
  }

  /** A reboot without a disk, or a wiped one: all is gone, and nobody is there to hear of it. */
  lose(): void {
    this.#values.clear();
  }
}
