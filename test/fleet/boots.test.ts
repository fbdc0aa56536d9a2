import { describe, expect, it } from 'vitest';
import { GAP_AGE } from '../../src/domain/gap.ts';
import type { RegistryOp } from '../../src/domain/registry.ts';
import { FRESH, REPLAY, REUSED } from '../../src/fleet/boot-log.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { bootRows, ManualClock, newKey, startBoot } from '../sinks/fakes.ts';

const clock = new ManualClock();
const empty = () => new BootTable({}, { image: { boots: [] }, clock });

/** A new table from rows, as after a restart. */
function restart(...ops: (RegistryOp | undefined)[]): BootTable {
  return new BootTable({}, { image: { boots: bootRows(...ops) }, clock });
}

describe('BootLog', () => {
  it('tells fresh lines, replays and lines under a used seq apart', () => {
    const { boot } = empty().begin(1, newKey());
    expect(boot.accept(0, 100)).toBe(FRESH);
    expect(boot.accept(1, 200)).toBe(FRESH);
    expect(boot.accept(0, 100)).toBe(REPLAY);
    expect(boot.accept(1, 201)).toBe(REUSED);
    expect(boot.accept(5, 500)).toBe(FRESH);
    expect(boot.accept(3, 300)).toBe(FRESH);
    expect(boot.accept(3, 300)).toBe(REPLAY);
    expect(boot.accept(3, 301)).toBe(REUSED);
    expect(boot.lastSeq).toBe(5);
    expect(boot.lastClock).toBe(500);
  });

  it('knows the clocks of the last 1,024 lines; an older seen seq is a replay', () => {
    const { boot } = empty().begin(1, newKey());
    for (let seq = 0; seq < 2_000; seq += 1) boot.accept(seq, seq);
    expect(boot.accept(2_000 - 1_024, 1)).toBe(REUSED);
    expect(boot.accept(2_000 - 1_025, 1)).toBe(REPLAY);
  });

  it('takes clocks that 32 bits cannot hold', () => {
    const { boot } = empty().begin(1, newKey());
    const late = 2 ** 40 + 3;
    boot.accept(0, late);
    expect(boot.accept(0, late)).toBe(REPLAY);
    expect(boot.accept(0, late + 1)).toBe(REUSED);
  });

  it('forgets nothing over a restart', () => {
    const { boot, ops } = empty().begin(7, newKey());
    for (const seq of [0, 1, 2, 6, 7]) boot.accept(seq, seq * 10);
    const again = restart(...ops, boot.checkpoint()).current(7);
    expect(again).toMatchObject({ machine: 7, number: 1, publicKey: boot.publicKey, startedAt: boot.startedAt });
    expect(again).toMatchObject({ lastSeq: 7, lastClock: 70, restored: true });
    for (const seq of [0, 1, 2, 6, 7]) expect(again?.accept(seq, seq * 10)).toBe(REPLAY);
    for (const seq of [3, 4, 5, 8]) expect(again?.accept(seq, seq * 10)).toBe(FRESH);
  });

  it('does not store lines as seen that no transaction has taken yet', () => {
    const { boot } = empty().begin(1, newKey());
    boot.accept(0, 0);
    boot.checkpoint();
    boot.accept(1, 10);
    const again = restart(boot.op()).current(1);
    expect(again?.accept(0, 0)).toBe(REPLAY);
    expect(again?.accept(1, 10)).toBe(FRESH);
  });

  it('tells a hole before its first line, and over a restart only once', () => {
    const boots = empty();
    const { boot, ops } = startBoot(boots, 1);
    boot.accept(3, 30);
    const stored = boot.checkpoint();
    expect(boots.withGaps()).toEqual([boot]);
    clock.advance(GAP_AGE);
    expect(boot.takeGaps()).toEqual([{ from: 0, to: 2, count: 3, reason: 'missing' }]);
    const told = boot.gapsOp();
    boot.gapsTold();
    expect(boots.withGaps()).toEqual([]);
    const again = restart(...ops, stored, told);
    clock.advance(GAP_AGE);
    expect(again.withGaps()).toEqual([]);
    again.current(1)?.accept(1, 10);
    clock.advance(GAP_AGE);
    expect(again.current(1)?.takeGaps()).toEqual([{ from: 1, to: 1, count: 1, reason: 'filled' }]);
  });
});

