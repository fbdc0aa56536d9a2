/** What one machine did since it was made, over all its boots. */
export interface MachineCounters {
  boots: number;
  provisions: number;
  provisionErrors: number;
  links: number;
  kmsgConnections: number;
  kmsgSent: number;
  /** Lines given up after a part of them was written, and lines that the ring lost before they were sent. */
  kmsgLost: number;
  kmsgRetries: number;
  /** Times the ring was read again from its start. */
  kmsgReplays: number;
  eventsSent: number;
  eventErrors: number;
  eventsLost: number;
  /** Connections to the machine's Talos API. */
  apiConnections: number;
  /** MetaWrite calls that were stored, whether or not their answer went out. */
  metaWrites: number;
}

export function newCounters(): MachineCounters {
  return {
    boots: 0,
    provisions: 0,
    provisionErrors: 0,
    links: 0,
    kmsgConnections: 0,
    kmsgSent: 0,
    kmsgLost: 0,
    kmsgRetries: 0,
    kmsgReplays: 0,
    eventsSent: 0,
    eventErrors: 0,
    eventsLost: 0,
    apiConnections: 0,
    metaWrites: 0,
  };
}

/** The sum of many machines' counters. */
export function sumCounters(all: Iterable<MachineCounters>): MachineCounters {
  const sum = newCounters();
  for (const counters of all) {
    for (const key of Object.keys(sum) as (keyof MachineCounters)[]) sum[key] += counters[key];
  }
  return sum;
}
