import type { IncomingMessage } from 'node:http';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Envelope } from './api.ts';

/** Where a stream begins; at most one. Without any: now. */
export interface StreamStart {
  readonly after?: number | undefined;
  readonly since?: string | undefined;
  readonly tail?: number | undefined;
}

export type StreamItem =
  | {
      readonly type: 'record';
      readonly seq: number;
      readonly record: Envelope /** As it came. */;
      readonly json: string;
    }
  | { readonly type: 'position'; readonly seq: number }
  /** The connection broke; the next try comes after `delayMs`. */
  | { readonly type: 'interrupted'; readonly error: unknown; readonly delayMs: number };

/** Opens the stream: from `start` the first time, after the last seq the next. */
export type OpenStream = (start: StreamStart, lastEventId: number | undefined) => Promise<IncomingMessage>;

const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 10_000;
// The server cuts lines at 64 KiB; an envelope with escapes stays well below this.
const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** Follows a stream across connections. A refusal that would come again (4xx) is thrown; so is a first failure. */
export async function* followStream(
  open: OpenStream,
  { clock, start, signal }: { clock: Clock; start: StreamStart; signal: AbortSignal | undefined },
): AsyncGenerator<StreamItem> {
  let position: number | undefined;
  let connected = false;
  let delayMs = FIRST_DELAY_MS;
  const aborted = () => signal?.aborted === true;
  while (!aborted()) {
    let failure: unknown;
    try {
      // A start by time or count is not repeated once the stream has a place.
      const response = await open(position === undefined ? start : {}, position);
      connected = true;
      for await (const item of readItems(response)) {
        delayMs = FIRST_DELAY_MS;
        position = item.seq;
        yield item;
      }
    } catch (error) {
      failure = error;
    }
    if (aborted()) return;
    if (failure !== undefined && (!connected || !isTransient(failure))) throw failure;
    yield { type: 'interrupted', error: failure, delayMs };
    await clock.sleep(delayMs, signal);
    delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
  }
}

function isTransient(error: unknown): boolean {
  if (!(error instanceof SiderolinkError)) return true;
  return error.code === 'unavailable' || error.code === 'exhausted' || error.code === 'storage';
}

async function* readItems(response: IncomingMessage): AsyncGenerator<StreamItem & { seq: number }> {
  for await (const line of readLines(response)) {
    const value = parseLine(line);
    if ('position' in value) yield { type: 'position', seq: value.position };
    else yield { type: 'record', seq: value.seq, record: value, json: line };
  }
}

function parseLine(line: string): Envelope | { readonly position: number } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) {
      if ('seq' in value && typeof value.seq === 'number') return value as Envelope;
      if ('position' in value && typeof value.position === 'number') return { position: value.position };
    }
  } catch {
    // Not JSON: refused below.
  }
  throw new SiderolinkError('internal', 'the stream sent a line that is neither a record nor a position');
}

/**
 * Whole lines; what a broken connection cut off is left out.
 *
 * @throws SiderolinkError `unavailable` if the connection breaks, `internal` for a line without end
 */
export async function* readLines(response: IncomingMessage): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of readChunks(response)) {
    let begin = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, begin)) {
      rest.push(chunk.subarray(begin, end));
      begin = end + 1;
      const line = rest.length === 1 ? String(rest[0]) : Buffer.concat(rest).toString();
      rest = [];
      length = 0;
      if (line !== '') yield line;
    }
    rest.push(chunk.subarray(begin));
    length += chunk.length - begin;
    if (length > MAX_LINE_BYTES) throw new SiderolinkError('internal', 'the daemon sent a line without end');
  }
}

async function* readChunks(response: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (error) {
    throw new SiderolinkError('unavailable', `the connection broke: ${errorMessage(error)}`, {}, { cause: error });
  }
}
