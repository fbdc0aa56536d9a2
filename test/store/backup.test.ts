import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareRestored, readBackup, restoresOf } from '../../src/store/restore.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import {
  eventOf,
  linesOf,
  openLog,
  parse,
  putTags,
  readAll,
  sourceOf,
  tagsOf,
  temporaryStore,
} from '../stream/harness.ts';

const IDENTITY = new Map([
  ['installation-id', ''],
  ['private-key', 'a key'],
]);
const never = new AbortController().signal;

let store: ReturnType<typeof temporaryStore>;
let log: StoredRecordLog;
let target: string;
const small = { segmentRecords: 100 };

beforeEach(async () => {
  store = temporaryStore();
  target = join(dirname(store.path), 'copy');
  ({ log } = await openLog({ path: store.path, ...small }));
  await putTags(log, tagsOf(1));
});
afterEach(async () => {
  await log.close(5000);
  store.remove();
});

/** A store made of the copy, as a new host has it. */
async function restored(copy = target): Promise<{ log: StoredRecordLog; head: number; restores: number }> {
  const path = join(dirname(store.path), 'restored.db');
  copyFileSync(copy, path);
  const facts = prepareRestored(path, Date.now());
  return { ...facts, log: (await openLog({ path, ...small })).log };
}

async function fill(count: number): Promise<void> {
  for (let at = 0; at < count; at += 25) {
    log.appendLog(sourceOf(1), linesOf(Array.from({ length: 25 }, (_, i) => `line ${at + i}`)));
    await log.flush();
  }
}

