import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { tunnelOptions } from '../../src/daemon/tunnel.ts';
import { type Account, PacketBudget, SLICE_MS } from '../../src/tunnel/packet-budget.ts';

const account = (): Account => ({ slice: 0, spent: 0 });

it('a stream has its share of each slice, and begins anew in the next', () => {
  const budget = new PacketBudget({ each: 300, all: 10_000, assured: 100 });
  const one = account();
  const spend = (now: number) => [1, 2, 3, 4].map(() => budget.spend(one, now));
  expect(spend(5)).toEqual([true, true, false, false]);
  expect(spend(SLICE_MS)).toEqual([true, true, false, false]);
});

it('when all together send too much, only who sends more than is assured waits', () => {
  const budget = new PacketBudget({ each: 1_000, all: 1_000, assured: 200 });
  const [flood, quiet] = [account(), account()];
  for (let i = 0; i < 20; i++) budget.spend(flood, 0);
  expect(budget.spend(quiet, 0)).toBe(true);
  expect(budget.spend(quiet, 0)).toBe(false);
});

it('streams that stop when they are told bring no more than all may, but for what is assured to each', () => {
  const options = fc.record({
    each: fc.integer({ min: 100, max: 5_000 }),
    all: fc.integer({ min: 100, max: 20_000 }),
    assured: fc.integer({ min: 100, max: 500 }),
  });
  fc.assert(
    fc.property(options, fc.array(fc.nat({ max: 9 }), { maxLength: 2_000 }), (limits, senders) => {
      const budget = new PacketBudget(limits);
      const streams = Array.from({ length: 10 }, () => ({ account: account(), mayRead: true, brought: 0 }));
      for (const sender of senders) {
        const stream = streams[sender];
        if (stream?.mayRead !== true) continue;
        stream.brought += 1;
        stream.mayRead = budget.spend(stream.account, 3);
      }
      const inSlice = (perSecond: number) => Math.max(1, Math.floor((perSecond * SLICE_MS) / 1_000));
      const total = streams.reduce((sum, { brought }) => sum + brought, 0);
      expect(total).toBeLessThanOrEqual(inSlice(limits.all) + streams.length * inSlice(limits.assured));
      for (const { brought } of streams) expect(brought).toBeLessThanOrEqual(inSlice(limits.each));
    }),
  );
});

it('however many streams there are, those that stop when told bring twice what all may, and one packet each', () => {
  const count = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(count, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 10 }), (streams, all, assured) => {
      const budget = new PacketBudget({ each: 5_000, all: all * 100, assured: assured * 100 });
      let brought = 0;
      for (let stream = 0; stream < streams; stream += 1) {
        const one = account();
        do brought += 1;
        while (budget.spend(one, 3));
      }
      expect(brought).toBeLessThanOrEqual(2 * all + streams);
    }),
  );
});

it('is as the configuration says, and as before where it says nothing', () => {
  const options = (text: string) => {
    const { packetsPerSecond, packetsPerSecondInAll } = tunnelOptions(parseConfig(text));
    return [packetsPerSecond, packetsPerSecondInAll];
  };
  expect(options('')).toEqual([5_000, 20_000]);
  expect(options('tunnel: { machine_packets_per_second: 300, packets_per_second: 600 }')).toEqual([300, 600]);
});
