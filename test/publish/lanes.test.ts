import fc from 'fast-check';
import { expect, it } from 'vitest';
import { laneOf } from '../../src/domain/lane.ts';
import { BACKLOG_DEFAULTS } from '../../src/publish/backlog.ts';
import { REFUSALS } from '../../src/publish/wire.ts';
import { uuidOf } from '../stream/harness.ts';
import { LanesModel } from './lanes-model.ts';

const SMALL = { pageRecords: 8, pageText: 2000, maxRecords: 16, maxBytes: 20_000, laneRecords: 4, laneBytes: 4000 };

/** Machines of which two share a lane. */
const MACHINES = (() => {
  const lanes = new Map<number, number>();
  for (let machine = 1; ; machine++) {
    const lane = laneOf(uuidOf(machine));
    const other = lanes.get(lane);
    if (other !== undefined) return [other, machine, ...[1, 2, 3, 4].filter((m) => m !== other)];
    lanes.set(lane, machine);
  }
})();

it('loses nothing, repeats only what it must and keeps the order of each machine, whatever the broker does', () => {
  const outcome = fc.constantFrom('store', 'store', 'store', 'store silently', 'lose', ...REFUSALS);
  const step = fc.oneof(
    fc.record({
      do: fc.constant('append' as const),
      machine: fc.constantFrom(...MACHINES),
      count: fc.integer({ min: 1, max: 12 }),
      text: fc.constantFrom(10, 10, 3000),
    }),
    fc.record({ do: fc.constant('take' as const), index: fc.nat(300), outcome }),
    fc.record({ do: fc.constant('take' as const), index: fc.nat(300), outcome }),
    fc.record({ do: fc.constant('turn' as const), times: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ do: fc.constantFrom('connect' as const, 'connect' as const, 'disconnect' as const) }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(60, 150, 1500, 6000) }),
    fc.record({ do: fc.constant('restart' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const model = new LanesModel(SMALL);
      for (const one of steps) {
        switch (one.do) {
          case 'append':
            model.append(one.machine, one.count, one.text);
            break;
          case 'take':
            model.broker.take(one.index, model.outbox, one.outcome);
            break;
          case 'turn':
            model.turn(one.times);
            break;
          case 'connect':
            model.connect();
            break;
          case 'disconnect':
            model.disconnect();
            break;
          case 'advance':
            model.clock.advance(one.ms);
            break;
          case 'restart':
            model.restart();
            break;
        }
        model.check();
      }
      model.connect();
      model.settle();
      model.verify();
      model.check();
    }),
    { numRuns: 400 },
  );
});

it('lets the others go on while one lane is stuck, and gives it everything later, in order', () => {
  const model = new LanesModel(SMALL);
  const [stuck = 0, mate = 0, other = 0] = MACHINES;
  model.connect();
  for (let round = 0; round < 50; round++) {
    model.append(stuck, 5);
    model.append(mate, 1);
    model.append(other, 2);
  }
  const lane = laneOf(uuidOf(stuck));
  for (let round = 0; round < 1000; round++) {
    model.turn();
    const index = model.broker.lanesFlying.findIndex((flying) => flying !== lane);
    if (index !== -1) model.broker.take(index, model.outbox, 'store');
  }
  // All 100 of the other one are through, and the stuck lane holds little of its 300 in memory.
  expect(model.broker.stored).toHaveLength(100);
  expect(model.backlog.position).toBe(model.source.head);
  expect(model.backlog.lanesBehind).toBe(1);
  expect(model.backlog.remaining).toBe(299);
  expect(model.backlog.waiting.records).toBeLessThanOrEqual(SMALL.laneRecords);
  model.settle();
  model.verify();
  expect(model.backlog.lanesBehind).toBe(0);
});

it('sends nothing again of lanes that were ahead of the slowest when we died', () => {
  const model = new LanesModel(BACKLOG_DEFAULTS);
  const [one = 0, , two = 0] = MACHINES;
  model.append(one, 1);
  model.append(two, 20);
  model.connect();
  model.turn(10);
  // The first message stays on its way; the other lane goes on.
  for (let round = 0; round < 20; round++) {
    model.broker.take(1, model.outbox, 'store');
    model.turn(10);
  }
  expect(model.broker.stored).toHaveLength(20);
  model.clock.advance(200);
  model.restart();
  model.broker.dropFlying();
  model.connect();
  model.settle();
  expect(model.broker.stored.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
});

it('does not look back for lanes that had nothing to send', () => {
  const model = new LanesModel(BACKLOG_DEFAULTS);
  model.connect();
  model.append(MACHINES[0] ?? 0, 30);
  model.settle();
  model.clock.advance(1000);
  expect(model.cursors.size).toBe(256);
  expect(new Set(model.cursors.values())).toEqual(new Set([30]));
});

it('reads each record once or twice, also where all have much', () => {
  const model = new LanesModel({ ...BACKLOG_DEFAULTS, maxRecords: 4096, laneRecords: 128 });
  for (let round = 0; round < 20; round++) for (let machine = 1; machine <= 500; machine++) model.append(machine, 2);
  model.connect();
  model.settle();
  model.verify();
  expect(model.source.rendered).toBeLessThan(2.5 * model.source.head);
});

it('does not count as waiting what was dropped before it was read', () => {
  const model = new LanesModel(SMALL);
  for (let round = 0; round < 20; round++) model.append(MACHINES[0] ?? 0, 1000);
  model.source.dropBefore(19_001);
  expect(model.backlog.remaining).toBe(1000);
  model.connect();
  model.settle();
  expect(model.backlog.remaining).toBe(0);
});

it('goes on behind what retention has dropped meanwhile', () => {
  const model = new LanesModel(SMALL);
  const [one = 0, , two = 0] = MACHINES;
  model.connect();
  for (let round = 0; round < 20; round++) model.append(one, 10);
  model.turn(50);
  model.source.dropBefore(150);
  for (let round = 0; round < 3; round++) model.append(two, 10);
  model.settle();
  model.verify();
});
