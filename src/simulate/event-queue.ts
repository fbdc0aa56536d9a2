/** One event as it goes out: `events.EventRequest`, encoded. */
export interface QueuedEvent {
  readonly id: string;
  readonly body: Uint8Array;
}

const RING_SIZE = 1000;
const SAFETY_GAP = 10;

/**
 * A machine's event ring, as far as the sender can see it (facts/talos-client.md section 4.2). What is acknowledged is
 * never asked for again, so only the rest is held; when that outgrows the ring the oldest is lost without a mark.
 */
export class EventQueue {
  readonly #capacity: number;
  #events: QueuedEvent[] = [];
  #overruns = 0;
  #overran = false;
  #wake: (() => void) | undefined;
  readonly #onAbort = () => this.#wake?.();

  constructor(capacity = RING_SIZE - SAFETY_GAP) {
    this.#capacity = capacity;
  }

  push(event: QueuedEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#capacity) {
      this.#events.shift();
      this.#overruns += 1;
      this.#overran = true;
    }
    this.#wake?.();
  }

  /** The oldest event that is not acknowledged. */
  get head(): QueuedEvent | undefined {
    return this.#events[0];
  }

  /** The event was taken. One that the ring lost while it was on its way is none that was lost. */
  acknowledge(event: QueuedEvent): void {
    if (this.#events[0] === event) this.#events.shift();
    else this.#overruns -= 1;
  }

  get pending(): number {
    return this.#events.length;
  }

  /** Whether events were lost in this boot because nobody took them. */
  get overran(): boolean {
    return this.#overran;
  }

  /** How many events were lost since this was asked last. */
  takeOverruns(): number {
    const count = this.#overruns;
    this.#overruns = 0;
    return count;
  }

  /** Resolves when there is an event, or when `signal` aborts. */
  async waiting(signal: AbortSignal): Promise<void> {
    while (this.#events.length === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', this.#onAbort, { once: true });
      });
      signal.removeEventListener('abort', this.#onAbort);
    }
  }
}
