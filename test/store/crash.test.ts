import { afterEach, expect, test } from 'vitest';
import type { Page } from '../../src/stream/types.ts';
import { openLog, parse, readAll, temporaryStore } from '../stream/harness.ts';
import { Killed } from './killed.ts';

const children = new Killed<{ seq?: number; name?: string; flushed?: number; run?: string }>('./crash-child.ts');
const store = temporaryStore();
afterEach(() => {
  children.end();
  store.remove();
});

test('kill -9 in the middle of commits loses nothing that was acknowledged and repeats no seq', async () => {
  const acknowledged = new Map<number, string>();
  const lines = new Set<string>();
  for (const count of [40, 333, 650]) {
    for (const { seq, name, flushed, run } of await children.run(store.path, count)) {
      if (seq !== undefined && name !== undefined) acknowledged.set(seq, name);
      for (let n = 0; n <= (flushed ?? -1); n++) lines.add(`${run} line ${n}`).add(`${run} more ${n}`);
    }
    const { log } = await openLog({ path: store.path });
    const records = (await readAll(log)).map(parse);
    // Whatever the crash left half packed: backward and of one machine it is the same list.
    const backward: typeof records = [];
    for (let before: number | undefined = log.head + 1; before !== undefined; ) {
      const page: Page = await log.read({ filters: [], tail: true, limit: 700, before });
      backward.unshift(...page.records.map(parse));
      before = page.before;
    }
    expect(backward).toEqual(records);
    const machines = await Promise.all([1, 2, 3, 4].map((machine) => readAll(log, { machine }, 300)));
    expect(
      machines
        .flat()
        .map(({ seq }) => seq)
        .sort((a, b) => a - b),
    ).toEqual(records.map(({ seq }) => seq));
    await log.close(5000);
    expect(records.map(({ seq }) => seq)).toEqual(records.map((_, i) => i + 1));
    const bySeq = new Map(records.map(({ seq, msg }) => [seq, msg]));
    for (const [seq, name] of acknowledged) expect(bySeq.get(seq)).toBe(name);
    const stored = Map.groupBy(records, ({ msg }) => msg);
    for (const line of lines) expect(stored.get(line)?.length).toBe(3);
    // State and record are one transaction: the newest event is what the registry says.
    const last = records.findLast(({ msg }) => msg.includes('event'));
    expect(log.image.meta.get('last')).toBe(last?.msg);
  }
});
