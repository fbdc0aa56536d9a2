import { ERRORS, type ErrorCode, SiderolinkError } from '../domain/errors.ts';
import type { RepublishEnd, RepublishProgress, RepublishRequest } from './api.ts';
import { readLines } from './stream.ts';
import { send, type Target } from './transport.ts';

/** A line of progress comes every few seconds; before the first one a page is read and sent. */
const IDLE_MS = 60_000;

/**
 * Has kept records published once more: tells how far it is; the last item is the total. Ends when the caller stops taking
 * items, or `signal` aborts.
 *
 * @throws SiderolinkError of the API, also in the middle; `unavailable` if it breaks off
 */
export async function* republishRecords(
  target: Target,
  wanted: RepublishRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<RepublishProgress> {
  const call = { method: 'POST', path: '/v1/republish', body: wanted, signal, idleTimeoutMs: IDLE_MS } as const;
  for await (const text of readLines(await send(target, call))) {
    const line = JSON.parse(text) as RepublishProgress | RepublishEnd;
    if ('error' in line) throw new SiderolinkError(codeOf(line.error.code), line.error.detail);
    const { published, duplicates, through, problem } = line;
    yield { published, duplicates, through, problem };
    if ('done' in line) return;
  }
  throw new SiderolinkError('unavailable', 'the answer broke off before its end');
}

function codeOf(code: string): ErrorCode {
  return code in ERRORS ? (code as ErrorCode) : 'internal';
}
