/** Appends without end and tells what was acknowledged, until it is killed. Argument: the store's path. */
import { writeSync } from 'node:fs';
import { eventOf, linesOf, openLog, sourceOf } from '../stream/harness.ts';

const path = process.argv[2] ?? '';
const { log } = await openLog({ path, segmentRecords: 300, sliceRows: 5, sliceBytes: 2000 });
const run = `${log.head}`;
const tell = (message: unknown): void => {
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  // The pipe does not block: whoever reads it may come to it late.
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
};
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
