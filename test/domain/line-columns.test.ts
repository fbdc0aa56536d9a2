import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DamageError } from '../../src/domain/damage.ts';
import { blockOf } from '../../src/domain/line-block-of.ts';
import { LineColumns } from '../../src/domain/line-columns.ts';
import { anyBlock, bytesOf, line } from './line-blocks.ts';

const MAX_BYTES = 1 << 24;
const shared = new LineColumns();

/** Through columns and back; the block itself where there are none. */
function again(block: Uint8Array, columns = shared): Uint8Array {
  const divided = columns.divide(block);
  return divided === undefined ? block : blockOf(divided.slice(), MAX_BYTES);
}

test('any bytes come back exactly', () => {
  fc.assert(
    fc.property(anyBlock, (block) => {
      expect(Buffer.compare(again(block), block)).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test('a block that begins within a larger buffer comes back exactly', () => {
  const text = `${line({})}${line({ seq: '18', time: '2026-01-03T00:00:00Z' })}`;
  const block = Buffer.from(`1234567${text}`).subarray(7);
  expect(Buffer.from(again(block)).toString()).toBe(text);
});

test('a line changed in any one byte comes back exactly', () => {
  const block = bytesOf(`${line({})}${line({ seq: '18', msg: '' })}${line({ seq: '19' })}`);
  for (let at = 0; at < block.length; at++) {
    for (const value of [0, 0x0a, 0x22, 0x30, 0x5a, 0x7b]) {
      const changed = block.slice();
      changed[at] = value;
      expect(Buffer.compare(again(changed), changed)).toBe(0);
    }
  }
});

describe('lines that are put into columns', () => {
  const dividedOf = (lines: readonly string[]) => shared.divide(bytesOf(lines.join('')));
  const bytesPerLine = (make: (i: number) => string) => {
    const lines = Array.from({ length: 1000 }, (_, i) => make(i));
    expect(Buffer.from(again(bytesOf(lines.join('')))).toString()).toBe(lines.join(''));
    return (dividedOf(lines)?.length ?? Number.NaN) / lines.length;
  };
  /** What machines send: the clock goes on in microseconds, the time with it. */
  const sent = (i: number, values: Parameters<typeof line>[0] = {}) => {
    const clock = 5_000_000 + i * 40;
    const time = `2026-01-02T03:04:${String(5 + clock / 1e6).slice(0, 8)}`.replace(/\.?0+$/, '');
    return line({ clock: String(clock), seq: String(i), time: `${time}Z`, ...values });
  };

  test('numbers that go on, and words that were there before, take one byte each', () => {
    // Message with its end, gap, kind, seq, clock, two of the time.
    expect(bytesPerLine((i) => sent(i, { msg: 'x' }))).toBeLessThan(9);
  });

  test('as many different words as there are, and more', () => {
    for (const count of [255, 256, 257, 1000]) {
      const size = bytesPerLine((i) => sent(i, { level: `level${i % count}` }));
      expect(size).toBeLessThan(count <= 256 ? 30 : 200);
    }
  });

  test('words of one hash are not taken for one another', () => {
    // "Aa" and "BB" are equal to a hash with the factor 31.
    const lines = ['Aa', 'BB', 'Aa', 'BB'].map((level, i) => sent(i, { level }));
    expect(Buffer.from(again(bytesOf(lines.join('')))).toString()).toBe(lines.join(''));
  });

  test('a clock that is set, a boot that begins anew and other machines between', () => {
    const year = (i: number) => `${1900 + ((i * 37) % 200)}-12-31T23:59:59.000001Z`;
    const size = bytesPerLine((i) =>
      sent(i, { clock: String((i % 3) * 1e14), seq: String((i * 7) % 11), time: year(i) }),
    );
    expect(size).toBeLessThan(60);
  });

  test('what stands between them is kept', () => {
    const text = `\u0001\u0002${sent(1)}{"other":1}\n\n${sent(2)}${sent(3)}\u0003\u0004\n\u0005${sent(4)}tail`;
    expect(Buffer.from(again(bytesOf(text))).toString()).toBe(text);
    expect(dividedOf([text])?.length).toBeLessThan(text.length / 2);
  });

  test('a block without any is not divided', () => {
    expect(dividedOf(['{"level":"info"}\n', 'x\n'])).toBeUndefined();
    expect(shared.divide(new Uint8Array(0))).toBeUndefined();
  });
});

test('a line made of begins of lines is read once', () => {
  const begins = '{"clock":1,"facility":"","msg":"';
  let reads = 0;
  const block = new Proxy(bytesOf(begins.repeat(2000)), {
    get(target, key) {
      reads++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  expect(new LineColumns().divide(block)).toBeUndefined();
  expect(reads).toBeLessThan(10 * begins.length * 2000);
});

describe('what are no columns', () => {
  const block = bytesOf(Array.from({ length: 50 }, (_, i) => line({ seq: String(i) })).join(''));
  const columns = shared.divide(block)?.slice() ?? new Uint8Array();

  test('any bytes give a block or a DamageError', () => {
    const attempt = (bytes: Uint8Array) => {
      try {
        expect(blockOf(bytes, MAX_BYTES).length).toBeLessThanOrEqual(MAX_BYTES);
      } catch (error) {
        expect(error).toBeInstanceOf(DamageError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt));
    const changed = fc.tuple(fc.nat(columns.length - 1), fc.nat(255)).map(([at, value]) => columns.with(at, value));
    fc.assert(fc.property(changed, attempt), { numRuns: 1000 });
  });

  test('columns that end early are told', () => {
    for (let length = 0; length < columns.length; length++) {
      expect(() => blockOf(columns.subarray(0, length), MAX_BYTES)).toThrow(DamageError);
    }
  });

  test('a block longer than allowed is told, and not made', () => {
    expect(() => blockOf(columns, block.length - 1)).toThrow(DamageError);
    expect(Buffer.compare(blockOf(columns, block.length), block)).toBe(0);
  });
});
