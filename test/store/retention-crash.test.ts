import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { openLog, readAll, temporaryStore } from '../stream/harness.ts';
import { Killed } from './killed.ts';

const children = new Killed<{ readonly head: number }>('./retention-crash-child.ts');
const store = temporaryStore();
afterEach(() => {
  children.end();
  store.remove();
});

test('kill -9 while the oldest are dropped leaves nothing that is neither to be read nor to be removed', async () => {
  let interrupted = 0;
  for (let kills = 0; kills < 4 || (interrupted === 0 && kills < 20); kills++) {
    const told = await children.run(store.path, 10 + 7 * (kills % 4));
    const left = inspect();
    if (left('select count(*) from dropped_segment') > 0) interrupted++;
    expect(left(`select count(*) from extent where ${NOBODYS} and (series, segment) not in ${DROPPED}`)).toBe(0);
    const { log } = await openLog({ path: store.path, freeBytes: 0 });
    expect(log.head).toBeGreaterThanOrEqual(told.at(-1)?.head ?? Number.POSITIVE_INFINITY);
    await expect.poll(() => inspect()('select count(*) from dropped_segment')).toBe(0);
    await log.packed();
    const records = await readAll(log);
    await log.close(5000);

    const fileHas = inspect();
    expect(fileHas(`select count(*) from extent where ${NOBODYS}`)).toBe(0);
    expect(fileHas('select count(*) from block')).toBe(fileHas('select coalesce(sum(blocks), 0) from segment'));
    expect(fileHas('pragma freelist_count')).toBe(0);
    // All that was dropped is told of, and everything else is there.
    const gaps = records.map(({ json }) => JSON.parse(json)).filter(({ subject }) => subject.endsWith('gap.retention'));
    const dropped = fileHas('select sum(records) from dropped');
    expect(dropped).toBeGreaterThan(0);
    const isLogsGap = ({ body }: { body: { series: string } }) => body.series === 'logs';
    const toldOfLogs = gaps.filter(isLogsGap).reduce((sum, { body }) => sum + body.count, 0);
    expect(toldOfLogs).toBeLessThanOrEqual(fileHas('select records from dropped where series = 0'));
    expect(gaps.findLast(isLogsGap)?.body.to).toBe(fileHas('select through from dropped where series = 0'));
    expect(records.length).toBe(fileHas('select next_seq - 1 from log_state') - dropped);
  }
  expect(interrupted).toBeGreaterThan(0);
}, 240_000);

const NOBODYS = '(series, segment) not in (select series, id from segment)';
/** Those to be removed, and the one that was just being inserted. */
const DROPPED = `(select series, id from dropped_segment union select series, max(segment) from extent group by series)`;

/** Asks the file as it is, for one number. */
function inspect() {
  return (sql: string): number => {
    const db = new Database(store.path, { readonly: true });
    try {
      return db.prepare(sql).pluck().get() as number;
    } finally {
      db.close();
    }
  };
}
