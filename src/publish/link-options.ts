import type { NatsAccess } from './credentials.ts';
import type { StreamWish } from './stream-config.ts';

export interface NatsLinkOptions {
  readonly access: NatsAccess;
  readonly stream: StreamWish;
  /** What `Nats-Msg-Id` begins with. */
  readonly idPrefix: string;
  /** Whether to make the stream where it is missing. */
  readonly createStream: boolean;
  /** Between tries to connect, doubled with every failure, up to `dialMaxMs`. */
  readonly dialMs: number;
  readonly dialMaxMs: number;
  /** How long one try may take. */
  readonly dialTimeoutMs: number;
  /** Between looks at a stream that is not as it must be, and between those that refused messages ask for. */
  readonly streamMs: number;
  /** Between looks at a stream that nothing is known against. */
  readonly lookMs: number;
  /** A server on which the stream cannot be looked at, and stores nothing, for so long is left for another one. */
  readonly unseenMs: number;
  /** A server that answers no ping for two of these is taken for gone. */
  readonly pingMs: number;
}

export const LINK_DEFAULTS = {
  dialMs: 250,
  dialMaxMs: 10_000,
  dialTimeoutMs: 10_000,
  streamMs: 5000,
  lookMs: 30_000,
  unseenMs: 30_000,
  pingMs: 10_000,
} as const;
