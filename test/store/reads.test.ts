import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { PageReader } from '../../src/store/page-reader.ts';
import type { PageRequest } from '../../src/store/protocol.ts';
import { uuidOf } from '../stream/harness.ts';
import { ANYTHING, NO_GAPS_YET, type PaperRecord, paperStore, readPages, type Shown, START } from './paper-store.ts';

const OPTIONS = { prefix: 'siderolink', pageMs: 10_000, cacheBytes: 1 << 24 };
const MACHINES = 20;
// Some 40 segments of logs; the newest chunks are not packed.
const { db, records } = paperStore({
  chunks: 2000,
  machines: MACHINES,
  segmentRecords: 200,
  text: (seq) =>
    seq % 97 === 0 ? 'Segmentation FAULT' : seq % 89 === 0 ? 'ein Ärger, 300 \u212a' : 'x'.repeat(seq % 40),
});
afterAll(() => db.close());

const seqsOf = (shown: readonly { seq: number }[]) => shown.map(({ seq }) => seq);
const fresh = () => new PageReader(db, OPTIONS);

test('whatever is asked for, backward as forward, is what a plain list has', () => {
  const request = fc.record({
    filters: fc.subarray(
      ['*.*.*.kmsg.error', '*.acme.>', `*.*.${uuidOf(7)}.>`, `*.*.${uuidOf(1)}.kmsg.*`, '*.*.*.event.>', 'other.>'],
      { maxLength: 2 },
    ),
    machine: fc.constantFrom(null, 3, 99),
    fromSeq: fc.integer({ min: 1, max: records.length }),
    length: fc.integer({ min: 0, max: 1500 }),
    sinceChunk: fc.option(fc.nat(2000)),
    untilChunk: fc.option(fc.nat(2000)),
    grep: fc.constantFrom('', 'fault', 'line 1', 'ÄRGER', '300 k', 'nowhere'),
    backward: fc.boolean(),
    maxRecords: fc.constantFrom(3, 50, 1000),
  });
  const reader = fresh();
  const property = fc.property(request, ({ length, sinceChunk, untilChunk, ...rest }) => {
    const wanted = {
      ...rest,
      toSeq: rest.fromSeq + length,
      since: sinceChunk === null ? ANYTHING.since : START + sinceChunk * 1000,
      until: untilChunk === null ? ANYTHING.until : START + untilChunk * 1000,
    };
    const expected = seqsOf(records.filter((record) => passes(record, wanted)));
    const { shown } = readPages(reader, wanted);
    expect(seqsOf(shown)).toEqual(rest.backward ? expected.toReversed() : expected);
  });
  fc.assert(property, { numRuns: 100 });
});

function passes(
  record: PaperRecord,
  wanted: Pick<PageRequest, 'filters' | 'machine' | 'fromSeq' | 'toSeq' | 'since' | 'until' | 'grep'>,
) {
  const { seq, machine, time, series, level, msg } = record;
  const owner = machine === 1 ? 'acme' : '_';
  const subject = [
    'siderolink',
    owner,
    uuidOf(machine),
    ...(series === 'logs' ? ['kmsg', level] : ['event', 'PhaseEvent']),
  ];
  const matches = (filter: string) => {
    const tokens = filter.split('.');
    return tokens.every((token, i) => token === '*' || token === '>' || token === subject[i]);
  };
  return (
    seq >= wanted.fromSeq &&
    seq <= wanted.toSeq &&
    time >= wanted.since &&
    time <= wanted.until &&
    (wanted.machine === null || wanted.machine === machine) &&
    (wanted.filters.length === 0 || wanted.filters.some(matches)) &&
    msg.toLowerCase().includes(wanted.grep.toLowerCase())
  );
}

