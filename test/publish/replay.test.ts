import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LANES, laneOf } from '../../src/domain/lane.ts';
import { OUTBOX_DEFAULTS } from '../../src/publish/outbox.ts';
import { Replay, type ReplayCounts } from '../../src/publish/replay.ts';
import type { Wire } from '../../src/publish/wire.ts';
import { ManualClock } from '../sinks/fakes.ts';
import { uuidOf } from '../stream/harness.ts';

const recordOf = (seq: number, machine: number) => {
  const head = `{"seq":${seq},"subject":"p._.${uuidOf(machine)}.kmsg.info","received_at":"2026-01-01T00:00:00.000Z"`;
  return { seq, json: `${head},"boot":1,"body":{"msg":"${seq}"}}` };
};

/** A replay beside a publisher whose lanes are moved by hand. */
class Beside {
  readonly clock = new ManualClock();
  readonly published = new Map<number, number>();
  readonly sent: number[] = [];
  done: ReplayCounts | undefined;
  #deferred: (() => void)[] = [];
  #flying: { lane: number; seq: number }[] = [];
  #sequence = 1000;
  readonly replay = new Replay(
    { ...OUTBOX_DEFAULTS, idPrefix: 'i', stream: 'S', prefix: 'p' },
    {
      ...{ clock: this.clock, random: () => 0.5, refused: () => {} },
      defer: (callback) => void this.#deferred.push(callback),
      done: (counts) => {
        this.done = counts;
      },
      published: (lane) => this.published.get(lane) ?? 0,
    },
  );

  connect(): this {
    this.#flying = [];
    const send = (lane: number, seq: number) => {
      this.sent.push(seq);
      this.#flying.push({ lane, seq });
    };
    this.replay.connect({ maxBytes: 1_000_000, send } satisfies Wire);
    return this;
  }

  publish(machine: number, seq: number): void {
    this.published.set(laneOf(uuidOf(machine)), seq);
  }

  /** Everything that can be sent is, and is acknowledged. */
  settle(): void {
    do {
      for (const deferred of this.#deferred.splice(0)) deferred();
      for (const { lane, seq } of this.#flying.splice(0)) {
        expect(lane).toBeGreaterThanOrEqual(LANES);
        this.replay.answered(lane, seq, { stored: true, duplicate: false, sequence: ++this.#sequence });
      }
    } while (this.#deferred.length > 0);
    this.clock.advance(60);
  }

  /** Sends without an answer. */
  turn(): void {
    for (const deferred of this.#deferred.splice(0)) deferred();
  }

  /** The stream was made anew. */
  startOver(): void {
    this.#sequence = 0;
  }
}

it('leaves to the publisher what that has not published yet, and is done when it has', () => {
  const beside = new Beside().connect();
  beside.publish(1, 2);
  beside.replay.send([recordOf(1, 1), recordOf(2, 1), recordOf(4, 1), recordOf(5, 1)]);
  beside.settle();
  expect(beside.sent).toEqual([1, 2]);
  expect(beside.done).toBeUndefined();
  beside.publish(1, 4);
  beside.settle();
  expect(beside.done).toBeUndefined();
  beside.publish(1, 5);
  beside.settle();
  expect(beside.sent).toEqual([1, 2]);
  expect(beside.done).toEqual({ duplicates: 0, truncated: 0 });
});

it('is never ahead of the publisher, whatever the two of them do, and ends', () => {
  const machines = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 40 });
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(45), fc.boolean()), { maxLength: 20 });
  fc.assert(
    fc.property(machines, steps, (page, moves) => {
      const beside = new Beside().connect();
      beside.replay.send(page.map((machine, index) => recordOf(index + 1, machine)));
      const check = () => {
        for (const seq of beside.sent.splice(0)) {
          const machine = page[seq - 1] ?? 0;
          expect(seq).toBeLessThanOrEqual(beside.published.get(laneOf(uuidOf(machine))) ?? 0);
        }
      };
      for (const [machine, seq, isNew] of moves) {
        beside.publish(machine, Math.max(seq, beside.published.get(laneOf(uuidOf(machine))) ?? 0));
        if (isNew) beside.connect();
        beside.settle();
        check();
      }
      for (const machine of page) beside.publish(machine, page.length);
      beside.settle();
      check();
      expect(beside.done).toEqual({ duplicates: 0, truncated: 0 });
    }),
  );
});

it('sends nothing ahead of a publisher that went back, since the stream lost what both had sent', () => {
  const beside = new Beside().connect();
  beside.publish(1, 9);
  beside.replay.send([recordOf(3, 1), recordOf(7, 1), recordOf(8, 1)]);
  beside.settle();
  expect(beside.sent).toEqual([3, 7, 8]);
  beside.done = undefined;

  beside.replay.send([recordOf(8, 1), recordOf(9, 1)]);
  beside.turn();
  expect(beside.sent).toEqual([3, 7, 8, 8]);
  beside.publish(1, 5);
  beside.replay.rewind(0);
  beside.connect().settle();
  expect(beside.sent).toEqual([3, 7, 8, 8]);
  beside.publish(1, 9);
  beside.settle();
  expect(beside.sent).toEqual([3, 7, 8, 8]);
  expect(beside.done).toEqual({ duplicates: 0, truncated: 0 });
});

it('takes the small sequences of a stream that was made anew for what they are', () => {
  const beside = new Beside().connect();
  beside.publish(1, 100);
  beside.replay.send([recordOf(1, 1)]);
  beside.settle();
  beside.done = undefined;
  beside.startOver();
  beside.replay.rewind(0);
  beside.connect();
  beside.replay.send([recordOf(2, 1), recordOf(3, 1)]);
  beside.settle();
  expect(beside.done).toEqual({ duplicates: 0, truncated: 0 });
});
