import type { ServerResponse } from 'node:http';
import type { FollowItem, RenderedRecord } from '../stream/types.ts';

/** How a stream looks on the wire. */
export interface StreamFormat {
  readonly contentType: string;
  record(record: RenderedRecord): string;
  position(seq: number): string;
}

export const SSE: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  // A carriage return ends a line of server-sent events, and JSON allows it between tokens, where a space says the same.
  record: ({ seq, json }) => `id: ${seq}\ndata: ${json.includes('\r') ? json.replaceAll('\r', ' ') : json}\n\n`,
  position: (seq) => `id: ${seq}\n\n`,
};

export const NDJSON: StreamFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  record: ({ json }) => `${json}\n`,
  position: (seq) => `{"position":${seq}}\n`,
};

/** Characters that are written at once. */
const BLOCK = 64 * 1024;

export type StreamEnd = 'client' | 'slow' | 'stop';

/** What every stream may have unsent, however much the others have. */
const FAIR_UNSENT_BYTES = 256 * 1024;

export interface StreamWriterOptions {
  readonly maxUnsentBytes: number;
  readonly maxAllUnsentBytes: number;
  readonly stallMs: number;
}

/**
 * Writes what a follower yields to a response, never more than `maxUnsentBytes` (and one block) ahead of the reader, or
 * `FAIR_UNSENT_BYTES` where much waits for all readers together: a reader that is behind sets the follower's pace. One that takes nothing for `stallMs` with that much waiting is cut
 * off; it resumes by id.
 */
export class StreamWriter {
  readonly #response: ServerResponse;
  readonly #format: StreamFormat;
  readonly #options: StreamWriterOptions;
  readonly #allUnsent: () => number;
  readonly #onRecords: (count: number) => void;

  constructor(
    options: StreamWriterOptions & { readonly format: StreamFormat },
    deps: {
      readonly response: ServerResponse;
      /** Bytes that wait for the readers of all streams. */
      readonly allUnsent: () => number;
      readonly onRecords: (count: number) => void;
    },
  ) {
    this.#options = options;
    this.#format = options.format;
    this.#response = deps.response;
    this.#allUnsent = deps.allUnsent;
    this.#onRecords = deps.onRecords;
  }

  /** Writes until the items end or `signal` aborts. Errors of `items` are passed on. */
  async run(items: AsyncIterable<FollowItem>, signal: AbortSignal): Promise<StreamEnd> {
    for await (const item of items) {
      const end =
        item.type === 'position' ? await this.position(item.seq, signal) : await this.records(item.records, signal);
      if (end !== undefined) return end;
    }
    return this.#closed() ? 'client' : 'stop';
  }

  async position(seq: number, signal: AbortSignal): Promise<StreamEnd | undefined> {
    return this.#write(this.#format.position(seq), signal);
  }

  async records(records: readonly RenderedRecord[], signal: AbortSignal): Promise<StreamEnd | undefined> {
    let block = '';
    for (const record of records) {
      block += this.#format.record(record);
      if (block.length < BLOCK) continue;
      const end = await this.#write(block, signal);
      if (end !== undefined) return end;
      block = '';
    }
    this.#onRecords(records.length);
    return block === '' ? undefined : this.#write(block, signal);
  }

  async #write(text: string, signal: AbortSignal): Promise<StreamEnd | undefined> {
    if (this.#closed()) return 'client';
    this.#response.write(Buffer.from(text));
    if (!this.#isFull()) return undefined;
    const stalled = await this.#drained(signal);
    if (this.#closed()) return 'client';
    if (signal.aborted) return 'stop';
    return stalled ? 'slow' : undefined;
  }

  #isFull(): boolean {
    const { maxUnsentBytes, maxAllUnsentBytes } = this.#options;
    const unsent = this.#response.writableLength;
    return unsent > maxUnsentBytes || (unsent > FAIR_UNSENT_BYTES && this.#allUnsent() > maxAllUnsentBytes);
  }

  /** Resolves when all was sent, the reader is gone or `signal` aborts: false; when the reader took nothing: true. */
  #drained(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const go = () => finish(false);
      const stalled = () => finish(true);
      const finish = (result: boolean) => {
        this.#response.off('drain', go).off('close', go).off('timeout', stalled);
        signal.removeEventListener('abort', go);
        this.#response.setTimeout(0);
        resolve(result);
      };
      this.#response.once('drain', go).once('close', go).once('timeout', stalled);
      signal.addEventListener('abort', go, { once: true });
      // The socket's own timeout: it alone knows whether a part of a pending write was taken, and begins anew if so.
      this.#response.setTimeout(this.#options.stallMs);
    });
  }

  #closed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }
}
