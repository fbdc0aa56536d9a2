/**
 * A publisher in a process with nothing else in it: what the process takes, the publisher takes. The record log stays with
 * the parent, which tells the head and stores cursors. Arguments: the store's path, the server, its port for more than one try.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import pino from 'pino';
import type { RegistryImage } from '../../src/domain/registry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { publishMetrics } from '../../src/publish/metrics.ts';
import type { PublishState } from '../../src/publish/protocol.ts';
import { type PublishedLog, Publisher } from '../../src/publish/publisher.ts';
import type { Change } from '../../src/stream/types.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { ANYBODY, STREAM } from './world.ts';

/** `stored`: whether the last change was. */
export type ToChild = { readonly head: number } | { readonly stored: boolean };
export type FromChild = { readonly change: Change } | { readonly state: PublishState; readonly bytes: number };

const [, , database = '', server = ''] = process.argv;
const REPORT_MS = 250;

const send = (message: FromChild): void => void process.send?.(message);
const image: RegistryImage = {
  ...{ machines: [], tags: [], boots: [], statuses: [], tokens: [] },
  ...{ meta: new Map(), publishCursors: new Map() },
};
let head = 0;
let onCommit = (): void => {};
let onStored = (_isStored: boolean): void => {};
const log: PublishedLog = {
  image,
  get head() {
    return head;
  },
  onCommit(listener) {
    onCommit = listener;
    return () => {};
  },
  // The publisher asks for one at a time.
  commit: (change) =>
    new Promise((resolve, reject) => {
      onStored = (isStored) => (isStored ? resolve([]) : reject(new Error('not stored')));
      send({ change });
    }),
};
process.on('message', (message: ToChild) => {
  if ('stored' in message) return onStored(message.stored);
  head = message.head;
  onCommit();
});

const publisher = new Publisher(
  {
    ...{ database, prefix: 'siderolink', idPrefix: '0123abcd', stream: STREAM, createStream: true },
    ...{ maxAgeMs: 3_600_000, access: { ...ANYBODY, servers: [server] } },
    link: { dialMs: 5, dialMaxMs: 10 },
    // The more is alive, the more garbage lies about before it is collected: with 32 MiB waiting that hides what leaks.
    backlog: { maxRecords: 2000, maxBytes: 2 * 1024 * 1024 },
  },
  {
    ...{ log, clock: systemClock, logger: pino({ level: 'silent' }), health: new Health(() => Date.now()) },
    metrics: publishMetrics(createRegistry()),
  },
);
/** Without the files that are mapped: of Node's own 100 MB more comes in as it is needed, and goes out when others need memory. */
function ownMemory(): number {
  return Number(/^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024;
}

await publisher.start();
process.on('disconnect', () => process.exit());
for (;;) {
  await later(REPORT_MS);
  send({ state: publisher.state, bytes: ownMemory() });
}
