import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GAP_AGE, type GapReport } from '../../src/domain/gap.ts';
import type { RegistryOp } from '../../src/domain/registry.ts';
import { BootLog, FRESH, REPLAY, REUSED } from '../../src/fleet/boot-log.ts';
import { ManualClock, newKey } from '../sinks/fakes.ts';

const publicKey = newKey();

/** A boot over a row that takes patches as the store does, with crashes: what was not stored is forgotten. */
class StoredBoot {
  readonly clock = new ManualClock();
  readonly #maxHoles: number;
  #row: Record<string, unknown> = { started_at: 0, seen: [], seq: null, clock: null };
  /** Accepted lines whose commit is to come. */
  #pending: number[] = [];
  log: BootLog;
  /** Seqs of stored lines, as often as they are stored. */
  readonly stored: number[] = [];
  readonly told: GapReport[] = [];

  constructor(maxHoles = 64) {
    this.#maxHoles = maxHoles;
    this.log = this.#open(false);
  }

  #open(restored: boolean): BootLog {
    const doc = structuredClone(this.#row) as never;
    const deps = { clock: this.clock, onGap: () => {} };
    return new BootLog({ machine: 1, number: 1, publicKey, doc, restored }, deps, { maxHoles: this.#maxHoles });
  }

  accept(seq: number): void {
    if (this.log.accept(seq, seq) === FRESH) this.#pending.push(seq);
  }

  /** The lines go into a commit; what the row says of them is fixed here, and stored when the returned function is called. */
  cut(): () => void {
    const op = this.log.checkpoint();
    const lines = this.#pending.splice(0);
    return () => {
      this.#patch(op);
      this.stored.push(...lines);
    };
  }

  /** The gap records go into a commit, likewise. */
  tell(): { readonly commit: () => void; readonly fail: () => void } | undefined {
    const reports = this.log.takeGaps();
    if (reports.length === 0) return undefined;
    const op = this.log.gapsOp();
    return {
      commit: () => {
        this.#patch(op);
        this.told.push(...reports);
        this.log.gapsTold();
      },
      fail: () => this.log.giveBackGaps(),
    };
  }

  crash(): void {
    this.#pending = [];
    this.log = this.#open(true);
  }

  #patch(op: RegistryOp | undefined): void {
    if (op?.op !== 'patchBoot') throw new Error('no patch');
    for (const [name, value] of Object.entries(JSON.parse(op.patch))) {
      if (value === null) delete this.#row[name];
      else this.#row[name] = value;
    }
  }

  /** Stores what waits and tells what is due. */
  settle(): void {
    this.cut()();
    this.clock.advance(GAP_AGE);
    this.tell()?.commit();
  }

  /** How often each seq was told missing, less how often it was told filled. */
  net(): Map<number, number> {
    const net = new Map<number, number>();
    const add = (seq: number, by: number) => net.set(seq, (net.get(seq) ?? 0) + by);
    for (const { from, to, reason } of this.told) {
      for (let seq = from; seq <= to; seq += 1) add(seq, reason === 'filled' ? -1 : 1);
    }
    return net;
  }
}

describe('BootLog', () => {
  it('keeps a line under a used seq once, however often the ring is read again', () => {
    const { log } = new StoredBoot();
    for (const seq of [0, 1, 2]) log.accept(seq, seq);
    expect(log.accept(1, 99)).toBe(REUSED);
    for (let replay = 0; replay < 3; replay += 1) {
      for (const seq of [0, 1, 2]) expect(log.accept(seq, seq)).toBe(REPLAY);
      expect(log.accept(1, 99)).toBe(REPLAY);
    }
    expect(log.accept(1, 98)).toBe(REUSED);
    // Only so many are known again.
    for (let clock = 1_000; clock < 1_256; clock += 1) expect(log.accept(2, clock)).toBe(REUSED);
    expect(log.accept(2, 1_255)).toBe(REPLAY);
    expect(log.accept(1, 99)).toBe(REUSED);
  });

  it('knows its last 1,024 lines by their clocks, however many there were', () => {
    for (const count of [1, 63, 64, 65, 700, 1024, 1025, 3000]) {
      const { log: boot } = new StoredBoot();
      for (let seq = 0; seq < count; seq++) boot.accept(seq, seq * 7);
      const first = Math.max(0, count - 1024);
      for (let seq = 0; seq < count; seq++) expect(boot.accept(seq, seq * 7)).toBe(REPLAY);
      for (const seq of new Set([0, first, first + 1, count - 1])) {
        if (seq < count) expect(boot.accept(seq, seq * 7 + 1)).toBe(seq >= first ? REUSED : REPLAY);
      }
    }
  });

  it('knows lines by their clocks across holes and across lines that were refused', () => {
    const { log: boot } = new StoredBoot();
    for (const seq of [0, 1, 2, 100, 101]) boot.accept(seq, seq * 7);
    for (let seq = 102; seq < 400; seq++) boot.refuse(seq, seq * 7, 'rate');
    for (const seq of [400, 50, 401]) boot.accept(seq, seq * 7);
    for (const seq of [0, 1, 2, 50, 100, 101, 400, 401]) {
      expect(boot.accept(seq, seq * 7)).toBe(REPLAY);
      expect(boot.accept(seq, seq * 7 + 1)).toBe(REUSED);
    }
  });

  it('tells refused lines with their reason, also when nothing comes after them', () => {
    const boot = new StoredBoot();
    for (const seq of [0, 1, 2]) boot.accept(seq);
    for (const seq of [5, 6, 7]) expect(boot.log.refuse(seq, seq * 10, 'rate')).toBe(true);
    expect(boot.log.refuse(1, 1, 'rate')).toBe(false);
    expect(boot.log).toMatchObject({ lastSeq: 7, lastClock: 70, missing: 5, hasGaps: true });
    boot.settle();
    const expected = [
      { from: 3, to: 4, count: 2, reason: 'missing' },
      { from: 5, to: 7, count: 3, reason: 'rate' },
    ];
    expect(boot.told).toEqual(expected);
    // The next line is the next one, and over a restart nothing is told twice.
    boot.accept(8);
    boot.settle();
    boot.crash();
    boot.settle();
    expect(boot.told).toEqual(expected);
    expect(boot.log.lastSeq).toBe(8);
  });

  it('refused lines that no line followed are known over a restart, once they are told', () => {
    const boot = new StoredBoot();
    boot.accept(0);
    boot.cut()();
    boot.log.refuse(1, 1, 'rate');
    boot.clock.advance(GAP_AGE);
    boot.tell()?.commit();
    boot.crash();
    expect(boot.log.lastSeq).toBe(1);
    boot.accept(2);
    boot.settle();
    expect(boot.told).toEqual([{ from: 1, to: 1, count: 1, reason: 'rate' }]);
    // They come after all when the ring is read again.
    boot.accept(1);
    boot.settle();
    expect(boot.stored).toEqual([0, 2, 1]);
    expect(boot.told.at(-1)).toEqual({ from: 1, to: 1, count: 1, reason: 'filled' });
  });

  it('a refused line in a hole leaves the hole as it is', () => {
    const boot = new StoredBoot();
    for (const seq of [0, 9]) boot.accept(seq);
    boot.settle();
    expect(boot.log.refuse(5, 5, 'rate')).toBe(true);
    boot.settle();
    expect(boot.told).toEqual([{ from: 1, to: 8, count: 8, reason: 'missing' }]);
  });

  it('a gap record that the store refused is told after a crash, also if lines were stored meanwhile', () => {
    const boot = new StoredBoot();
    for (const seq of [0, 4]) boot.accept(seq);
    boot.clock.advance(GAP_AGE);
    const telling = boot.tell();
    boot.accept(5);
    boot.cut()();
    telling?.fail();
    boot.crash();
    boot.settle();
    expect(boot.told).toEqual([{ from: 1, to: 3, count: 3, reason: 'missing' }]);
  });

  it('a hole that was given up before it was told is told after a crash', () => {
    const boot = new StoredBoot(2);
    for (const seq of [1, 3, 5]) boot.accept(seq);
    boot.cut()();
    boot.crash();
    boot.settle();
    expect(boot.told[0]).toEqual({ from: 0, to: 0, count: 1, reason: 'missing' });
    expect([...boot.net()]).toEqual([0, 2, 4].map((seq) => [seq, 1]));
  });

  it('what came after it was told missing is told to have come, also if all around it was given up before a crash', () => {
    const boot = new StoredBoot(1);
    for (const seq of [0, 1, 2, 6]) boot.accept(seq);
    boot.settle();
    for (const seq of [4, 8]) boot.accept(seq);
    boot.cut()();
    boot.crash();
    boot.settle();
    expect(boot.told).toEqual([
      { from: 3, to: 5, count: 3, reason: 'missing' },
      { from: 7, to: 7, count: 1, reason: 'missing' },
      { from: 4, to: 4, count: 1, reason: 'filled' },
    ]);
  });

  it('accounts for every line: stored, or told missing once', () => {
    const seq = fc.nat(60);
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('line' as const), seq }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), seq }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(100, 3_000, 6_000) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut', 'stored', 'tell', 'told', 'fail') }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.integer({ min: 1, max: 5 }), (steps, maxHoles) => {
        const boot = new StoredBoot(maxHoles);
        const cuts: (() => void)[] = [];
        let telling: ReturnType<StoredBoot['tell']>;
        for (const now of steps) {
          if ('seq' in now) {
            if (now.do === 'line') boot.accept(now.seq);
            else boot.log.refuse(now.seq, now.seq, 'rate');
          } else if ('ms' in now) boot.clock.advance(now.ms);
          else if (now.do === 'cut') cuts.push(boot.cut());
          else if (now.do === 'stored') cuts.shift()?.();
          else if (now.do === 'tell' && telling === undefined && cuts.length === 0) {
            // Gap records wait until all lines are stored.
            boot.cut()();
            telling = boot.tell();
          } else if (now.do === 'told') {
            telling?.commit();
            telling = undefined;
          } else if (now.do === 'fail') {
            telling?.fail();
            telling = undefined;
          } else if (now.do === 'crash') {
            boot.crash();
            cuts.length = 0;
            telling = undefined;
          }
        }
        for (const store of cuts) store();
        boot.settle();
        telling?.commit();
        boot.settle();
        const stored = new Set(boot.stored);
        expect(boot.stored).toHaveLength(stored.size);
        const net = boot.net();
        for (let n = 0; n <= (boot.log.lastSeq ?? -1); n += 1) {
          expect([n, net.get(n) ?? 0, stored.has(n)]).toEqual([n, stored.has(n) ? 0 : 1, stored.has(n)]);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
