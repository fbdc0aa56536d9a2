import type { RenderedRecord } from '../stream/types.ts';
import type { BacklogLimits } from './backlog.ts';
import type { CursorKeeperOptions, Cursors } from './cursors.ts';
import type { NatsLinkOptions } from './link-options.ts';
import type { OutboxOptions } from './outbox.ts';
import type { ReplayCounts } from './replay.ts';
import type { Refusal } from './wire.ts';

/** What the publisher's thread is started with. */
export interface EngineOptions {
  /** The database file. */
  readonly database: string;
  /** First part of all subjects. */
  readonly prefix: string;
  /** By lane: what was acknowledged before. */
  readonly cursors: ReadonlyMap<number, number>;
  readonly head: number;
  readonly backlog: BacklogLimits;
  readonly outbox: OutboxOptions;
  readonly keeper: CursorKeeperOptions;
  readonly link: NatsLinkOptions;
  /** How often it reports. */
  readonly reportMs: number;
}

/** Where publishing stands. */
export interface PublishState {
  /** The server we are connected to. */
  readonly server: string | null;
  /** Why there is no connection. */
  readonly problem: string | null;
  /** What is wrong with the stream, or with what we may do. */
  readonly streamProblem: string | null;
  /** `seq` of the newest record that it knows of. */
  readonly head: number;
  /** Records up to there that are not acknowledged. */
  readonly waiting: number;
  /** `received_at` of the oldest of them, in milliseconds since the epoch. */
  readonly oldest: number | null;
  /** Lanes that read again what they had no room for. */
  readonly lanesBehind: number;
  /** Why a message was refused last, while messages are being refused. */
  readonly refusal: string | null;
  /** That the stream lost what it had acknowledged, some minutes long. */
  readonly loss: string | null;
}

/** What happened since the last report. */
export interface PublishCounts {
  readonly published: number;
  readonly duplicates: number;
  readonly truncated: number;
  /** How often the stream had lost what it had acknowledged. */
  readonly losses: number;
  readonly refused: Readonly<Partial<Record<Refusal, number>>>;
  /** Times from sending to acknowledgement in milliseconds; of many only some. */
  readonly answerMs: readonly number[];
}

export type ToEngine =
  | { readonly kind: 'head'; readonly head: number }
  /** What became of the cursors that were last to be stored. */
  | { readonly kind: 'stored'; readonly isStored: boolean }
  /** A page to send once more. One is on its way at a time; `run` tells one request from the next. */
  | { readonly kind: 'replay'; readonly run: number; readonly page: readonly RenderedRecord[] }
  | { readonly kind: 'endReplay'; readonly run: number }
  | { readonly kind: 'stop'; readonly deadlineMs: number };

export type FromEngine =
  /** Tells the next head: one is on its way at a time. */
  | { readonly kind: 'headTaken' }
  | { readonly kind: 'cursors'; readonly cursors: Cursors }
  | { readonly kind: 'report'; readonly state: PublishState; readonly counts: PublishCounts }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly fields: object; readonly message: string }
  | { readonly kind: 'replayed'; readonly run: number; readonly counts: ReplayCounts }
  | { readonly kind: 'stopped' };
