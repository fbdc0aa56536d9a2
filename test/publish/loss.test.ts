import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BACKLOG_DEFAULTS } from '../../src/publish/backlog.ts';
import { lastWithin, type Moment, Receipts } from '../../src/publish/receipts.ts';
import { LanesModel } from './lanes-model.ts';

const SMALL = { pageRecords: 8, pageText: 2000, maxRecords: 16, maxBytes: 20_000, laneRecords: 4, laneBytes: 4000 };
const MACHINES = [1, 2, 3, 4, 5];
const NO_CURSORS = new Map<number, number>();
const receiptOf = (sequence: number) => ({ sequence, record: sequence * 2 });

it('sends again, in the order of each machine, what a server acknowledged and lost', () => {
  const outcome = fc.constantFrom('store', 'store', 'store', 'store silently', 'lose', 'timeout' as const);
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), machine: fc.constantFrom(...MACHINES), count: fc.nat(12) }),
    fc.record({ do: fc.constant('take' as const), index: fc.nat(300), outcome }),
    fc.record({ do: fc.constant('take' as const), index: fc.nat(300), outcome }),
    fc.record({ do: fc.constant('turn' as const), times: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ do: fc.constant('connect' as const) }),
    fc.record({ do: fc.constant('disconnect' as const) }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(60, 1500, 6000) }),
    fc.record({ do: fc.constant('crash' as const), lost: fc.nat(20) }),
  );
  let rewinds = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const model = new LanesModel(SMALL);
      model.connect();
      for (const one of steps) {
        if (one.do === 'append') model.append(one.machine, one.count);
        else if (one.do === 'take') model.broker.take(one.index, model.outbox, one.outcome);
        else if (one.do === 'turn') model.turn(one.times);
        else if (one.do === 'connect') model.connect();
        else if (one.do === 'disconnect') model.disconnect();
        else if (one.do === 'advance') model.advance(one.ms);
        else if (one.do === 'crash') {
          model.disconnect();
          model.broker.dropFlying();
          model.broker.lose(one.lost);
        }
      }
      model.connect();
      model.settle();
      model.verify(model.broker.held);
      rewinds += model.rewinds;
    }),
    { numRuns: 400 },
  );
  expect(rewinds).toBeGreaterThan(50);
});

it('learns from sequences that come twice what was lost while the connection stayed', () => {
  const model = new LanesModel(BACKLOG_DEFAULTS);
  model.connect();
  model.append(1, 20);
  model.settle();
  model.broker.lose(5);
  for (const machine of MACHINES) model.append(machine, 10);
  model.settle();
  expect(model.rewinds).toBe(1);
  expect(new Set(model.broker.held).size).toBe(70);
});

it('sends nothing twice while nothing is lost', () => {
  const model = new LanesModel(SMALL);
  for (let round = 0; round < 20; round++) {
    model.connect();
    for (const machine of MACHINES) model.append(machine, 5);
    model.settle();
    model.advance(1000);
    model.disconnect();
  }
  expect(model.rewinds).toBe(0);
  expect(model.broker.stored).toHaveLength(model.source.head);
});

it('sends no more again than it must: from the last moment before the loss', () => {
  const model = new LanesModel(BACKLOG_DEFAULTS);
  model.connect();
  for (let round = 0; round < 10; round++) {
    for (const machine of MACHINES) model.append(machine, 10);
    model.settle();
    model.advance(1000);
  }
  model.broker.lose(60);
  model.disconnect();
  model.connect();
  expect(model.backlog.remaining).toBe(100);
  model.settle();
  model.verify(model.broker.held);
});

it('remembers ten minutes and no more, and what was so when they began', () => {
  const receipts = new Receipts({ windowMs: 600_000, everyMs: 1000 }, { at: 0, cursors: NO_CURSORS });
  for (let at = 0; at <= 3_600_000; at += 250) receipts.note(at, receiptOf(at), () => new Map([[0, at]]));
  expect(receipts.size).toBeLessThanOrEqual(602);
  receipts.judge({ created: 'a', lastSequence: 3_600_000 }, 3_600_000);
  const back = receipts.judge({ created: 'b', lastSequence: 0 }, 3_600_000);
  expect(back?.cursors.get(0)).toBe(3_000_000);
  expect(back?.sequence).toBe(0);
});

it('keeps the last moment however long nothing happens', () => {
  const receipts = new Receipts({ windowMs: 600_000, everyMs: 1000 }, { at: 0, cursors: NO_CURSORS });
  receipts.note(1000, receiptOf(10), () => new Map([[0, 10]]));
  for (let at = 2000; at < 5_000_000; at += 1000) receipts.note(at, receiptOf(10), () => NO_CURSORS);
  expect(receipts.size).toBe(1);
  expect(receipts.judge({ created: 'a', lastSequence: 5 }, 10)?.cursors.get(0)).toBe(10);
});

it('takes a stream that was purged for what it is: the numbers go on', () => {
  const receipts = new Receipts({ windowMs: 600_000, everyMs: 1000 }, { at: 0, cursors: NO_CURSORS });
  receipts.note(1000, receiptOf(10), () => NO_CURSORS);
  expect(receipts.judge({ created: 'a', lastSequence: 10 }, 10)).toBeUndefined();
  // Nor is one that is ahead of what we know, after our own restart or with others in it.
  expect(receipts.judge({ created: 'a', lastSequence: 99 }, 10)).toBeUndefined();
});

it('believes a doubt that came up while the stream was being looked at', () => {
  const receipts = new Receipts({ windowMs: 600_000, everyMs: 1000 }, { at: 0, cursors: NO_CURSORS });
  receipts.doubt(5000);
  expect(receipts.judge({ created: 'a', lastSequence: 5000 }, 0)).toMatchObject({ sequence: 0 });
  expect(receipts.judge({ created: 'a', lastSequence: 5000 }, 0)).toBeUndefined();
});

it('goes back to the newest moment that the stream still holds, and forgets what came after it', () => {
  const moments = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(moments, fc.nat(1500), (steps, held) => {
      const receipts = new Receipts({ windowMs: 600_000, everyMs: 1000 }, { at: 0, cursors: NO_CURSORS });
      const all: Moment[] = [{ at: 0, sequence: 0, record: 0, cursors: NO_CURSORS }];
      let sequence = 0;
      for (const [index, step] of steps.entries()) {
        sequence += step;
        const moment = { at: (index + 1) * 1000, sequence, record: sequence * 2, cursors: new Map([[0, sequence]]) };
        all.push(moment);
        receipts.note(moment.at, moment, () => moment.cursors);
      }
      const back = receipts.judge({ created: 'a', lastSequence: held }, sequence);
      const newest = all.filter((moment) => moment.sequence <= held).at(-1);
      expect(back).toEqual(held >= sequence ? undefined : newest);
      expect(lastWithin(all, held)).toBe(newest === undefined ? -1 : all.indexOf(newest));
      // What it went back to, it holds; so a second look has nothing against it.
      if (back !== undefined)
        expect(receipts.judge({ created: 'a', lastSequence: held }, back.sequence)).toBeUndefined();
    }),
  );
});