describe('only blocks that can hold what is asked for are unpacked', () => {
  const all = readPages(fresh(), {}).blocks;

  test.each<[string, Partial<PageRequest>, number]>([
    ['the last lines of a machine', { machine: 5, backward: true, maxRecords: 100, filters: ['*.*.*.kmsg.*'] }, 100],
    [
      'the last of a machine that a filter names',
      { filters: [`*.*.${uuidOf(5)}.kmsg.*`], backward: true, maxRecords: 5 },
      1,
    ],
    ['a time far behind', { since: START + 1_500_000, until: START + 1_502_000 }, 2],
    ['a time, backward', { since: START + 500_000, until: START + 502_000, backward: true }, 2],
    ['a level that none has', { filters: ['*.*.*.kmsg.fatal'] }, 0],
    ['a stream that none has', { filters: ['*.*.*.link.>'] }, 0],
    ['an owner that none has', { filters: ['*.nobody.>'] }, 0],
    ['a machine that none is', { machine: 4711 }, 0],
    ['one seq', { fromSeq: 3001, toSeq: 3001 }, 1],
  ])('%s', (_, wanted, most) => {
    expect(all).toBeGreaterThan(30);
    const page = fresh().page({ ...ANYTHING, ...wanted });
    expect(page.blocks).toBeLessThanOrEqual(most === 100 ? 12 : most);
  });

  test('the last lines of a machine cost the same in a store of one segment and of many', () => {
    const blocks = (toSeq: number) =>
      fresh().page({ ...ANYTHING, machine: 5, backward: true, maxRecords: 5, filters: ['*.*.*.kmsg.*'], toSeq }).blocks;
    expect(blocks(7000)).toBe(blocks(400));
  });
});

describe('what retention dropped', () => {
  const dropped = (rows: readonly (readonly [series: number, through: number, time: number])[], run: () => void) => {
    db.exec('savepoint whole');
    for (const row of rows) db.prepare('insert into dropped values (?, ?, ?, 0, 0)').run(...row);
    try {
      run();
    } finally {
      db.exec('rollback to whole; release whole');
    }
  };
  const at = (seq: number) => records[seq - 1]?.time ?? 0;
  const start = { ...NO_GAPS_YET, isStart: true };
  const gapsOf = (shown: readonly Shown[]) =>
    shown.filter(({ subject }) => subject.includes('.gap.')).map(({ seq, body }) => ({ seq, ...body }));

  test('is told first, with the seq of the start, once in all pages, and to those it concerns', () => {
    dropped([[0, 1000, at(1000)]], () => {
      const { shown } = readPages(fresh(), { fromSeq: 301, maxRecords: 90, gaps: start });
      expect(shown[0]).toMatchObject({
        seq: 300,
        subject: 'siderolink._._.gap.retention',
        body: { from: 301, to: 1000, reason: 'retention', series: 'logs' },
      });
      expect(gapsOf(shown)).toHaveLength(1);
      const rest = records.filter(({ seq, series }) => seq > 300 && (series === 'others' || seq > 1000));
      expect(seqsOf(shown.slice(1))).toEqual(seqsOf(rest));
      for (const [filters, count] of [
        [['*.*.*.event.>'], 0],
        [['*.*.*.kmsg.error'], 1],
      ] as const) {
        expect(gapsOf(readPages(fresh(), { fromSeq: 301, filters, gaps: start }).shown)).toHaveLength(count);
      }
      expect(gapsOf(readPages(fresh(), { fromSeq: 1001, gaps: start }).shown)).toEqual([]);
    });
  });

  test('of both series is told of both, also to who asks for one record at a time', () => {
    dropped(
      [
        [0, 1000, at(1000)],
        [1, 500, at(500)],
      ],
      () => {
        const { shown } = readPages(fresh(), { maxRecords: 1, toSeq: 1100, gaps: start });
        expect(gapsOf(shown).map(({ seq, to, series }) => [seq, to, series])).toEqual([
          [0, 1000, 'logs'],
          [0, 500, 'others'],
        ]);
      },
    );
  });

  test('by time is told to who asks for a time before', () => {
    dropped([[0, 1000, at(1000)]], () => {
      const told = (since: number) =>
        gapsOf(readPages(fresh(), { fromSeq: 1100, toSeq: 1099, gaps: { ...start, since } }).shown);
      expect(told(at(900))).toEqual([{ seq: 1099, from: null, to: 1000, reason: 'retention', series: 'logs' }]);
      expect(told(at(1000) + 1)).toEqual([]);
    });
  });

  test('while someone reads is told between records, with a seq that none of them has', () => {
    const reader = fresh();
    const before = reader.page({ ...ANYTHING, maxRecords: 10, gaps: start });
    dropped([[0, 1000, at(1000)]], () => {
      const { shown } = readPages(reader, { fromSeq: before.through + 1, gaps: { isStart: false, told: before.told } });
      const [gap] = gapsOf(shown);
      expect(gap).toMatchObject({ from: before.through + 1, to: 1000, reason: 'retention' });
      const seqs = seqsOf(shown);
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(gapsOf(shown)).toHaveLength(1);
    });
  });
});
