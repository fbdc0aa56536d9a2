import { describe, expect, it } from 'vitest';
import { Hall } from './token-writer-hall.ts';

/** What was asked of machines, as `machine.boot key`. */
const asked = (hall: Hall) => hall.wrote.map(({ machine, boot, key }) => `${machine}.${boot} ${key}`);

describe('UniqueTokenWriter: turns, links and its end', () => {
  it('writes to so many at once, and to the others in the order in which they came', async () => {
    const hall = new Hall();
    for (let id = 1; id <= 5; id += 1) hall.add(id);
    hall.writer({ maxConcurrent: 2 });
    for (const id of [3, 1, 5, 2, 4]) hall.report(id);
    // Saying it again does not cost one its place.
    hall.report(5);
    await hall.clock.advance(0);
    const waiting = await hall.registry.getSingleMetric('siderolinkd_join_meta_writes_waiting')?.get();
    expect(waiting?.values[0]?.value).toBe(3);
    for (const id of [3, 1, 5, 2, 4]) {
      expect(hall.running.size).toBeLessThanOrEqual(2);
      for (const write of hall.running) if (write.machine === id) write.end('ok');
      await hall.clock.advance(0);
    }
    expect(hall.wrote.map(({ machine }) => machine)).toEqual([3, 1, 5, 2, 4]);
  });

  it('gives the turn of a machine that is removed to the next', async () => {
    const hall = new Hall();
    for (const id of [1, 2, 3]) hall.add(id);
    hall.writer({ maxConcurrent: 1 });
    for (const id of [1, 2, 3]) hall.report(id);
    await hall.clock.advance(0);
    hall.change(2, { state: 'removed' }, 'removed');
    hall.change(1, { state: 'removed' }, 'removed');
    await hall.clock.advance(0);
    expect(asked(hall)).toEqual(['1.1 16', '3.1 16']);
  });

  it('keeps one timer for a machine, however often it reports, and none when it has stopped', async () => {
    const hall = new Hall();
    hall.add(1);
    const writer = hall.writer();
    hall.answer = 'refused';
    hall.report(1);
    await hall.clock.advance(0);
    for (let times = 0; times < 100; times += 1) hall.report(1);
    expect(hall.clock.timers).toBe(1);
    await writer.stop(1_000);
    expect(hall.clock.timers).toBe(0);
  });

  it('waits for a link that is down; a report that has just come is a link too', async () => {
    const before = new Hall();
    before.add(1);
    const hall = new Hall([before.report(1)]);
    hall.add(1);
    hall.link(1, false);
    hall.add(2);
    hall.link(2, false);
    hall.writer();
    hall.answer = 'ok';
    hall.report(2);
    await hall.clock.advance(3_600_000);
    expect(asked(hall)).toEqual(['2.1 16']);
    expect(hall.writes.get(1)).toMatchObject({ state: 'waiting', tries: 0 });
    hall.link(1, true);
    await hall.clock.advance(5_000);
    expect(asked(hall)).toEqual(['2.1 16', '1.1 16']);
  });

  it('does not write to a machine whose link went down while it waited for its turn', async () => {
    const hall = new Hall();
    for (const id of [1, 2]) hall.add(id);
    hall.writer({ maxConcurrent: 1 });
    for (const id of [1, 2]) hall.report(id);
    await hall.clock.advance(80_000);
    hall.link(2, false);
    hall.current.end('ok');
    await hall.clock.advance(10_000);
    expect(asked(hall)).toEqual(['1.1 16']);
    hall.link(2, true);
    await hall.clock.advance(5_000);
    expect(asked(hall)).toEqual(['1.1 16', '2.1 16']);
  });

  it('looks at no links any more when the machine that it waited for is removed', async () => {
    const before = new Hall();
    before.add(1);
    const hall = new Hall([before.report(1)]);
    hall.add(1);
    hall.link(1, false);
    hall.writer();
    expect(hall.clock.timers).toBe(1);
    hall.change(1, { state: 'removed' }, 'removed');
    await hall.clock.advance(5_000);
    expect(hall.clock.timers).toBe(0);
  });

  it('stops: what runs is ended, nothing begins any more', async () => {
    const hall = new Hall();
    for (const id of [1, 2, 3]) hall.add(id);
    const writer = hall.writer({ maxConcurrent: 1 });
    for (const id of [1, 2]) hall.report(id);
    await hall.clock.advance(0);
    const { signal } = hall.current;
    await writer.stop(1_000);
    await writer.stop(1_000);
    expect(signal.aborted).toBe(true);
    hall.report(3);
    hall.boot(1);
    await hall.clock.advance(3_600_000);
    expect(hall.wrote).toHaveLength(1);
  });

  it('does not wait longer than its deadline for what cannot be ended', async () => {
    const hall = new Hall();
    hall.add(1);
    const writer = hall.writer();
    hall.offerGate = new Promise(() => {});
    hall.report(1);
    await hall.clock.advance(0);
    const stopped = writer.stop(1_000);
    await hall.clock.advance(1_000);
    await stopped;
    expect(hall.wrote).toEqual([]);
  });
});
