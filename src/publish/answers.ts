import type { Answer, Refusal } from './wire.ts';

/** Numbers of errors that JetStream answers a message with (its `err_code`). */
const REFUSAL_OF_CODE: ReadonlyMap<number, Refusal> = new Map([
  // Not enough resources, of the server and of the account; the stream could not store it, which its limits are a reason for.
  [10023, 'full'],
  [10047, 'full'],
  [10002, 'full'],
  [10077, 'full'],
  [10054, 'too_large'],
  [10060, 'wrong_stream'],
  [10059, 'no_stream'],
  // No leader, no peers, temporarily unavailable, offline, not enabled.
  [10005, 'unavailable'],
  [10008, 'unavailable'],
  [10009, 'unavailable'],
  [10039, 'unavailable'],
  [10074, 'unavailable'],
  [10076, 'unavailable'],
  [10118, 'unavailable'],
  // An earlier try is under way.
  [10158, 'unavailable'],
]);

const NO_RESPONDERS = 503;

/**
 * What an answer to a message says.
 * @param status of its headers; 0 where it has none
 * @param text its payload
 * @param expected the stream that must have it: whoever else hears the subject may answer too
 */
export function parseAnswer(status: number, text: string, expected: string): Answer {
  if (status === NO_RESPONDERS) return refused('no_stream', 'no stream takes the subject now');
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return refused('other', `an answer that is no JSON, status ${status}`);
  }
  if (!isObject(answer)) return refused('other', 'an answer that is no object');
  const { error, stream, seq, duplicate } = answer as Record<'error' | 'stream' | 'seq' | 'duplicate', unknown>;
  if (error === undefined) {
    if (typeof seq !== 'number') return refused('other', 'an answer without a sequence number');
    if (stream !== expected) return refused('wrong_stream', `it was not ${expected} that answered`);
    // So a 2.9 server answers for a try on which its cluster has not agreed, and which is lost if its leader is.
    if (seq === 0) return refused('unavailable', 'an earlier try is not stored yet');
    return { stored: true, duplicate: duplicate === true, sequence: seq };
  }
  if (!isObject(error)) return refused('other', 'an error that is no object');
  const { err_code: code, code: kind, description } = error as Record<'err_code' | 'code' | 'description', unknown>;
  const message = typeof description === 'string' ? description.slice(0, 200) : 'no description';
  const known = typeof code === 'number' ? REFUSAL_OF_CODE.get(code) : undefined;
  return refused(known ?? (kind === NO_RESPONDERS ? 'unavailable' : 'other'), message);
}

function refused(reason: Refusal, message: string): Answer {
  return { stored: false, reason, message };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
