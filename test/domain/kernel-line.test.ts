import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KernelLine, scanKernelLine } from '../../src/domain/kernel-line.ts';
import { LEVELS } from '../../src/domain/record.ts';

const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  kmsg_lines: string[];
};

const line: KernelLine = { seq: -1, clock: -1, level: -1 };

function scan(bytes: Buffer, start = 0): number {
  return scanKernelLine(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, line);
}

const scanText = (text: string) => scan(Buffer.from(`${text}\n`));

/** As Go writes it: sorted keys, no spaces, and no letter escaped that needs none. */
const kernelLine = fc
  .record({
    clock: fc.integer({ min: 0, max: 999_999_999_999_999 }),
    facility: fc.string(),
    msg: fc.string({ unit: 'grapheme', maxLength: 200 }),
    priority: fc.string(),
    seq: fc.integer({ min: 0, max: 999_999_999_999_999 }),
    level: fc.oneof(fc.constantFrom('debug', 'info', 'warn', 'error', 'debuG', 'infos', 'inf'), fc.string()),
    time: fc.string(),
  })
  .map(({ level, time, ...rest }) => ({ ...rest, 'talos-level': level, 'talos-time': time }));

describe('scanKernelLine', () => {
  it('reads the golden lines', () => {
    for (const text of vectors.kmsg_lines) {
      expect(scanText(text)).toBe(Buffer.byteLength(text) + 1);
      const { seq, clock } = JSON.parse(text) as { seq: number; clock: number };
      expect(line).toEqual({ seq, clock, level: LEVELS.indexOf('warn') });
    }
  });

  it('reads what JSON.stringify writes, in the middle of a block', () => {
    fc.assert(
      fc.property(kernelLine, fc.string(), (value, before) => {
        const text = JSON.stringify(value);
        const block = Buffer.from(`${before}${text}\n${text}\n`);
        const start = Buffer.byteLength(before);
        const level = (LEVELS as readonly string[]).indexOf(value['talos-level']);
        expect(scan(block, start)).toBe(start + Buffer.byteLength(text) + 1);
        expect(line).toEqual({ seq: value.seq, clock: value.clock, level: level < 0 || level === 4 ? 4 : level });
      }),
    );
  });

  it('takes nothing that JSON.parse refuses or reads otherwise, however a line is broken', () => {
    const edit = fc.record({
      at: fc.nat(400),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom('\\', '\\u', '\\u12', '"', '0', '\n', '\u0000', '\t', '-'),
      ),
    });
    fc.assert(
      fc.property(kernelLine, fc.array(edit, { maxLength: 3 }), (value, edits) => {
        let text = JSON.stringify(value);
        for (const { at, remove, insert } of edits) {
          const pos = at % (text.length + 1);
          text = text.slice(0, pos) + insert + text.slice(pos + remove);
        }
        const bytes = Buffer.from(`${text}\n`);
        const end = scan(bytes);
        if (end < 0) return;
        const taken = bytes.toString('utf8', 0, end - 1);
        const parsed = JSON.parse(taken) as Record<string, unknown>;
        expect(Object.keys(parsed)).toEqual(Object.keys(value));
        expect(parsed).toMatchObject({ seq: line.seq, clock: line.clock });
        expect(taken).not.toContain('\n');
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves every cut of a line to the other path', () => {
    const text = vectors.kmsg_lines[0] ?? '';
    for (let length = 0; length < text.length; length += 1) expect(scanText(text.slice(0, length))).toBe(-1);
  });

  it.each([
    ['a leading zero', '"clock":6252819', '"clock":06252819'],
    ['a fraction', '"seq":711', '"seq":711.0'],
    ['a negative number', '"seq":711', '"seq":-1'],
    ['a number that a double cannot hold', '"seq":711', '"seq":9007199254740993'],
    ['no number', '"seq":711', '"seq":'],
    ['an eighth key', '"seq":711', '"seq":711,"server_uuid":"x"'],
    ['a space', ',"msg"', ', "msg"'],
    ['a bad escape', '[talos]', '\\x'],
    ['a short escape', '[talos]', '\\u00'],
    ['a control character', '[talos]', '\u0001'],
    ['an escaped letter, which may hide a name', '[talos]', '\\u006aointoken'],
  ])('leaves %s to the other path', (_, from, to) => {
    const text = (vectors.kmsg_lines[0] ?? '').replace(from, to);
    expect(scanText(text)).toBe(-1);
  });

  it('takes the escapes that Go writes', () => {
    const text = (vectors.kmsg_lines[0] ?? '').replace('[talos]', '\\u003c\\u003E\\u0026\\u2028\\u001b\\"\\\\\\/\\t');
    expect(scanText(text)).toBeGreaterThan(0);
  });
});
