import { errors } from '@nats-io/transport-node';
import type { Receipt } from './receipts.ts';

/** What is asked of a stream: the `Nats-Msg-Id` of the message at a sequence; undefined if there is none (any more). */
export type IdAt = (sequence: number) => Promise<string | undefined>;

/** So many receipts are looked at at once, spread over all that are in question. */
const MOST_AT_ONCE = 32;

/**
 * How far a stream has what it acknowledged, where it acknowledged it. That its last sequence is high enough does not tell: a
 * server that lost messages may have taken others meanwhile, and servers of a cluster may have become of different minds,
 * which shows when another one leads. All that was acknowledged behind a loss is elsewhere then.
 *
 * @param receipts what was acknowledged, the oldest first
 * @param since where the question begins: what was acknowledged last may be by the very server that has not what was
 * acknowledged before it, so of all from this sequence on some are asked for
 * @param idOf the id of a record's message
 * @returns the highest sequence of a receipt up to which nothing is known to be missing; infinite if nothing is missing
 * @throws what `idAt` throws
 */
export async function provenThrough(
  receipts: readonly Receipt[],
  since: number,
  idOf: (record: number) => string,
  idAt: IdAt,
): Promise<number> {
  const isHeld = async ({ sequence, record }: Receipt): Promise<boolean> => {
    if (sequence === 0 || record === 0) return true;
    const id = await idAt(sequence);
    // One that expired or was purged, which its owner wanted.
    return id === undefined || id === idOf(record);
  };
  const suspects = spread(receipts, since);
  const held = await Promise.all(suspects.map(isHeld));
  const wrong = suspects[held.indexOf(false)];
  if (wrong === undefined) return Number.POSITIVE_INFINITY;
  // Below `low` all is held, `high` is not.
  let low = 0;
  let high = receipts.indexOf(wrong);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const receipt = receipts[middle];
    if (receipt === undefined || (await isHeld(receipt))) low = middle + 1;
    else high = middle;
  }
  return receipts[low - 1]?.sequence ?? 0;
}

/** The newest, and of those from `since` on as many as may be asked for, the oldest first. */
function spread(receipts: readonly Receipt[], since: number): readonly Receipt[] {
  const found = receipts.findIndex(({ sequence }) => sequence >= since);
  const all = receipts.slice(found === -1 ? -1 : found);
  const count = Math.min(MOST_AT_ONCE, all.length);
  const chosen = Array.from({ length: count }, (_, index) => all.length - 1 - Math.floor((index * all.length) / count));
  return chosen.reverse().flatMap((index) => all[index] ?? []);
}

/** Whether a question failed because we may not ask it. */
export function isForbidden(error: unknown): boolean {
  return causesOf(error).some((cause) => cause instanceof errors.PermissionViolationError);
}

/** The same, or nobody hears it: an account may import no more of the API than it needs. */
export function isDenied(error: unknown): boolean {
  const isUnheard = (cause: unknown): boolean =>
    cause instanceof errors.NoRespondersError || (cause instanceof Error && cause.name === 'JetStreamNotEnabled');
  return isForbidden(error) || causesOf(error).some(isUnheard);
}

function causesOf(error: unknown): readonly unknown[] {
  return error instanceof Error ? [error, error.cause] : [error];
}
