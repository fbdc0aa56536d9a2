import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RegistryOp } from '../../src/domain/registry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { RecordLogOptions } from '../../src/stream/record-log.ts';
import {
  eventOf,
  linesOf,
  type OpenLog,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  tagsOf,
  take,
  temporaryStore,
  uuidOf,
} from './harness.ts';

let store: ReturnType<typeof temporaryStore>;
let opened: OpenLog[];
beforeEach(() => {
  store = temporaryStore();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map(({ log }) => log.close(5000)));
  store.remove();
});

async function open(options: Partial<RecordLogOptions> = {}) {
  const result = await openLog({ path: store.path, ...options });
  opened.push(result);
  return result.log;
}

const machineOp = (id: number, address = `fd00::${id}`): RegistryOp =>
  ({ op: 'putMachine', id, uuid: uuidOf(id), address, doc: `{"n":${id}}` }) as RegistryOp;

describe('changes', () => {
  test('a change and its records are there after a restart, in order', async () => {
    const first = await open();
    const tags = tagsOf(1, 'acme');
    const seqs = await first.commit({
      ops: [
        machineOp(1),
        { op: 'putTags', id: tags.id, server_uuid: uuidOf(1), ownership: { owner: 'acme', cluster: 'c1' } },
        { op: 'putBoot', machine: 1, boot: 1, publicKey: 'K1', doc: '{}' } as RegistryOp,
        { op: 'putStatus', machine: 1, doc: '{"s":1}' },
        { op: 'putToken', id: 't1', doc: '{}' },
        { op: 'putToken', id: 't2', doc: '{}' },
        { op: 'deleteToken', id: 't1' },
        { op: 'putMeta', key: 'k', value: 'v' },
      ],
      records: [eventOf(1, 'AddressEvent', 'one', tags), eventOf(1, 'PhaseEvent', 'two', tags)],
    });
    expect(seqs).toEqual([1, 2]);
    await first.close(5000);

    const second = await open();
    expect(second.head).toBe(2);
    expect(second.image).toEqual({
      machines: [{ id: 1, uuid: uuidOf(1), address: 'fd00::1', doc: '{"n":1}' }],
      tags: [{ id: tags.id, server_uuid: uuidOf(1), ownership: { owner: 'acme', cluster: 'c1' } }],
      boots: [{ machine: 1, boot: 1, publicKey: 'K1', doc: '{}' }],
      statuses: [{ machine: 1, doc: '{"s":1}' }],
      tokens: [{ id: 't2', doc: '{}' }],
      meta: new Map([['k', 'v']]),
      publishCursors: new Map(),
    });
    const [record] = await readAll(second);
    expect(JSON.parse(record?.json ?? '')).toEqual({
      seq: 1,
      subject: `siderolink.acme.${uuidOf(1)}.event.AddressEvent`,
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      boot: 1,
      body: { msg: 'one', server_uuid: uuidOf(1), owner: 'acme', cluster: 'c1' },
    });
    expect(await second.commit({ ops: [], records: [eventOf(1, 'x', 'three')] })).toEqual([3]);
  });

  test('a change that contradicts what is stored fails alone', async () => {
    const log = await open();
    const results = await Promise.allSettled([
      log.commit({ ops: [machineOp(1)], records: [eventOf(1, 'x', 'one')] }),
      log.commit({ ops: [machineOp(2), machineOp(3, 'fd00::1')], records: [eventOf(2, 'x', 'never')] }),
      log.commit({ ops: [machineOp(4)], records: [eventOf(4, 'x', 'two')] }),
      log.commit({ ops: [machineOp(1, 'fd00::99')], records: [] }),
    ]);
    expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code))).toEqual([
      [1],
      'conflict',
      [2],
      'conflict',
    ]);
    await log.close(5000);
    const again = await open();
    expect(again.image.machines.map(({ id, address }) => [id, address])).toEqual([
      [1, 'fd00::1'],
      [4, 'fd00::4'],
    ]);
    expect((await readAll(again)).map((record) => parse(record).msg)).toEqual(['one', 'two']);
  });

  test('rows of the start are let go of, what is small of it stays, and nothing that is stored is changed by that', async () => {
    const log = await open();
    const meta: RegistryOp = { op: 'putMeta', key: 'k', value: 'v' };
    const cursors: RegistryOp = { op: 'putPublishCursors', cursors: [[3, 7]] };
    await log.commit({ ops: [machineOp(1), meta, cursors], records: [] });
    await log.close(5000);
    const again = await open();
    again.forgetRows();
    expect(again.image).toMatchObject({ machines: [], tags: [], boots: [], statuses: [], tokens: [] });
    expect([again.image.meta.get('k'), again.image.publishCursors.get(3)]).toEqual(['v', 7]);
    await again.close(5000);
    expect((await open()).image.machines.map(({ id }) => id)).toEqual([1]);
  });

  test('ownership snapshots never change', async () => {
    const log = await open();
    await putTags(log, tagsOf(1, 'acme'));
    await putTags(log, tagsOf(1, 'acme'));
    const other = { ...tagsOf(1, 'acme'), ownership: { owner: 'evil' } };
    await expect(putTags(log, other)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('a body that is not one line is refused', async () => {
    const log = await open();
    const record = { ...eventOf(1, 'x', ''), body: '{"a":\n1}' };
    await expect(log.commit({ ops: [], records: [record] })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('after closing changes are refused and what was accepted is stored', async () => {
    const log = await open();
    log.appendLog(sourceOf(1), linesOf(['a', 'b']));
    const last = log.commit({ ops: [], records: [eventOf(1, 'x', 'c')] });
    const closed = log.close(5000);
    await expect(log.commit({ ops: [], records: [] })).rejects.toMatchObject({ code: 'unavailable' });
    await Promise.all([last, closed]);
    const told = (await readAll(await open())).map((record) => parse(record).msg);
    expect(told.sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('log lines', () => {
  test('the caller may reuse the bytes at once', async () => {
    const log = await open();
    const lines = linesOf(['first', 'second']);
    log.appendLog(sourceOf(1), lines);
    lines.payload.fill(0);
    lines.details.fill(9);
    await log.flush();
    const records = (await readAll(log)).map(parse);
    expect(records.map(({ msg }) => msg)).toEqual(['first', 'second']);
    expect(records.map(({ subject }) => subject.split('.').at(-1))).toEqual(['debug', 'info']);
  });

  test('sources of one machine and stream do not overtake each other', async () => {
    const log = await open();
    const before = sourceOf(1, 'kmsg', 1);
    const after = sourceOf(1, 'kmsg', 2);
    for (const [source, text] of [
      [before, 'a'],
      [after, 'b'],
      [before, 'c'],
      [after, 'd'],
    ] as const) {
      log.appendLog(source, linesOf([text]));
    }
    await log.flush();
    expect((await readAll(log)).map(parse).map(({ msg, boot }) => [msg, boot])).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 1],
      ['d', 2],
    ]);
  });

  test('a checkpoint is stored with exactly the lines that it covers', async () => {
    const log = await open({ commitBytes: 1 });
    let appended = 0;
    const counting = (machine: number) => ({
      ...sourceOf(machine),
      checkpoint: (): RegistryOp => ({ op: 'putMeta', key: `m${machine}`, value: String(appended) }),
    });
    const sources = [counting(1), counting(2)];
    // Many messages, some with a name table of their own, so that a machine has several chunks in a commit.
    for (let i = 0; i < 200; i++) {
      appended++;
      for (const source of sources) log.appendLog(source, linesOf([`${i}`], i % 3 === 0 ? ['x'] : undefined));
      if (i % 10 === 0) await new Promise(setImmediate);
      const db = new Database(store.path, { readonly: true });
      const rows = db.prepare('select (select value from meta where key = ?), (select count(*) from log_chunk)').raw();
      const lines = db.prepare('select coalesce(sum(count), 0) from log_chunk where machine = ?').pluck();
      db.transaction(() => {
        for (const machine of [1, 2]) {
          const [covered] = rows.get(`m${machine}`) as [string | null, number];
          expect(Number(covered ?? 0)).toBe(lines.get(machine));
        }
      })();
      db.close();
    }
    await log.flush();
    expect(log.head).toBe(400);
  });

  test('a machine that is too fast is told to wait, and others are not', async () => {
    const log = await open({ maxMachineBytes: 10_000, maxPendingBytes: 30_000 });
    const big = linesOf(['x'.repeat(20_000)]);
    expect(log.appendLog(sourceOf(1), big)).toBe(false);
    expect(log.appendLog(sourceOf(2), linesOf(['y']))).toBe(true);
    await log.whenWritable(1);
    expect(log.stats().pendingBytes).toBe(0);
    expect(log.appendLog(sourceOf(1), linesOf(['z']))).toBe(true);
    // The whole log is full.
    log.appendLog(sourceOf(1), big);
    log.appendLog(sourceOf(2), big);
    expect(log.appendLog(sourceOf(3), linesOf(['w']))).toBe(false);
    await Promise.all([log.whenWritable(1), log.whenWritable(3), log.whenWritable(4)]);
    await log.flush();
    expect((await readAll(log)).length).toBe(6);
  });

  test('received_at never goes back, whatever the clock does', async () => {
    let now = 1_795_000_000_000;
    const { log } = await openLog({ path: store.path }, { ...systemClock, now: () => now });
    for (const step of [0, 5000, -60_000, 10, -1]) {
      now += step;
      log.appendLog(sourceOf(1), linesOf(['line']));
      await log.commit({ ops: [], records: [eventOf(1, 'x', 'event')] });
    }
    await log.close(5000);
    now -= 1_000_000;
    const second = await openLog({ path: store.path }, { ...systemClock, now: () => now });
    opened.push(second);
    await second.log.commit({ ops: [], records: [eventOf(1, 'x', 'event')] });
    const times = (await readAll(second.log)).map((record) => parse(record).received_at);
    expect(times.length).toBe(11);
    expect(times).toEqual([...times].sort());
  });
});

describe('storage that fails', () => {
  test('changes fail, logs stay queued in order, health tells it, and all goes on by itself', async () => {
    const { log, health } = await openLog({ path: store.path, busyTimeoutMs: 20 });
    opened.push({ log, health });
    const condition = () => health.conditions.find(({ name }) => name === 'store')?.severity;
    await log.commit({ ops: [], records: [eventOf(1, 'x', '0')] });
    // Another process that holds the write lock is a disk that takes nothing.
    const blocker = new Database(store.path);
    blocker.exec('begin immediate');
    log.appendLog(sourceOf(1), linesOf(['1', '2']));
    const failing = [1, 2, 3].map((n) => log.commit({ ops: [], records: [eventOf(1, 'x', `never ${n}`)] }));
    for (const change of failing) await expect(change).rejects.toMatchObject({ code: 'storage' });
    expect(condition()).toBe('error');
    log.appendLog(sourceOf(1), linesOf(['3', '4']));
    await expect(log.commit({ ops: [], records: [] })).rejects.toMatchObject({ code: 'storage' });
    log.appendLog(sourceOf(1), linesOf(['5']));
    blocker.exec('rollback');
    blocker.close();
    await log.flush();
    expect(condition()).toBe('ok');
    expect((await readAll(log)).map((record) => parse(record).msg)).toEqual(['0', '1', '2', '3', '4', '5']);
  });

  test('when two commits under way both fail, their lines and changes keep their order', async () => {
    const { log, health } = await openLog({ path: store.path, busyTimeoutMs: 100, pipelineBytes: 1, commitBytes: 1 });
    opened.push({ log, health });
    const blocker = new Database(store.path);
    blocker.exec('begin immediate');
    const turn = () => new Promise(setImmediate);
    // One under way, then a second one that is refused because of the first, then what waits.
    const changes: Promise<readonly number[]>[] = [];
    for (let n = 1; n <= 6; n++) {
      log.appendLog(sourceOf(1), linesOf([`line ${n}`]));
      changes.push(log.commit({ ops: [], records: [eventOf(1, 'x', `event ${n}`)] }));
      await turn();
      await turn();
    }
    const settled = Promise.allSettled(changes);
    await reached(health, 'store', 'error');
    blocker.exec('rollback');
    blocker.close();
    await log.flush();
    const stored = (await readAll(log)).map(parse);
    const lines = stored.filter(({ msg }) => msg.startsWith('line'));
    expect(lines.map(({ msg }) => msg)).toEqual([1, 2, 3, 4, 5, 6].map((n) => `line ${n}`));
    // Whatever happened to a change, its caller knows it, and those that were stored are in the order of the calls.
    const kept = (await settled).flatMap((result, i) => (result.status === 'fulfilled' ? [`event ${i + 1}`] : []));
    expect(stored.filter(({ msg }) => msg.startsWith('event')).map(({ msg }) => msg)).toEqual(kept);
  });

  test('a file that is no database is refused with a clear error', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(store.path, 'this is not a database, it is a text of some length'.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'storage', message: expect.stringContaining('cannot open') });
  });

  test('a store of a newer version is refused', async () => {
    await (await open()).close(5000);
    const db = new Database(store.path);
    db.pragma('user_version = 99');
    db.close();
    await expect(open()).rejects.toMatchObject({ code: 'configuration' });
  });

  test('a commit without an answer is fatal, and nothing waits for ever', async () => {
    const log = await open();
    const fatal = new Promise<{ code: string }>((resolve) => log.onFatal(resolve));
    const following = take(log.follow({ filters: [] }, new AbortController().signal), 1);
    log.appendLog(sourceOf(1), linesOf(['a']));
    const notAValue = (() => {}) as unknown as string;
    const lost = log.commit({ ops: [{ op: 'putMeta', key: 'k', value: notAValue }], records: [] });
    const flushed = log.flush();
    await expect(lost).rejects.toThrow();
    expect(await fatal).toMatchObject({ code: 'internal' });
    await expect(flushed).rejects.toMatchObject({ code: 'internal' });
    await log.whenWritable(1);
    expect(await following).toEqual([]);
    await expect(log.commit({ ops: [], records: [] })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('reading by time', () => {
  test('since and until are inclusive, in chunks and in segments, forward and from the end', async () => {
    let now = 1_795_000_000_000;
    const clock = { ...systemClock, now: () => now };
    opened.push(await openLog({ path: store.path, segmentRecords: 6 }, clock));
    const { log } = opened[0] as OpenLog;
    const times: number[] = [];
    for (let n = 0; n < 20; n++) {
      now += 1000 * (n % 3);
      log.appendLog(sourceOf(1 + (n % 2)), linesOf([`line ${n}`]));
      await log.flush();
      times.push(now);
    }
    await log.packed();
    const seqsOf = (records: readonly { seq: number }[]) => records.map(({ seq }) => seq);
    for (const since of [undefined, times[0], times[7], (times[7] ?? 0) + 1, times[19], now + 1]) {
      for (const until of [undefined, times[0], times[9], (times[9] ?? 0) - 1, 5]) {
        const within = times.flatMap((time, i) =>
          time >= (since ?? 0) && time <= (until ?? Number.POSITIVE_INFINITY) ? [i + 1] : [],
        );
        const range = { ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
        expect(seqsOf(await readAll(log, range, 4))).toEqual(within);
        const tail = await log.read({ filters: [], ...range, tail: true, limit: 3 });
        expect(seqsOf(tail.records)).toEqual(within.slice(-3));
        expect(seqsOf(await readAll(log, { ...range, machine: 2 }, 4))).toEqual(within.filter((seq) => seq % 2 === 0));
      }
    }
  });
});

/** Resolves when a health condition has this severity. */
function reached(health: OpenLog['health'], name: string, severity: string): Promise<void> {
  return new Promise((resolve) => {
    const check = (condition: { name: string; severity: string }): void => {
      if (condition.name === name && condition.severity === severity) resolve();
    };
    health.onChange(check);
    health.conditions.forEach(check);
  });
}
