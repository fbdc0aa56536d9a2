import { describe, expect, it } from 'vitest';
import { GAP_AGE } from '../../src/domain/gap.ts';
import { GapReporter } from '../../src/sinks/gap-reporter.ts';
import { metric, startBoot, type World, world } from './fakes.ts';

function reporterOf(w: World) {
  w.machines.add(1, '127.0.0.5');
  const { boot } = startBoot(w.boots, 1);
  return { boot, reporter: new GapReporter({}, w) };
}

describe('GapReporter', () => {
  it('makes a record of a hole that is five seconds old, together with the row that says so', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    for (const seq of [0, 1, 5]) boot.accept(seq, seq);
    boot.checkpoint();
    reporter.start();
    w.clock.advance(GAP_AGE - 1);
    await reporter.report();
    expect(w.log.changes).toEqual([]);
    w.clock.advance(1_000);
    await w.log.until(() => w.log.changes.length === 1);
    const [change] = w.log.changes;
    expect(change?.records).toEqual([
      {
        machine: 1,
        stream: 'gap',
        boot: 1,
        tags: w.machines.byId(1)?.tags,
        detail: 'kmsg',
        body: '{"from":2,"to":4,"count":3,"reason":"missing"}',
      },
    ]);
    expect(change?.ops).toEqual([{ op: 'patchBoot', machine: 1, boot: 1, patch: '{"reported":[2,4],"told_to":-1}' }]);
    await reporter.stop();
    expect(await metric(w, 'gap_lines_total', { reason: 'missing' })).toBe(3);
  });

  it('closes the hole when its lines come after all', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    boot.accept(2, 2);
    w.clock.advance(GAP_AGE);
    await reporter.report();
    boot.accept(0, 0);
    boot.accept(1, 1);
    await reporter.report();
    expect(w.log.bodies).toEqual([
      { from: 0, to: 1, count: 2, reason: 'missing' },
      { from: 0, to: 1, count: 2, reason: 'filled' },
    ]);
  });

  it('tries again what could not be stored, and says so once a minute', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    boot.accept(1, 1);
    w.clock.advance(GAP_AGE);
    w.log.broken = true;
    await reporter.report();
    await reporter.report();
    expect(w.logged.filter((line) => line.includes('gap records'))).toHaveLength(1);
    w.log.broken = false;
    await reporter.report();
    await reporter.report();
    expect(w.log.bodies).toEqual([{ from: 0, to: 0, count: 1, reason: 'missing' }]);
  });

  it('commits the holes of many machines in parts', async () => {
    const w = world();
    const reporter = new GapReporter({}, w);
    for (let id = 1; id <= 450; id += 1) {
      w.machines.add(id, `127.0.1.${id}`);
      startBoot(w.boots, id).boot.accept(1, 1);
    }
    w.clock.advance(GAP_AGE);
    await reporter.report();
    expect(w.log.changes.map(({ records }) => records.length)).toEqual([200, 200, 50]);
    expect(w.boots.withGaps()).toEqual([]);
  });

  it('stores the lines before the row that says they were seen', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    boot.accept(1, 1);
    boot.checkpoint();
    w.clock.advance(GAP_AGE);
    const flushed = Promise.withResolvers<void>();
    w.log.flushed = flushed.promise;
    const reporting = reporter.report();
    expect(w.log.commits).toBe(0);
    flushed.resolve();
    await reporting;
    expect(w.log.commits).toBe(1);
  });

  it('stops although the store takes no lines', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    boot.accept(1, 1);
    w.log.flushed = new Promise(() => {});
    reporter.start();
    w.clock.advance(GAP_AGE);
    await reporter.stop();
    expect(w.log.commits).toBe(0);
  });

  it('waits for a report under way when it stops', async () => {
    const w = world();
    const { boot, reporter } = reporterOf(w);
    boot.accept(1, 1);
    const gate = Promise.withResolvers<void>();
    w.log.gate = gate.promise;
    reporter.start();
    w.clock.advance(GAP_AGE);
    await w.log.until(() => w.log.commits === 1);
    const stopped = reporter.stop();
    gate.resolve();
    await stopped;
    expect(w.log.changes).toHaveLength(1);
    w.clock.advance(GAP_AGE);
    expect(w.log.changes).toHaveLength(1);
  });
});
