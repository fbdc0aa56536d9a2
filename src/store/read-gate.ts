/** Cells that the threads share: how many want nobody to begin a read, and how many reads run. */
const CLOSED = 0;
const READING = 1;
const CELLS = 2;

/** What a reader waits at a closed gate, at most: who closed it may wait for a disk that hangs. */
const MAX_WAIT_MS = 5000;
/** What is waited for reads that run, at most: a page ends with what it has when the gate is closed. */
const MAX_DRAIN_MS = 2000;

export interface GateOptions {
  readonly maxWaitMs: number;
  readonly maxDrainMs: number;
}

const DEFAULTS: GateOptions = { maxWaitMs: MAX_WAIT_MS, maxDrainMs: MAX_DRAIN_MS };

/**
 * Keeps the read transactions of all threads out for a moment. SQLite begins the WAL anew only while nobody reads; where
 * pages are read one after the other on two threads, such a moment need not come by itself. Both waits are bounded: a
 * read that goes on in spite of it costs a WAL that stays as it is until the next try, and nothing else.
 */
export class ReadGate {
  /** To be given to other threads, whose gates are then the same one. */
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly #options: GateOptions;

  constructor(cells = newCells(), options: GateOptions = DEFAULTS) {
    this.cells = cells;
    this.#options = options;
  }

  /** Whether somebody waits for reads to end. */
  get isClosed(): boolean {
    return Atomics.load(this.cells, CLOSED) > 0;
  }

  /** Reads while the gate is open. Blocks the thread until then. */
  read<T>(work: () => T): T {
    this.#enter();
    try {
      return work();
    } finally {
      this.#leave();
    }
  }

  /** Inside of `read`, where no read transaction is held: lets those go first who wait. */
  pause(): void {
    this.#leave();
    this.#enter();
  }

  /** Does something while nobody reads, as far as they end in time. */
  async whileClosed<T>(work: () => Promise<T>): Promise<T> {
    Atomics.add(this.cells, CLOSED, 1);
    try {
      await this.#drained();
      return await work();
    } finally {
      Atomics.sub(this.cells, CLOSED, 1);
      Atomics.notify(this.cells, CLOSED);
    }
  }

  #enter(): void {
    const { cells } = this;
    const until = performance.now() + this.#options.maxWaitMs;
    for (;;) {
      // In this order: who closes the gate looks for readers behind that, so one of both sees the other.
      Atomics.add(cells, READING, 1);
      const closed = Atomics.load(cells, CLOSED);
      const left = until - performance.now();
      if (closed === 0 || left <= 0) return;
      this.#leave();
      Atomics.wait(cells, CLOSED, closed, left);
    }
  }

  #leave(): void {
    Atomics.sub(this.cells, READING, 1);
    Atomics.notify(this.cells, READING);
  }

  async #drained(): Promise<void> {
    const until = performance.now() + this.#options.maxDrainMs;
    for (;;) {
      const reading = Atomics.load(this.cells, READING);
      const left = until - performance.now();
      if (reading === 0 || left <= 0) return;
      const { async, value } = Atomics.waitAsync(this.cells, READING, reading, left);
      if (async) await value;
    }
  }
}

function newCells(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
}
