import { SiderolinkError } from '../domain/errors.ts';

/** The open streams: at most so many, and all of them end when the server stops. */
export class Streams {
  readonly #max: number;
  readonly #open = new Map<AbortController, Promise<void>>();
  readonly #responses = new Set<{ readonly writableLength: number }>();
  #stopping = false;

  constructor(options: { readonly max: number }) {
    this.#max = options.max;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Runs a stream; the controller it gets is aborted at stop. Resolves when the stream has ended.
   *
   * @throws SiderolinkError `exhausted` with too many open, `unavailable` when stopping
   */
  open(run: (controller: AbortController) => Promise<void>): Promise<void> {
    if (this.#stopping) throw new SiderolinkError('unavailable', 'stopping');
    if (this.#open.size >= this.#max) {
      throw new SiderolinkError('exhausted', `${this.#max} streams are open, the most that may be; close one`);
    }
    const controller = new AbortController();
    const ended = run(controller).finally(() => this.#open.delete(controller));
    this.#open.set(controller, ended);
    return ended;
  }

  /** Bytes that wait for the readers of all streams. */
  get unsentBytes(): number {
    let sum = 0;
    for (const { writableLength } of this.#responses) sum += writableLength;
    return sum;
  }

  /** Counts what waits for a reader, until the function that it returns is called. */
  count(response: { readonly writableLength: number }): () => void {
    this.#responses.add(response);
    return () => this.#responses.delete(response);
  }

  /** Ends every stream and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const controller of this.#open.keys()) controller.abort();
    await Promise.allSettled(this.#open.values());
  }
}
