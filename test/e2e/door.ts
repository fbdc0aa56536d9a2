import type { Gateway } from './gateway.ts';

// What can be seen of a call that was refused: in the log, in the counters, and that nothing else has changed.

/** The rows that refused a machine, as the log tells it, and why; null: those whom nobody knows. */
export function refusals(gateway: Gateway, uuid: string | null): unknown[] {
  return gateway
    .logged('join refused')
    .filter((line) => line['uuid'] === uuid)
    .map(({ row, reason }) => [row, reason]);
}

/** How many calls were refused for this reason since the daemon's start. */
export async function refused(gateway: Gateway, reason: string): Promise<number> {
  return (await gateway.metrics()).get(`siderolinkd_join_refused_total{reason="${reason}"}`) ?? 0;
}

/** What is on disk and in the device, but for conflict records. */
export async function devices(gateway: Gateway) {
  const { machines } = await gateway.client.status();
  return { machines: machines.total, peers: [...(await gateway.peers()).keys()].sort() };
}

/** What a refusal must not touch: not one record. */
export async function written(gateway: Gateway) {
  const { records } = await gateway.client.status();
  return { head: records.head, ...(await devices(gateway)) };
}
