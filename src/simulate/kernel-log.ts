import { type BootScript, lineClock, type MachineFacts, renderLine } from './boot-script.ts';
import type { KernelRecord } from './kmsg-line.ts';
import { mixSeed } from './random.ts';

export interface KernelLogOptions {
  readonly script: BootScript;
  readonly facts: MachineFacts;
  /** Records that the ring holds; the oldest go first. */
  readonly capacity?: number;
}

const DEFAULT_CAPACITY = 8192;

/**
 * The kernel's ring of one boot. Lines of the script are not held but made again when they are read, so thousands of
 * machines fit into one process; held are only lines of its own and the clocks of what came after the script.
 */
export class KernelLog {
  readonly #script: BootScript;
  readonly #facts: MachineFacts;
  readonly #capacity: number;
  readonly #own = new Map<number, KernelRecord>();
  #ownSeqs: number[] = [];
  #ownDropped = 0;
  #chatterClocks: number[] = [];
  #chatterDropped = 0;
  #scripted = 0;
  #next = 0;
  #lastClock = 0;
  readonly #waiters = new Set<() => void>();

  constructor({ script, facts, capacity = DEFAULT_CAPACITY }: KernelLogOptions) {
    this.#script = script;
    this.#facts = facts;
    this.#capacity = capacity;
  }

  /** The oldest record that is still there. */
  get first(): number {
    return Math.max(0, this.#next - this.#capacity);
  }

  /** The number of the next record. */
  get next(): number {
    return this.#next;
  }

  /** When the script's next line is due, in microseconds; undefined after its end. */
  get nextScriptClock(): number | undefined {
    const line = this.#script.lines[this.#scripted];
    return line && lineClock(line, this.#scripted, this.#facts);
  }

  /** Writes the script's lines up to this clock. */
  advance(clock: number): void {
    const before = this.#next;
    for (;;) {
      const due = this.nextScriptClock;
      if (due === undefined || due > clock) break;
      this.#scripted += 1;
      this.#next += 1;
      this.#lastClock = due;
    }
    if (this.#next !== before) this.#wrote();
  }

  /** Writes one of the lines of a running machine; only after the script's end. */
  chat(clock: number): void {
    this.#lastClock = Math.max(this.#lastClock, Math.floor(clock));
    this.#chatterClocks.push(this.#lastClock);
    this.#scripted += 1;
    this.#next += 1;
    this.#wrote();
  }

  /** Writes a line of its own. Its clock is not before the last line's. */
  append(record: KernelRecord): void {
    this.#lastClock = Math.max(this.#lastClock, Math.floor(record.clock));
    this.#own.set(this.#next, { ...record, clock: this.#lastClock });
    this.#ownSeqs.push(this.#next);
    this.#next += 1;
    this.#wrote();
  }

  /** The record, or undefined when the ring has lost it or does not have it yet. */
  read(seq: number): KernelRecord | undefined {
    if (seq < this.first || seq >= this.#next) return undefined;
    const own = this.#own.get(seq);
    if (own !== undefined) return own;
    const index = seq - this.#ownBefore(seq);
    const line = this.#script.lines[index];
    return line === undefined ? this.#chatter(index) : renderLine(line, index, this.#facts);
  }

  /** Resolves when there is a record `seq`, or when `signal` aborts. */
  async waiting(seq: number, signal: AbortSignal): Promise<void> {
    while (seq >= this.#next && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiters.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#waiters.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  #chatter(index: number): KernelRecord {
    const { chatter } = this.#script;
    const offset = index - this.#script.lines.length;
    const choice = mixSeed(mixSeed(this.#facts.seed, this.#facts.boot), offset) % chatter.length;
    const record = renderLine(chatter[choice] ?? chatter[0], index, this.#facts);
    return { ...record, clock: this.#chatterClocks[offset - this.#chatterDropped] ?? this.#lastClock };
  }

  #ownBefore(seq: number): number {
    let count = this.#ownDropped;
    for (const own of this.#ownSeqs) {
      if (own >= seq) break;
      count += 1;
    }
    return count;
  }

  #wrote(): void {
    this.#trim();
    for (const wake of [...this.#waiters]) wake();
  }

  #trim(): void {
    const { first } = this;
    while ((this.#ownSeqs[0] ?? first) < first) {
      this.#own.delete(this.#ownSeqs.shift() ?? -1);
      this.#ownDropped += 1;
    }
    if (this.#chatterClocks.length > 2 * this.#capacity) {
      const excess = this.#chatterClocks.length - this.#capacity;
      this.#chatterClocks = this.#chatterClocks.slice(excess);
      this.#chatterDropped += excess;
    }
  }
}
