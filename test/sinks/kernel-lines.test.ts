import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS } from '../../src/domain/record.ts';
import { SECRET_HINTS } from '../../src/domain/redact.ts';
import { KernelLines, MAX_LINES } from '../../src/sinks/kernel-lines.ts';

const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  kmsg_lines: string[];
};

const lines = new KernelLines(64 * 1024);
let line = { seq: -1, clock: -1, level: -1 };

/** The offset behind the first line, which goes to `line`; -1 if it is no kernel line. */
function scan(bytes: Buffer, start = 0): number {
  if (lines.scan(bytes, start) === 0) return -1;
  line = { seq: lines.seq(0), clock: lines.clock(0), level: lines.level(0) };
  return lines.end(0);
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

describe('KernelLines', () => {
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

  it('finds all lines up to the first that is none, wherever the block lies', () => {
    const texts = fc.array(
      kernelLine.map((value) => JSON.stringify(value)),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(texts, texts, fc.boolean(), fc.nat(2_000), (found, others, copied, at) => {
        const block = Buffer.from(
          `${found.join('\n')}${found.length > 0 ? '\n' : ''}{"msg":1}\n${others.join('\n')}\n`,
        );
        const placed = copied ? block : lines.memory.subarray(at, at + block.length);
        if (!copied) block.copy(placed);
        expect(lines.scan(placed, 0)).toBe(found.length);
        let end = 0;
        for (const [index, text] of found.entries()) {
          end += Buffer.byteLength(text) + 1;
          const { seq, clock } = JSON.parse(text) as { seq: number; clock: number };
          expect([lines.end(index), lines.seq(index), lines.clock(index)]).toEqual([end, seq, clock]);
        }
      }),
    );
  });

  it('goes on where there were too many lines, or too many bytes', () => {
    const text = vectors.kmsg_lines[0] ?? '';
    const block = Buffer.from(`${text}\n`.repeat(2 * MAX_LINES));
    let found = 0;
    for (let pos = 0; pos < block.length; pos = lines.end(lines.scan(block, pos) - 1)) found += lines.scan(block, pos);
    expect(found).toBe(2 * MAX_LINES);
    const large = new KernelLines(2 * MAX_LINES * (text.length + 1));
    expect(large.scan(block, 0)).toBe(MAX_LINES);
    expect(lines.scan(Buffer.from(`${JSON.stringify({ clock: 1, x: 'y'.repeat(70_000) })}\n`), 0)).toBe(0);
  });

  it('never looks at what an earlier block left behind', () => {
    const text = `${vectors.kmsg_lines[0] ?? ''}\n`;
    for (let length = 1; length < text.length; length += 1) {
      lines.memory.write(text);
      // Cut, and ended where the rest of the line still lies behind it.
      lines.memory[length - 1] = 0x0a;
      expect(lines.scan(lines.memory.subarray(0, length), 0)).toBe(0);
    }
  });

  it('sees the letters of a secret’s name, wherever in a string they stand', () => {
    fc.assert(
      fc.property(
        kernelLine,
        fc.constantFrom('msg' as const, 'facility' as const, 'talos-time' as const),
        fc.constantFrom(...SECRET_HINTS),
        fc.nat(60),
        (value, key, hint, at) => {
          const text = JSON.stringify({ ...value, [key]: `${'é'.repeat(at % 7)}${'x'.repeat(at)}${hint}` });
          expect(lines.scan(Buffer.from(`${text}\n`), 0)).toBe(1);
          expect(lines.hasHint(0)).toBe(true);
        },
      ),
    );
    expect(scanText(vectors.kmsg_lines[0] ?? '')).toBeGreaterThan(0);
    expect(lines.hasHint(0)).toBe(false);
  });

  it('takes the escapes that Go writes', () => {
    const text = (vectors.kmsg_lines[0] ?? '').replace('[talos]', '\\u003c\\u003E\\u0026\\u2028\\u001b\\"\\\\\\/\\t');
    expect(scanText(text)).toBeGreaterThan(0);
  });
});
