import { LEAST_MESSAGE_BYTES } from './message.ts';

/** What we need to know of a stream's configuration; a part of what the server tells. */
export interface StreamFacts {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly no_ack?: boolean;
  readonly sealed?: boolean;
  readonly mirror?: unknown;
  /** Longest message in bytes; -1 for none. */
  readonly max_msg_size?: number;
}

export interface StreamWish {
  readonly name: string;
  /** First part of all subjects. */
  readonly prefix: string;
  /** How long messages are kept, in milliseconds. */
  readonly maxAgeMs: number;
}

const NANOS = 1_000_000;
const DUPLICATE_WINDOW_MS = 600_000;

/** The subjects that the stream must take. */
function wantedSubject({ prefix }: StreamWish): string {
  return `${prefix}.>`;
}

/**
 * How a stream of ours is made: it discards its oldest messages, keeps them as long as the store does, and knows the
 * ids of ten minutes. One server keeps it; whoever wants replicas says so to the server.
 */
export function newStream(wish: StreamWish) {
  return {
    name: wish.name,
    subjects: [wantedSubject(wish)],
    description: 'Records of siderolinkd',
    retention: 'limits' as const,
    storage: 'file' as const,
    discard: 'old' as const,
    num_replicas: 1,
    max_age: wish.maxAgeMs * NANOS,
    // The server refuses a window that is longer than messages are kept.
    duplicate_window: Math.min(DUPLICATE_WINDOW_MS, wish.maxAgeMs) * NANOS,
  };
}

/** What must be changed of a stream before it can be published to; undefined if nothing. We change nothing ourselves. */
export function mismatch(wish: StreamWish, facts: StreamFacts): string | undefined {
  const { name } = wish;
  const subject = wantedSubject(wish);
  if (facts.mirror !== undefined) return `the stream ${name} is a mirror: name its origin in publish.nats.stream`;
  if (facts.sealed === true) return `the stream ${name} is sealed and takes nothing: name another one`;
  if (facts.no_ack === true) return `the stream ${name} acknowledges nothing: set its no_ack to false`;
  const { subjects = [], max_msg_size: most = -1 } = facts;
  if (most > 0 && most < LEAST_MESSAGE_BYTES) {
    return `the stream ${name} takes messages of ${most} bytes: set its max_msg_size to ${LEAST_MESSAGE_BYTES} or more`;
  }
  if (!subjects.some((taken) => covers(taken, subject))) {
    return `the stream ${name} takes ${subjects.join(', ') || 'no subjects'}: add ${subject} to its subjects, or change publish.prefix`;
  }
  return undefined;
}

/** Whether everything that matches `narrow`, which ends with `>`, also matches `wide`. */
function covers(wide: string, narrow: string): boolean {
  const wanted = narrow.split('.');
  for (const [index, token] of wide.split('.').entries()) {
    if (token === '>') return true;
    const other = wanted[index];
    if (other === undefined || other === '>') return false;
    if (token !== '*' && token !== other) return false;
  }
  return false;
}
