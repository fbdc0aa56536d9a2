import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countLines, lineOffsets } from '../../src/domain/chunk.ts';
import { DamageError } from '../../src/domain/damage.ts';
import { type PackedChunk, planSegment } from '../../src/domain/segment.ts';
import { decodeRuns, encodeRuns, type Run } from '../../src/domain/segment-runs.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test('runs survive encoding', () => {
  const step = fc.record({
    gap: fc.oneof(fc.nat(300), fc.nat(2 ** 45)),
    count: fc.integer({ min: 1, max: 70_000 }),
    later: fc.oneof(fc.nat(60_000), fc.nat(2 ** 40)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.nat(2 ** 40), (steps, base) => {
      const runs: Run[] = [];
      let seq = base;
      let time = 1_795_000_000_000;
      for (const { gap, count, later } of steps) {
        runs.push({ firstSeq: seq + gap, count, time: time + later });
        seq += gap + count;
        time += later;
      }
      expect(decodeRuns(encodeRuns(runs, base, 1_795_000_000_000), base, 1_795_000_000_000)).toEqual(runs);
    }),
  );
});

test('truncated runs are refused', () => {
  const bytes = encodeRuns([{ firstSeq: 1000, count: 5, time: 9 }], 0, 0);
  expect(() => decodeRuns(bytes.subarray(0, -1), 0, 0)).toThrow(DamageError);
});

describe('a segment', () => {
  const chunkOf = fc.record({
    machine: fc.integer({ min: 1, max: 3 }),
    stream: fc.integer({ min: 0, max: 1 }),
    boot: fc.integer({ min: 1, max: 2 }),
    tags: fc.integer({ min: 1, max: 2 }),
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
    lines: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { minLength: 1, maxLength: 8 }),
  });

  test('holds every record once, with all that belongs to it', () => {
    fc.assert(
      fc.property(
        fc.array(chunkOf, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(300),
        (specs, size, room) => {
          let seq = 100;
          let time = 5000;
          const chunks = specs.map(({ lines, names, ...rest }): PackedChunk => {
            const chunk = {
              ...rest,
              firstSeq: seq,
              count: lines.length,
              time: time++,
              levels: 1,
              names,
              details: Uint8Array.from(lines, ([, detail]) => detail % names.length),
              payload: encoder.encode(lines.map(([length], i) => `${'x'.repeat(length)}${seq + i}\n`).join('')),
            };
            seq += lines.length;
            return chunk;
          });
          expect(unpack(chunks, size)).toEqual(chunks.flatMap(recordsOf));
          // The same blocks, wherever they are put together.
          const { blocks, extents } = plan(chunks, size);
          const memory = new Uint8Array(room);
          const within: Uint8Array[] = [];
          const seal = (block: Uint8Array) => void within.push(block.slice());
          expect(planSegment(chunks, seal, size, { memory, countLines })).toEqual(extents);
          expect(within).toEqual(blocks);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('sorts records of a machine and stream together', () => {
    const chunk = (firstSeq: number, machine: number): PackedChunk => ({
      ...{ firstSeq, machine, stream: 0, boot: 1, tags: 1, time: 0, levels: 1, names: ['a'], count: 1 },
      details: Uint8Array.of(0),
      payload: encoder.encode(`m${machine}\n`),
    });
    const { blocks, extents } = plan([chunk(1, 2), chunk(2, 1), chunk(3, 2), chunk(4, 1)]);
    expect(blocks.map((block) => decoder.decode(block).replaceAll('\u0000', '.'))).toEqual(['m1\nm1\n..m2\nm2\n..']);
    expect(extents.map(({ machine, count }) => [machine, count])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test('starts a new extent when a byte can no longer name all details', () => {
    const chunk = (firstSeq: number, name: string): PackedChunk => ({
      ...{ firstSeq, machine: 1, stream: 1, boot: 1, tags: 1, time: 0, levels: 1, names: [name], count: 1 },
      details: Uint8Array.of(0),
      payload: encoder.encode('{}\n'),
    });
    const { extents } = plan(Array.from({ length: 300 }, (_, i) => chunk(i + 1, `n${i}`)));
    expect(extents.map(({ count, names }) => [count, names.length])).toEqual([
      [256, 256],
      [44, 44],
    ]);
  });
});

interface FlatRecord {
  readonly seq: number;
  readonly machine: number;
  readonly stream: number;
  readonly boot: number;
  readonly tags: number;
  readonly time: number;
  readonly detail: string | undefined;
  readonly line: string;
}

function recordsOf(chunk: PackedChunk): FlatRecord[] {
  const { machine, stream, boot, tags, time } = chunk;
  const lines = decoder.decode(chunk.payload).split('\n');
  return [...chunk.details].map((detail, i) => {
    return {
      seq: chunk.firstSeq + i,
      machine,
      stream,
      boot,
      tags,
      time,
      detail: chunk.names[detail],
      line: lines[i] ?? '',
    };
  });
}

function plan(chunks: PackedChunk[], size?: number) {
  const blocks: Uint8Array[] = [];
  const extents = planSegment(chunks, (block) => void blocks.push(block.slice()), size);
  return { blocks, extents };
}

function unpack(chunks: PackedChunk[], size: number): FlatRecord[] {
  const { blocks, extents } = plan(chunks, size);
  const records = extents.flatMap((extent) => {
    const { machine, stream, boot, tags, offset, bytes, count, names, runs } = extent;
    const block = blocks[extent.block] ?? new Uint8Array();
    const payload = block.subarray(offset, offset + bytes);
    const details = block.subarray(offset + bytes, offset + bytes + count);
    const offsets = lineOffsets(payload, count);
    let at = 0;
    return runs.flatMap((run) =>
      Array.from({ length: run.count }, (_, i) => {
        const line = decoder.decode(payload.subarray(offsets[at], (offsets[at + 1] ?? 0) - 1));
        const detail = names[details[at++] ?? 0];
        return { seq: run.firstSeq + i, machine, stream, boot, tags, time: run.time, detail, line };
      }),
    );
  });
  return records.sort((a, b) => a.seq - b.seq);
}
