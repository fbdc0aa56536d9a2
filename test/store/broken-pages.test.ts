import { closeSync, copyFileSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { eventOf, linesOf, openLog, putTags, readAll, sourceOf, tagsOf, temporaryStore } from '../stream/harness.ts';

const MACHINES = 300;
const MEND = 'check the disk, and restore a backup (docs/how-to/back-up-and-restore.md)';
const original = temporaryStore();
const store = temporaryStore();
const copy = store.path;
const pages = new Map<string, number>();
let pageBytes = 0;
let records = 0;
let log: StoredRecordLog | undefined;

/** A store with packed and unpacked records of both series, in which all that is looked at has more than one page. */
beforeAll(async () => {
  const options = { path: original.path, retentionMs: 1e9 };
  const { log: first } = await openLog({ ...options, segmentRecords: MACHINES });
  const commits = Array.from({ length: MACHINES }, (_, i) => i + 1).map(async (id) => {
    await putTags(first, tagsOf(id, 'acme'));
    const doc = JSON.stringify({ hostname: 'x'.repeat(200) });
    const ops = [
      { op: 'putMachine', id, uuid: `uuid ${id}`, address: `address ${id}`, doc },
      { op: 'putBoot', machine: id, boot: 1, publicKey: `key ${id}`, doc },
      { op: 'putStatus', machine: id, doc },
    ] as unknown as Parameters<StoredRecordLog['commit']>[0]['ops'];
    await first.commit({ ops, records: [eventOf(id, 'x', 'e')] });
  });
  await Promise.all(commits);
  await write(first, 2);
  await first.commit({ ops: [{ op: 'deleteRecords', machine: 1, what: 'logs' }], records: [] });
  await first.packed();
  await first.close(5000);
  const { log: second } = await openLog({ ...options, segmentRecords: 1e6 });
  await write(second, 8);
  for (let n = 0; n < 20; n++) {
    await Promise.all(
      [1, 2, 3, 4].map((id) => second.commit({ ops: [], records: [eventOf(id, 'x', 'e'.repeat(4000))] })),
    );
  }
  records = (await readAll(second)).length;
  await second.close(5000);
  const db = new Database(original.path);
  db.pragma('wal_checkpoint(truncate)');
  pageBytes = Number(db.pragma('page_size', { simple: true }));
  const found = db.prepare('select name, pagetype, pageno from dbstat order by pageno').all() as {
    name: string;
    pagetype: string;
    pageno: number;
  }[];
  // The last leaf of a table is the one that is written to; whatever is small is one leaf, and its own root.
  for (const { name, pagetype, pageno } of found) pages.set(`${name} ${pagetype}`, pageno);
  db.close();
}, 60_000);
afterEach(async () => {
  await log?.close(200);
  log = undefined;
  for (const suffix of ['', '-wal', '-shm', '-reserve']) rmSync(`${copy}${suffix}`, { force: true });
});
afterAll(() => {
  original.remove();
  store.remove();
});

async function write(to: StoredRecordLog, rounds: number): Promise<void> {
  for (let n = 0; n < rounds; n++) {
    for (let id = 1; id <= MACHINES; id++) {
      to.appendLog(sourceOf(id, 'kmsg', 1, tagsOf(id, 'acme')), linesOf([`line ${n} ${'x'.repeat(300)}`]));
    }
    await to.flush();
  }
}

/** Overwrites a page with what is none. */
function breakPage(page: string): void {
  const number = pages.get(page);
  if (number === undefined) throw new Error(`there is no ${page}: ${[...pages.keys()].join(', ')}`);
  const start = number === 1 ? 100 : 0;
  const file = openSync(copy, 'r+');
  writeSync(file, Buffer.alloc(pageBytes - start, 0xd5), 0, pageBytes - start, (number - 1) * pageBytes + start);
  closeSync(file);
}

async function open(options: Partial<Parameters<typeof openLog>[0]> = {}) {
  const opened = await openLog({ path: copy, retentionMs: 1e9, segmentRecords: 1e6, ...options });
  log = opened.log;
  const condition = (name: string) => opened.health.conditions.find((one) => one.name === name);
  return { ...opened, condition };
}

const cannot = (...verbs: string[]) => ({
  message: expect.stringContaining(
    `the file is damaged where that cannot be passed over, so not everything can be ${verbs.join(', ')}: ${MEND}`,
  ),
});
const event = (to: StoredRecordLog) => to.commit({ ops: [], records: [eventOf(1, 'x', 'later')] });
const DAMAGED = expect.objectContaining({ code: 'storage', message: expect.stringContaining(MEND) });

describe('at the start', () => {
  test.each([
    ...['machine internal', 'machine leaf', 'tags leaf', 'boot leaf', 'status internal', 'token leaf', 'meta leaf'],
    ...['publish_cursor leaf', 'log_state leaf', 'sqlite_schema leaf'],
  ])('a broken page of the registry (%s): nothing is opened, and it is said what to do', async (page) => {
    copyFileSync(original.path, copy);
    breakPage(page);
    await expect(open()).rejects.toEqual(DAMAGED);
  });

  test('a file whose first page is gone: nothing is opened, and it is said what to do', async () => {
    copyFileSync(original.path, copy);
    const file = openSync(copy, 'r+');
    writeSync(file, Buffer.alloc(4096, 1), 0, 4096, 0);
    closeSync(file);
    await expect(open()).rejects.toEqual(DAMAGED);
  });
});

describe.each(['log_chunk internal', 'log_chunk leaf', 'log_chunk_machine internal', 'log_chunk_machine leaf'])(
  'where lines are written to (%s)',
  (page) => {
    test('lines are not stored and wait; events and changes go on, all that can be read is read, and it is said', async () => {
      copyFileSync(original.path, copy);
      breakPage(page);
      const { log: opened, condition, health } = await open();
      for (let id = 1; id <= MACHINES; id++)
        opened.appendLog(sourceOf(id, 'kmsg', 1, tagsOf(id, 'acme')), linesOf(['new']));
      await expect.poll(() => condition('store_damaged')).toMatchObject({ severity: 'error', ...cannot('stored') });
      await event(opened);
      await opened.commit({ ops: [{ op: 'putMeta', key: 'a', value: 'b' }], records: [eventOf(2, 'x', 'later')] });
      const read = await readAll(opened, { gaps: true, after: 0 });
      expect(read.filter(({ json }) => json.includes('later'))).toHaveLength(2);
      expect(read.filter(({ json }) => json.includes('new'))).toEqual([]);
      const whole = read.filter(({ json }) => !json.includes('_._.gap.damaged')).length;
      if (page.startsWith('log_chunk_machine')) expect(whole).toBe(records + 2);
      else expect(read.length).toBeGreaterThan(whole);
      expect(opened.stats().pendingBytes).toBeGreaterThan(0);
      expect(condition('store_damaged')).toMatchObject({ severity: 'error' });
      expect(health.ready).toBe(false);
    });
  },
);

describe.each(['other_chunk internal', 'other_chunk leaf', 'other_chunk_machine leaf'])(
  'where events are written to (%s)',
  (page) => {
    test('events and changes that make a record are refused; lines go on, and it is said', async () => {
      copyFileSync(original.path, copy);
      breakPage(page);
      const { log: opened, condition } = await open();
      await expect(event(opened)).rejects.toEqual(DAMAGED);
      await write(opened, 1);
      const lines = await opened.read({ filters: ['*.*.*.kmsg.>'], tail: true, limit: MACHINES });
      expect(lines.records.every(({ json }) => json.includes('line 0'))).toBe(true);
      expect(condition('store_damaged')).toMatchObject({ severity: 'error', ...cannot('stored') });
    });
  },
);

test.each(['sqlite_autoindex_machine_1 leaf', 'sqlite_autoindex_machine_2 leaf'])(
  'an index of the machines (%s): what writes to it is refused and told from then on; all else goes on',
  async (page) => {
    copyFileSync(original.path, copy);
    breakPage(page);
    const { log: opened, condition } = await open();
    await event(opened);
    expect(condition('store_damaged')).toMatchObject({ severity: 'ok' });
    const machine = { op: 'putMachine', id: 5000, uuid: 'another', address: 'another', doc: '{}' } as never;
    await expect(opened.commit({ ops: [machine], records: [] })).rejects.toEqual(DAMAGED);
    await event(opened);
    await write(opened, 1);
    expect(condition('store_damaged')).toMatchObject({ severity: 'error', ...cannot('stored') });
  },
);

test.each(['block leaf', 'extent internal', 'extent_machine leaf', 'segment leaf', 'segment_seq leaf'])(
  'what is packed (%s): nothing is packed any more, and it is said; what comes is stored and read',
  async (page) => {
    copyFileSync(original.path, copy);
    breakPage(page);
    const { log: opened, condition } = await open({ segmentRecords: 500 });
    await expect.poll(() => condition('store_damaged')).toMatchObject({ severity: 'warning', ...cannot('packed') });
    expect(condition('store_packing')).toMatchObject({ severity: 'warning', message: expect.stringContaining(MEND) });
    await write(opened, 1);
    await event(opened);
    const read = await readAll(opened, { gaps: true, after: 0 });
    const isGap = ({ json }: { json: string }) => json.includes('_._.gap.damaged');
    const whole = read.filter((record) => !isGap(record));
    // Without the indexes the segments themselves are looked at.
    if (/extent_machine|segment_seq/.test(page)) expect(whole).toHaveLength(records + MACHINES + 1);
    else expect(read.some(isGap)).toBe(true);
    expect(whole.length).toBeGreaterThan(8 * MACHINES);
  },
);

test.each(['dropped leaf', 'lost leaf', 'sqlite_autoindex_deletion_1 leaf', 'log_state leaf'])(
  'what readers look at first (%s), while the daemon runs: reads fail with what to do; what comes is stored',
  async (page) => {
    copyFileSync(original.path, copy);
    if (page !== 'log_state leaf') breakPage(page);
    const { log: opened, condition } = await open();
    if (page === 'log_state leaf') breakPage(page);
    await expect(opened.read({ filters: [], limit: 1 })).rejects.toEqual(DAMAGED);
    await write(opened, 1);
    expect(condition('store_damaged')).toMatchObject({ severity: 'warning', message: expect.stringContaining(MEND) });
  },
);

test.each(['machine leaf', 'status leaf', 'block leaf', 'log_chunk leaf'])(
  'a page that breaks while the daemon runs (%s) is found by the next backup, which is refused',
  async (page) => {
    copyFileSync(original.path, copy);
    const { log: opened, condition } = await open();
    breakPage(page);
    const target = `${copy}-copy`;
    await expect(opened.backup({ target, identity: new Map() }, new AbortController().signal)).rejects.toEqual(DAMAGED);
    expect(existsSync(target)).toBe(false);
    expect(condition('store_damaged')).toMatchObject({
      severity: 'warning',
      message: expect.stringMatching(/not everything can be (packed, )?backed up: check the disk/),
    });
    await event(opened);
    await write(opened, 1);
  },
);
