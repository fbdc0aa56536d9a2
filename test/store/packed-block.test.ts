import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelLines } from '../../bench/lines.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { LineColumns } from '../../src/domain/line-columns.ts';
import { packBlock, unpackBlock } from '../../src/store/packed-block.ts';

const columns = new LineColumns();
const boot = kernelLines(2000, 7);
const plain = Buffer.from('{"level":"info","msg":"a service says so"}\n'.repeat(100));

test('what is packed comes back, be it lines of the kernel or not', () => {
  const blocks = fc.constantFrom(boot, plain, Buffer.alloc(0), Buffer.concat([plain, boot, Buffer.of(1, 2, 3)]));
  fc.assert(
    fc.property(blocks, fc.uint8Array(), (block, rest) => {
      const whole = Buffer.concat([block, rest]);
      expect(whole.equals(unpackBlock(1, packBlock(whole, columns)))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('lines of a boot take half of what they took undivided', () => {
  expect(packBlock(boot, columns).length).toBeLessThan(zstdCompressSync(boot).length / 2);
});

test('blocks of earlier programs, which knew no columns, are read', () => {
  expect(boot.equals(unpackBlock(1, zstdCompressSync(boot)))).toBe(true);
});

test.each([
  ['in columns', boot.subarray(0, boot.indexOf(10, 20_000) + 1)],
  ['as it is', plain],
])('a block %s of which any bit has changed is told, and never read as another', (_, block) => {
  const packed = packBlock(block, columns);
  const changes = fc.tuple(fc.nat(packed.length - 1), fc.nat(7));
  fc.assert(
    fc.property(changes, ([at, bit]) => {
      const changed = packed.with(at, (packed[at] ?? 0) ^ (1 << bit));
      let read: Uint8Array;
      try {
        read = unpackBlock(17, changed);
      } catch (error) {
        expect(error).toBeInstanceOf(SiderolinkError);
        expect(error).toMatchObject({ code: 'storage', message: 'the store is damaged: block 17 cannot be unpacked' });
        return;
      }
      // A bit that means nothing to the format.
      expect(block.equals(read)).toBe(true);
    }),
    { numRuns: 300 },
  );
  for (let length = 0; length < packed.length; length += 7) {
    expect(() => unpackBlock(1, packed.subarray(0, length))).toThrow(SiderolinkError);
  }
});