describe('BootTable', () => {
  it('numbers the boots of each machine and knows every key', () => {
    const boots = empty();
    const [a, b, c] = [newKey(), newKey(), newKey()];
    startBoot(boots, 1, a);
    const second = startBoot(boots, 1, b).boot;
    startBoot(boots, 2, c);
    expect(boots.current(1)).toBe(second);
    expect(boots.ofKey(a)).toEqual({ machine: 1, number: 1 });
    expect(boots.ofKey(b)).toEqual({ machine: 1, number: 2 });
    expect(boots.ofKey(c)).toEqual({ machine: 2, number: 1 });
    expect(boots.ofKey(newKey())).toBeUndefined();
    expect(boots.current(3)).toBeUndefined();
  });

  it('has the boot whose key the device has as the current one, until the device has the next', () => {
    const boots = empty();
    const { boot: first } = startBoot(boots, 1);
    const { boot: second } = boots.begin(1, newKey());
    expect(boots.current(1)).toBe(first);
    boots.activate(1);
    boots.activate(1);
    expect(boots.current(1)).toBe(second);
  });

  it('takes back a boot whose commit failed', () => {
    const boots = empty();
    const first = startBoot(boots, 1).boot;
    const key = newKey();
    const second = boots.begin(1, key);
    expect(boots.ofKey(key)).toEqual({ machine: 1, number: 2 });
    second.undo();
    expect(boots.current(1)).toBe(first);
    expect(boots.ofKey(key)).toBeUndefined();
    expect(second.boot.checkpoint()).toBeUndefined();
    expect(startBoot(boots, 1).boot.number).toBe(2);
    const other = boots.begin(2, newKey());
    other.undo();
    expect(boots.current(2)).toBeUndefined();
  });

  it('after a restart goes on with the numbers, and still tells the holes of former boots', () => {
    const before = empty();
    const { boot: first, ops: firstOps } = startBoot(before, 1);
    first.accept(2, 0);
    const { boot: second, ops: secondOps } = startBoot(before, 1);
    second.accept(0, 0);
    const boots = restart(...secondOps, second.checkpoint(), ...firstOps, first.checkpoint());
    expect(boots.current(1)?.number).toBe(2);
    expect(boots.ofKey(first.publicKey)).toEqual({ machine: 1, number: 1 });
    expect(boots.withGaps().map(({ number }) => number)).toEqual([1]);
    expect(startBoot(boots, 1).boot.number).toBe(3);
  });

  it('a key that came to another machine is that one’s, also after a restart', () => {
    const before = empty();
    const key = newKey();
    const first = startBoot(before, 1, key).boot;
    const second = startBoot(before, 1).boot;
    const newcomer = startBoot(before, 2, key).boot;
    expect(before.ofKey(key)).toEqual({ machine: 2, number: 1 });
    const boots = restart(first.op(), second.op(), newcomer.op());
    expect(boots.ofKey(key)).toEqual({ machine: 2, number: 1 });
    expect(boots.current(1)?.publicKey).toBe(second.publicKey);
  });

  it('forgets the oldest of too many boots from which nothing came, with its key', () => {
    const boots = new BootTable({ maxSilent: 2 }, { image: { boots: [] }, clock });
    const keys = Array.from({ length: 6 }, () => newKey());
    const forgotten = keys.flatMap((key) => {
      const { ops } = boots.begin(1, key, true);
      boots.activate(1);
      return ops.filter(({ op }) => op === 'deleteBoot');
    });
    expect(forgotten).toEqual([1, 2, 3].map((boot) => ({ op: 'deleteBoot', machine: 1, boot })));
    expect(keys.map((key) => boots.ofKey(key)?.number)).toEqual([undefined, undefined, undefined, 4, 5, 6]);
    // Numbers are not used again: records of the boot may tell of it.
    expect(boots.begin(1, newKey()).boot.number).toBe(7);
  });

  it('forgets a silent boot only if the commit that says so succeeds', () => {
    const boots = new BootTable({ maxSilent: 1 }, { image: { boots: [] }, clock });
    const [one, two, three] = [newKey(), newKey(), newKey()];
    for (const key of [one, two]) {
      boots.begin(1, key, true);
      boots.activate(1);
    }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const begun = boots.begin(1, three, true);
      expect(begun.ops.map(({ op }) => op)).toEqual(['putBoot', 'patchBoot', 'deleteBoot']);
      expect(boots.ofKey(one)).toBeUndefined();
      begun.undo();
      expect(boots.ofKey(one)).toEqual({ machine: 1, number: 1 });
    }
  });

  it('keeps a silent boot whose last line came late', () => {
    const boots = new BootTable({ maxSilent: 1 }, { image: { boots: [] }, clock });
    const late = startBoot(boots, 1).boot;
    boots.begin(1, newKey(), true);
    boots.activate(1);
    late.accept(0, 0);
    expect(boots.begin(1, newKey(), true).ops.map(({ op }) => op)).toEqual(['putBoot', 'patchBoot']);
    expect(boots.ofKey(late.publicKey)?.number).toBe(1);
  });

  it('a boot that began and never reached the device is silent, whatever the one before it was', () => {
    const boots = new BootTable({ maxSilent: 0 }, { image: { boots: [] }, clock });
    startBoot(boots, 1);
    const lost = boots.begin(1, newKey()).boot;
    const { ops } = boots.begin(1, newKey());
    expect(ops).toContainEqual({ op: 'deleteBoot', machine: 1, boot: lost.number });
    expect(boots.current(1)?.number).toBe(1);
  });

  it('says which row is broken', () => {
    const rows = [{ machine: 3, boot: 4, publicKey: newKey(), doc: '{' }];
    expect(() => new BootTable({}, { image: { boots: rows }, clock })).toThrow(/not JSON/);
  });

  it('tells its gaps without a word of lines: those may be cut into a commit that fails', () => {
    const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
    const { boot } = startBoot(boots, 1);
    boot.accept(2, 2);
    boot.checkpoint();
    const op = boot.gapsOp();
    expect(op).toMatchObject({ op: 'patchBoot', machine: 1, boot: 1 });
    expect(op.op === 'patchBoot' && Object.keys(JSON.parse(op.patch))).toEqual(['reported', 'told_to']);
  });
});
