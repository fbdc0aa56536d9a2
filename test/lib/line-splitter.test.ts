import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../../src/lib/line-splitter.ts';

/** @param room of a memory that all chunks come in, one after the other; 0: each in its own */
function splitIn(room: number, chunks: readonly Buffer[], maxLineBytes: number) {
  const lines: string[] = [];
  const losses: string[] = [];
  const splitter = new LineSplitter(
    { maxLineBytes },
    {
      onBlock: (block) => {
        expect(block.at(-1)).toBe(0x0a);
        lines.push(...block.toString('latin1').slice(0, -1).split('\n'));
      },
      onLoss: (loss) => losses.push(loss),
    },
  );
  const memory = Buffer.alloc(room + Math.max(1, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    if (room === 0) splitter.push(chunk);
    else {
      chunk.copy(memory, room);
      splitter.push(memory.subarray(room, room + chunk.length), room);
      memory.fill('~');
    }
    expect(splitter.pending).toBeLessThanOrEqual(maxLineBytes);
  }
  splitter.end();
  return { lines, losses };
}

function cut(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, 'latin1');
  const chunks: Buffer[] = [];
  let pos = 0;
  for (const size of sizes) {
    if (pos >= bytes.length) break;
    chunks.push(bytes.subarray(pos, pos + size));
    pos += size;
  }
  if (pos < bytes.length) chunks.push(bytes.subarray(pos));
  return chunks;
}

describe.each([
  ['chunk by chunk', 0],
  ['with room before the chunk', 70_000],
  ['with little room', 5],
])('LineSplitter %s', (_, room) => {
  const split = (chunks: readonly Buffer[], maxLineBytes: number) => splitIn(room, chunks, maxLineBytes);

  it('gives the same lines however the stream is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bb', '\n', 'ccc'), { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 9 })), (content, sizes) => {
        const expected = content.split('\n');
        const tail = expected.pop() ?? '';
        const { lines, losses } = split(cut(content, sizes), 1_000);
        expect(lines).toEqual(expected);
        expect(losses).toEqual(tail === '' ? [] : ['unterminated']);
      }),
    );
  });

  it('gives up a line that is too long and goes on with the next, at any cut', () => {
    const content = `ok\n${'x'.repeat(30)}\nnext\n`;
    for (let size = 1; size <= content.length; size += 1) {
      const sizes = Array.from({ length: content.length }, () => size);
      const { lines, losses } = split(cut(content, sizes), 10);
      // A whole chunk may hold a long line: its reader sees the length.
      const kept = lines.filter((line) => line.length <= 10);
      expect(kept).toEqual(['ok', 'next']);
      expect(losses.length + (lines.length - kept.length)).toBe(1);
    }
  });

  it('holds no more than one line of a megabyte without a line feed', () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const { lines, losses } = split([...Array.from({ length: 16 }, () => chunk), Buffer.from('\nnext\n')], 65_536);
    expect(lines).toEqual(['next']);
    expect(losses).toEqual(['oversized']);
  });

  it('takes a line of exactly the longest length, also byte by byte', () => {
    const line = 'y'.repeat(64);
    expect(
      split(
        cut(
          `${line}\n`,
          Array.from({ length: 65 }, () => 1),
        ),
        64,
      ),
    ).toEqual({ lines: [line], losses: [] });
  });

  it('gives whole chunks on as they are', () => {
    const chunk = Buffer.from('a\nb\n');
    const blocks: Buffer[] = [];
    const splitter = new LineSplitter(
      { maxLineBytes: 10 },
      { onBlock: (block) => blocks.push(block), onLoss: () => {} },
    );
    splitter.push(chunk);
    expect(blocks[0]).toBe(chunk);
  });
});
