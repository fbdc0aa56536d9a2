/** A publisher over a store, to be killed. Arguments: the store's path, the server. Each line on stdin is so many records. */
import { createInterface } from 'node:readline';
import pino from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import { publishMetrics } from '../../src/publish/metrics.ts';
import { Publisher } from '../../src/publish/publisher.ts';
import { openRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { linesOf, putTags, sourceOf, tagsOf } from '../stream/harness.ts';
import { ANYBODY, STREAM } from './world.ts';

const [, , path = '', server = ''] = process.argv;
const MACHINES = Array.from({ length: 20 }, (_, index) => index + 1);
const base = { clock: systemClock, logger: pino({ level: 'silent' }), health: new Health(() => Date.now()) };
const log = await openRecordLog({ path, prefix: 'siderolink' }, { ...base, metrics: createRegistry() });
for (const machine of MACHINES) await putTags(log, tagsOf(machine));
const sources = MACHINES.map((machine) => sourceOf(machine));
const publisher = new Publisher(
  {
    ...{ database: path, prefix: 'siderolink', idPrefix: '0123abcd', stream: STREAM, createStream: true },
    ...{ maxAgeMs: 3_600_000, access: { ...ANYBODY, servers: [server] } },
    // So that cursors are stored often, and kills come between.
    keeper: { storeMs: 10 },
  },
  { ...base, log, metrics: publishMetrics(createRegistry()) },
);
await publisher.start();
for await (const line of createInterface({ input: process.stdin })) {
  for (let i = 0; i < Number(line); i++) {
    const source = sources[i % sources.length];
    if (source !== undefined) log.appendLog(source, linesOf([`line ${log.head} ${i}`]));
  }
  await log.flush();
  process.stdout.write(`${log.head}\n`);
}
