/** Appends without end and tells what was acknowledged, until it is killed. Argument: the store's path. */
import { writeSync } from 'node:fs';
import { eventOf, linesOf, openLog, sourceOf } from '../stream/harness.ts';

const path = process.argv[2] ?? '';
const { log } = await openLog({ path, segmentRecords: 300, sliceRows: 5, sliceBytes: 2000 });
const run = `${log.head}`;
const tell = (message: unknown): void => void writeSync(1, `${JSON.stringify(message)}\n`);
const sources = [1, 2, 3].map((machine) => sourceOf(machine));

for (let n = 0; ; n++) {
  for (const source of sources) log.appendLog(source, linesOf([`${run} line ${n}`, `${run} more ${n}`]));
  const name = `${run} event ${n}`;
  const record = eventOf(4, 'x', name);
  const change = { ops: [{ op: 'putMeta', key: 'last', value: name } as const], records: [record] };
  void log.commit(change).then(([seq]) => tell({ seq, name }));
  if (n % 20 === 0) {
    await log.flush();
    tell({ flushed: n, run });
  }
}