describe('a backup', () => {
  it('holds packed and unpacked records and what it was given, in one file of known bytes', async () => {
    await fill(250);
    await log.packed();
    await log.commit({ ops: [{ op: 'putToken', id: 't', doc: '{}' }], records: [eventOf(1, 'AddressEvent', 'last')] });
    const { bytes, sha256 } = await log.backup({ target, identity: IDENTITY }, never);
    const content = readFileSync(target);
    expect(content).toHaveLength(bytes);
    expect(createHash('sha256').update(content).digest()).toEqual(sha256);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(target)).filter((name) => name.startsWith('copy'))).toEqual(['copy']);
    expect(readBackup(target)).toEqual(IDENTITY);

    const before = (await readAll(log)).map(({ json }) => json);
    expect(before).toHaveLength(251);
    const copy = await restored();
    const after = (await readAll(copy.log)).map(({ json }) => json);
    expect(after.slice(0, -1)).toEqual(before);
    expect(copy.log.image.tokens).toEqual([{ id: 't', doc: '{}' }]);
    await copy.log.close(5000);
  });

  it('has every record that was acknowledged before, and of the later ones only a beginning', async () => {
    await fill(500);
    const stop = new AbortController();
    const acknowledged: number[] = [];
    const writing = (async () => {
      for (let n = 0; !stop.signal.aborted; n++) {
        acknowledged.push(...(await log.commit({ ops: [], records: [eventOf(1, 'x', `event ${n}`)] })));
        log.appendLog(sourceOf(1), linesOf(Array.from({ length: 40 }, (_, i) => `more ${n}.${i}`)));
      }
    })();
    for (let round = 0; round < 3; round++) {
      while (acknowledged.length < 20 * (round + 1)) await log.commit({ ops: [], records: [] });
      const before = log.head;
      await log.backup({ target, identity: IDENTITY, stepPages: 1 }, never);
      const during = log.head;
      const copy = await restored();
      expect(copy.head).toBeGreaterThanOrEqual(before);
      expect(copy.head).toBeLessThanOrEqual(during);
      const records = await readAll(copy.log);
      expect(records.slice(0, -1).map(({ seq }) => seq)).toEqual(Array.from({ length: copy.head }, (_, i) => i + 1));
      await copy.log.close(5000);
    }
    stop.abort();
    await writing;
  });

  it('makes numbers leap when it is restored, once more each time, and tells of it', async () => {
    await fill(100);
    await log.backup({ target, identity: IDENTITY }, never);
    const first = await restored();
    expect(first).toMatchObject({ head: 100, restores: 1 });
    const [gap] = (await readAll(first.log)).slice(-1);
    expect(JSON.parse(gap?.json ?? '')).toMatchObject({
      seq: 101 + 10 ** 12,
      subject: 'siderolink._._.gap.restore',
      body: { from: 101, to: 100 + 10 ** 12, count: null, reason: 'restore' },
    });
    expect(restoresOf(first.log.image.meta)).toBe(1);
    // What comes now is packed across the leap.
    first.log.appendLog(sourceOf(1), linesOf(Array.from({ length: 150 }, (_, i) => `after ${i}`)));
    await first.log.flush();
    await first.log.packed();
    const messages = (await readAll(first.log, { filters: ['*.*.*.kmsg.>'] })).map((record) => parse(record).msg);
    expect(messages).toHaveLength(250);
    expect(messages.at(-1)).toBe('after 149');
    expect((await readAll(first.log, { after: 101 + 10 ** 12 })).map(({ seq }) => seq - 10 ** 12)).toEqual(
      Array.from({ length: 150 }, (_, i) => i + 102),
    );
    const second = join(dirname(target), 'second');
    await first.log.backup({ target: second, identity: IDENTITY }, never);
    await first.log.close(5000);
    const again = await restored(second);
    expect(again).toMatchObject({ restores: 2, head: 251 + 10 ** 12 });
    expect(again.log.head).toBe(252 + 2 * 10 ** 12);
    await again.log.close(5000);
  });

  it('leaves the key nowhere in the database that is made of it', async () => {
    await fill(100);
    await log.backup({ target, identity: new Map([['private-key', 'THE-KEY-ITSELF']]) }, never);
    expect(readFileSync(target).includes('THE-KEY-ITSELF')).toBe(true);
    const path = join(dirname(target), 'restored.db');
    copyFileSync(target, path);
    prepareRestored(path, 0);
    expect(readFileSync(path).includes('THE-KEY-ITSELF')).toBe(false);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it.each([
    ['no room', { reserveBytes: 2 ** 60 }, 'storage'],
    ['too much written meanwhile', { maxWalBytes: -1 }, 'exhausted'],
    ['no directory', { target: '/nonexistent/copy' }, 'storage'],
  ])('is refused and leaves nothing: %s', async (_, limits, code) => {
    await fill(100);
    await expect(log.backup({ target, identity: IDENTITY, ...limits }, never)).rejects.toMatchObject({ code });
    expect(readdirSync(dirname(target)).filter((name) => name.startsWith('copy'))).toEqual([]);
    await fill(25);
  });

  it('is given up when nobody wants it any more while lines wait for room', async () => {
    const db = new Database(store.path);
    db.exec("create trigger full before insert on log_chunk begin select raise(abort, 'no room'); end");
    log.appendLog(sourceOf(1), linesOf(['waits']));
    const stop = new AbortController();
    const backup = log.backup({ target, identity: IDENTITY }, stop.signal);
    setImmediate(() => stop.abort());
    await expect(backup).rejects.toMatchObject({ code: 'unavailable' });
    expect(existsSync(target)).toBe(false);
    db.exec('drop trigger full');
    db.close();
    await log.flush();
  });

  it('of a store that is dropping its oldest holds them whole or not at all, and what is left of them leaves it', async () => {
    await fill(500);
    await log.packed();
    const ofBlocks = 'create trigger stay before delete on block begin select raise(abort, 1); end';
    new Database(store.path).exec(ofBlocks).close();
    await log.commit({ ops: [{ op: 'dropSegments', series: 'logs', through: 300 }], records: [] });
    await log.backup({ target, identity: IDENTITY }, never);
    const left = (path: string, sql: string) => new Database(path).prepare(sql).pluck().get();
    expect(left(target, 'select count(*) from dropped_segment')).toBe(3);
    new Database(target).exec('drop trigger stay').close();
    const copy = await restored();
    expect((await readAll(copy.log, { filters: ['*.*.*.kmsg.>'] })).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 200 }, (_, i) => 301 + i),
    );
    const path = join(dirname(store.path), 'restored.db');
    await expect.poll(() => left(path, 'select count(*) from dropped_segment')).toBe(0);
    await copy.log.close(5000);
    expect(left(path, 'select count(*) from block')).toBe(left(path, 'select sum(blocks) from segment'));
  });

  it('is given up when nobody wants it any more, and when the log closes', async () => {
    await expect(log.backup({ target, identity: IDENTITY }, AbortSignal.abort())).rejects.toMatchObject({
      code: 'unavailable',
    });
    const copy = log.backup({ target, identity: IDENTITY, stepPages: 0 }, never);
    const refused = expect(copy).rejects.toMatchObject({ code: 'unavailable' });
    await log.flush();
    await log.close(5000);
    await refused;
    expect(readdirSync(dirname(target)).filter((name) => name.startsWith('copy'))).toEqual([]);
    await expect(log.backup({ target, identity: IDENTITY }, never)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a file that is no backup', () => {
  it('is told apart: another database, no database, a damaged one, none', async () => {
    await fill(500);
    await log.backup({ target, identity: IDENTITY }, never);
    const damaged = readFileSync(target);
    damaged.fill(0xa5, 3 * 8192, 6 * 8192);
    const file = (name: string, content: Buffer | string) => {
      const path = join(dirname(target), name);
      writeFileSync(path, content);
      return path;
    };
    for (const path of [
      file('damaged', damaged),
      file('short', readFileSync(target).subarray(0, 20_000)),
      file('text', 'no database at all, only text '.repeat(100)),
      file('empty', ''),
      store.path,
      '/nonexistent',
      '/nonexistent/file',
      dirname(target),
    ]) {
      expect(() => readBackup(path), path).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
  });
});
