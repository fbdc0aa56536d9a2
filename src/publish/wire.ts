import type { Message } from './message.ts';

/** Why a message was not stored, or is not known to be. All are tried again: they differ in when and in who is told. */
export const REFUSALS = [
  /** No answer in time: it may be stored. */
  'timeout',
  /** The connection ended before the answer: it may be stored. */
  'disconnected',
  /** Nobody takes the subject: the stream is gone, or its leader is being elected. */
  'no_stream',
  /** The stream or the account has no room and does not discard old messages. */
  'full',
  /** JetStream is there and cannot take it now. */
  'unavailable',
  /** Larger than the stream takes. */
  'too_large',
  /** The stream that took the subject is not the expected one. */
  'wrong_stream',
  /** We may not publish to the subject. */
  'permission',
  /** An answer of no known kind. */
  'other',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What became of a message. */
export type Answer =
  /** `sequence`: its number in the stream; of a duplicate, that of what the stream has. */
  | { readonly stored: true; readonly duplicate: boolean; readonly sequence: number }
  | { readonly stored: false; readonly reason: Refusal; readonly message: string };

/** A connection on which messages go out; answers come back by lane and seq, whichever try they are for. */
export interface Wire {
  /** Longest message, headers and payload, in bytes. */
  readonly maxBytes: number;
  send(lane: number, seq: number, message: Message): void;
}
