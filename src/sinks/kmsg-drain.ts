import type { Clock } from '../lib/clock.ts';
import type { KmsgConnection } from './kmsg-connection.ts';

/** Machines go on sending while we commit; one that sends that often is closed in the middle of it. */
const MAX_ROUNDS = 8;

export interface DrainOptions {
  /** From now until the last connection is closed, whatever it holds; milliseconds. */
  readonly deadlineMs: number;
  /** Resolves when everything that was taken so far is committed. */
  readonly committed: () => Promise<void>;
}

/**
 * Reads connections empty, commits what came of it, and closes those that have sent nothing meanwhile: a machine whose
 * connection closes knows that everything it got rid of before is stored. The others have another round. TCP acknowledges
 * bytes that nobody has read, so a line that comes in the very moment of closing is lost all the same, and becomes a gap.
 */
export async function drainConnections(
  connections: readonly KmsgConnection[],
  { deadlineMs, committed }: DrainOptions,
  clock: Clock,
): Promise<void> {
  const late = new AbortController();
  const cancel = clock.after(deadlineMs, () => late.abort());
  const lateness = new Promise<void>((resolve) => late.signal.addEventListener('abort', () => resolve()));
  let open = connections;
  for (let round = 0; round < MAX_ROUNDS && open.length > 0 && !late.signal.aborted; round++) {
    await Promise.race([Promise.all(open.map((connection) => connection.settle())), lateness]);
    const before = new Map(open.map((connection) => [connection, connection.bytesRead]));
    // One commit for all of them. A log that is gone is told of by the part that lost it; closing goes on.
    await Promise.race([committed().catch(() => {}), lateness]);
    await Promise.race([Promise.all(open.map((connection) => connection.settle())), lateness]);
    const busy = open.filter((connection) => connection.bytesRead !== before.get(connection));
    for (const connection of open) if (connection.bytesRead === before.get(connection)) connection.close();
    open = busy;
  }
  cancel();
  for (const connection of open) connection.close();
  await Promise.all(connections.map((connection) => connection.closed));
}
