/** Appends without end; once the oldest go it tells how far it is, until it is killed. Argument: the store's path. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { eventOf, linesOf, openLog, sourceOf } from '../stream/harness.ts';

const path = process.argv[2] ?? '';
const few = { maxAgeMs: Number.POSITIVE_INFINITY, maxBytes: 1_000_000 };
const { log, metrics } = await openLog({
  path,
  retention: { logs: few, others: few },
  ...{ retentionMs: 2, freeBytes: 0, segmentRecords: 120, sliceRows: 2, sliceBytes: 1000, shrinkPages: 1 },
});
const sources = [1, 2, 3, 4, 5, 6].map((machine) => sourceOf(machine));

const hasDropped = async () => /^siderolinkd_store_retention_dropped_total.* [1-9]/m.test(await metrics());

for (let tells = false; ; tells ||= await hasDropped()) {
  for (const source of sources) {
    log.appendLog(source, linesOf(Array.from({ length: 10 }, () => randomBytes(300).toString('base64'))));
  }
  await log.commit({ ops: [], records: Array.from({ length: 20 }, (_, i) => eventOf(7, 'x', `${i}`)) });
  await log.flush();
  if (tells) writeSync(1, `${JSON.stringify({ head: log.head })}\n`);
}
