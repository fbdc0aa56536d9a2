import { isDeepStrictEqual } from 'node:util';
import { DamageError } from '../../../src/domain/damage.ts';
import { EventIds } from '../../../src/domain/event-ids.ts';
import { GAP_AGE, type GapReport, GapTracker } from '../../../src/domain/gap.ts';
import { AHEAD, FILLED, NEXT, type Range, SEEN, SeenRanges } from '../../../src/domain/seen.ts';
import { decodeRuns, encodeRuns } from '../../../src/domain/segment-runs.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';

const STEPS = 150;

/** An input's bytes as steps: what is done, and with what. */
function* stepsOf(input: Buffer): Generator<readonly [number, number]> {
  for (let at = 0; at + 1 < Math.min(input.length, 2 * STEPS); at += 2) yield [input[at] ?? 0, input[at + 1] ?? 0];
}

function steps(dice: Dice): Buffer {
  const make = () =>
    Buffer.of(dice.pick([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7]), dice.chance(0.8) ? dice.int(0, 12) : dice.int(0, 255));
  return Buffer.concat(dice.list(120, make));
}

/** Ranges of what was seen say the same as a set of numbers; what is given up counts as seen. */
export const seenRanges: Target = {
  name: 'seen',
  share: 30,
  words: ['\0\0', '\x01\x05', '\x02\x09', '\x03\x00'],
  outcomes: ['all', 'holes', 'sealed'],
  generate: steps,
  begin: () => (input, dice) => {
    const maxHoles = dice.pick([1, 2, 5, 64]);
    let ranges = new SeenRanges([], maxHoles);
    const seen = new Set<number>();
    let last = -1;
    let isSealed = false;
    for (const [kind, value] of stepsOf(input)) {
      if (kind % 8 === 7) {
        ranges = new SeenRanges(JSON.parse(JSON.stringify(ranges)), maxHoles);
      } else if (kind % 8 === 6) {
        ranges.skip(last + value);
        last = Math.max(last, last + value);
      } else {
        const seq = kind % 8 < 3 ? last + 1 + (kind % 8) * value : Math.max(0, last - value);
        const wanted = seq === last + 1 ? NEXT : seq > last ? AHEAD : seen.has(seq) ? SEEN : FILLED;
        must(ranges.add(seq) === wanted, `add(${seq}) is ${wanted}`);
        seen.add(seq);
        last = Math.max(last, seq);
      }
      // A skip has no place for what it seals: what is a hole no more was given up.
      const open = new Set(
        ranges.holes().flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
      );
      ranges.takeSealed();
      const missing = Array.from({ length: last + 1 }, (_, seq) => seq).filter((seq) => !seen.has(seq));
      const given = missing.filter((seq) => !open.has(seq));
      must(
        [...open].every((seq) => !seen.has(seq) && !ranges.has(seq)),
        'a hole is what was not seen',
      );
      if (given.length > 0) {
        isSealed = true;
        const holes = missing.filter((seq) => seq === 0 || seen.has(seq - 1)).length;
        must(
          holes > maxHoles && given.every((seq) => seq < Math.min(...open)),
          'the lowest is given up, if one must be',
        );
        for (const seq of given) seen.add(seq);
      }
      must(ranges.last === last && ranges.holes().length <= maxHoles, 'it ends where it ends, and is bounded');
    }
    if (isSealed) return 'sealed';
    return ranges.holes().length > 0 ? 'holes' : 'all';
  },
};

/** Whatever comes when: lines told missing, less those told filled, are those that did not come. */
export const gaps: Target = {
  name: 'gaps',
  share: 50,
  words: ['\x01\x05', '\x05\x00', '\x06\x00', '\x07\x00'],
  outcomes: ['none', 'told'],
  generate: steps,
  begin: () => (input, dice) => {
    const ranges = new SeenRanges([], dice.pick([1, 3, 64]));
    const came = new Set<number>();
    let tracker = new GapTracker();
    let now = 0;
    let missing = 0;
    const count = (reports: readonly GapReport[]) => {
      for (const { from, to, count: lines, reason } of reports) {
        must(lines >= 1 && lines <= to - from + 1, 'a report counts no more lines than there are');
        missing += reason === 'filled' ? -lines : lines;
      }
    };
    const tell = () => {
      count(tracker.take(now));
      tracker.told();
    };
    for (const [kind, value] of stepsOf(input)) {
      now += 10 * value;
      if (kind % 8 === 5) tell();
      else if (kind % 8 === 6) {
        tracker.take(now);
        tracker.giveBack();
      } else if (kind % 8 === 7) {
        tell();
        tracker = GapTracker.restore(ranges.holes(), { ...tracker.lostDoc(), ...tracker.toldDoc() }, now);
      } else add(kind % 8 < 3 ? ranges.last + 1 + (kind % 8) * value : Math.max(0, ranges.last - value));
    }
    function add(seq: number): void {
      const before = ranges.last;
      const verdict = ranges.add(seq);
      const sealed: Range | undefined = ranges.takeSealed();
      if (verdict === AHEAD) tracker.opened({ from: before + 1, to: seq - 1 }, now);
      if (verdict === FILLED) tracker.filled(seq, now);
      if (sealed !== undefined) tracker.sealed(sealed);
      if (verdict !== SEEN) came.add(seq);
    }
    for (let left = 3; left > 0; left -= 1) {
      now += GAP_AGE;
      tell();
    }
    must(!tracker.pending, 'everything is told in the end');
    const lines = ranges.last + 1 - came.size;
    must(missing === lines, `${lines} lines did not come, ${missing} are told`);
    return lines === 0 ? 'none' : 'told';
  },
};

/** Runs of a damaged segment: an error or numbers, and nothing that grows. */
export const runs: Target = {
  name: 'runs',
  share: 40,
  words: ['\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f', '\x80\x80\x80\x80\x01', '\0\0\0'],
  outcomes: ['runs', 'truncated'],
  generate: (dice) => {
    let seq = 0;
    const made = dice.list(20, () => {
      const [firstSeq, count] = [seq + dice.few(1_000), 1 + dice.few(70_000)];
      seq = firstSeq + count;
      return { firstSeq, count, time: 0 };
    });
    return Buffer.from(encodeRuns(made, 0, 0));
  },
  begin: () => (input) => {
    try {
      const decoded = decodeRuns(input, 10, 20);
      must(decoded.length <= input.length / 3, 'a run has three numbers');
      const isPlain = decoded.every(
        ({ firstSeq, count, time }) => Number.isSafeInteger(firstSeq + count) && Number.isSafeInteger(time),
      );
      must(!isPlain || isDeepStrictEqual(decodeRuns(encodeRuns(decoded, 10, 20), 10, 20), decoded), 'the same again');
      return 'runs';
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return 'truncated';
    }
  },
};

/** The last ids, as digests: what is known is known, and no more than so many. */
export const eventIds: Target = {
  name: 'event-ids',
  share: 10,
  words: ['\n', '\n\n', 'cnq2hv8c7svc73aqj3g0\n'],
  outcomes: ['known', 'new'],
  generate: (dice) => Buffer.from(dice.list(90, () => dice.text(dice.int(0, 3)).replaceAll('\n', '')).join('\n')),
  begin: () => (input, dice) => {
    const capacity = dice.pick([1, 2, 17, 64]);
    const ids = new EventIds(capacity);
    const model: string[] = [];
    let repeats = 0;
    for (const id of input.toString('utf8').split('\n').slice(0, STEPS)) {
      must(ids.has(id) === model.includes(id), `whether ${JSON.stringify(id)} is known`);
      if (model.includes(id)) {
        repeats += 1;
        continue;
      }
      ids.add(id);
      model.push(id);
      if (model.length > capacity) model.shift();
      must(ids.size === model.length, 'it is bounded');
    }
    return repeats > 0 ? 'known' : 'new';
  },
};
