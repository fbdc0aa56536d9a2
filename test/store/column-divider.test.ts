import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kernelLines } from '../../bench/lines.ts';
import { blockOf } from '../../src/domain/line-block-of.ts';
import { LineColumns } from '../../src/domain/line-columns.ts';
import { ColumnDivider } from '../../src/store/column-divider.ts';
import { anyBlock, bytesOf, line } from '../domain/line-blocks.ts';

const plain = new LineColumns();
const divider = new ColumnDivider();
const boot = kernelLines(20_000, 5);

/** Holds what the divider makes of a block against what `LineColumns` makes of it; how many bytes that is. */
function expectSame(block: Uint8Array, by: { divide(block: Uint8Array): Uint8Array | undefined } = divider): number {
  const wanted = plain.divide(block);
  const made = by.divide(block);
  // Compared before expecting: a diff of a block helps nobody.
  if (wanted === undefined || made === undefined) expect(made).toBe(wanted);
  else expect(Buffer.compare(made, wanted)).toBe(0);
  return made?.length ?? 0;
}

test('any block is divided as in JavaScript, byte for byte, and comes back', () => {
  fc.assert(
    fc.property(anyBlock, (block) => {
      expectSame(block);
      const divided = divider.divide(block);
      if (divided !== undefined) expect(Buffer.compare(blockOf(divided, block.length), block)).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test('what machines send takes less than half', () => {
  for (let at = 0; at < boot.length; ) {
    const end = boot.lastIndexOf('\n', at + 512 * 1024 - 1) + 1;
    const block = boot.subarray(at, end);
    expect(expectSame(block)).toBeLessThan(block.length / 2);
    at = end;
  }
});

test('a line changed in any one byte is divided as in JavaScript', () => {
  const block = bytesOf(
    `${line({})}${line({ seq: '18', msg: '' })}${line({ seq: '19', time: '2026-01-03T00:00:00Z' })}`,
  );
  for (let at = 0; at < block.length; at++) {
    for (const value of [0, 0x0a, 0x0d, 0x22, 0x2f, 0x30, 0x3a, 0x5a, 0x7b, 0xff]) expectSame(block.with(at, value));
  }
});

test('what a former block left in memory is not taken for a part of this one', () => {
  const block = bytesOf(`${line({})}${line({ seq: '18' })}`);
  for (let length = 0; length <= block.length; length++) {
    divider.divide(block);
    expectSame(block.slice(0, length));
    // The same where it lies.
    divider.divide(block);
    const before = plain.divide(block.subarray(0, length));
    const within = divider.divide(divider.memory.subarray(0, length));
    expect(within === undefined ? undefined : [...within]).toEqual(before === undefined ? undefined : [...before]);
  }
});

test('all dates that there are from 1898 to 2101, and those that there are not', () => {
  const two = (value: number) => String(value).padStart(2, '0');
  for (let year = 1898; year <= 2101; year++) {
    const times: string[] = [];
    for (let month = 0; month <= 13; month++) {
      for (let day = 0; day <= 32; day++) times.push(`${year}-${two(month)}-${two(day)}T12:34:56.7Z`);
    }
    expectSame(bytesOf(times.map((time) => line({ time })).join('')));
  }
});

test('all times of a day that there are, and those that there are not', () => {
  const times: string[] = [];
  for (let i = 0; i < 100; i++) {
    const two = String(i).padStart(2, '0');
    times.push(`2026-01-02T${two}:00:00Z`, `2026-01-02T00:${two}:00.5Z`, `2026-01-02T00:00:${two}.123456789Z`);
  }
  for (let digits = 0; digits <= 12; digits++) {
    for (const digit of ['0', '1', '9']) {
      times.push(`2026-01-02T00:00:00.${digit.repeat(digits)}Z`, `2026-01-02T00:00:00.${digit.repeat(digits)}7Z`);
    }
  }
  for (const time of times) expectSame(bytesOf(line({ time })));
  expectSame(bytesOf(times.map((time) => line({ time })).join('')));
});

test('numbers of any length, with and without zeros in front', () => {
  const texts: string[] = ['0', ''];
  for (let digits = 1; digits <= 21; digits++) {
    for (const digit of '0123456789') texts.push(digit.repeat(digits), `${digit}${'0'.repeat(digits)}`);
  }
  for (const text of texts) expectSame(bytesOf(line({ clock: text, seq: text })));
  const values = texts.flatMap((clock) => [line({ clock, seq: '1' }), line({ clock: '1', seq: clock })]);
  expectSame(bytesOf(values.join('')));
});

test('words of any length, and more different ones than have a number', () => {
  for (let length = 0; length < 140; length++) {
    const word = 'w'.repeat(length);
    const lines = [line({ facility: word }), line({ priority: word }), line({ level: word }), line({ msg: word })];
    expectSame(bytesOf([...lines, ...lines].join('')));
  }
  for (const count of [255, 256, 257, 2000]) {
    const lines = Array.from({ length: 2 * count }, (_, i) => line({ level: `level${i % count}`, facility: 'ab' }));
    expectSame(bytesOf(lines.join('')));
  }
  // Where one word ends is a part of which words they are.
  const splits = [
    ['ab', 'c', 'd'],
    ['a', 'bc', 'd'],
    ['a', 'b', 'cd'],
    ['abcd', '', ''],
    ['', '', 'abcd'],
  ] as const;
  const split = splits.map(([facility, priority, level]) => line({ facility, priority, level })).join('');
  expectSame(bytesOf(split + split));
});

test('words that are nearly those of the line before', () => {
  const near = [
    '',
    'info',
    'inf',
    'infos',
    'Info',
    'info"',
    'info\n',
    'warning',
    'warnings',
    'warninG',
    'w'.repeat(16),
    'w'.repeat(17),
  ];
  const keys = ['facility', 'priority', 'level'] as const;
  for (const key of keys) {
    const lines = near.flatMap((first) => near.map((second) => line({ [key]: first }) + line({ [key]: second })));
    for (const two of lines) expectSame(bytesOf(two));
    expectSame(bytesOf(lines.join('')));
    // The first of a block has none before it, whatever stands there.
    for (const byte of ['\u0000', '\n', '"', 'x']) {
      for (let length = 0; length < 20; length++) {
        for (const end of ['', '","msg":"', '","seq":'])
          expectSame(bytesOf(line({ [key]: byte.repeat(length) + end })));
      }
    }
  }
});

test('a block of any length, also one that is longer than what is divided in WebAssembly', () => {
  const long = kernelLines(5000, 1);
  for (const bytes of [640 * 1024 - 1, 640 * 1024, 640 * 1024 + 1, long.length]) {
    expect(expectSame(long.subarray(0, bytes))).toBeLessThan(bytes / 2);
  }
  expectSame(bytesOf(line({ msg: 'x'.repeat(639 * 1024) })));
  expectSame(bytesOf(line({ msg: 'x'.repeat(2 << 20) })));
  expectSame(Buffer.alloc(640 * 1024, '{'));
  expectSame(Buffer.alloc(640 * 1024, '{\n'));
  expectSame(Buffer.alloc(640 * 1024, 'x'));
  expectSame(Buffer.alloc(640 * 1024, line({ clock: '1', facility: '', msg: '', priority: '', seq: '1', level: '' })));
});

test('lines are counted wherever they lie', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, at) => {
      const lined = bytes.map((byte) => (byte % 3 === 0 ? 0x0a : byte));
      const count = lined.filter((byte) => byte === 0x0a).length;
      // Others lie around them.
      divider.memory.fill(0x0a, 0, 300);
      divider.memory.set(lined, at);
      expect(divider.countLines(divider.memory.subarray(at, at + lined.length))).toBe(count);
      expect(divider.countLines(lined)).toBe(count);
    }),
  );
});

test('without what the processor must be able to do, the same comes from JavaScript', () => {
  // biome-ignore lint/suspicious/noExplicitAny: not among Node's own definitions
  const webAssembly = (globalThis as any).WebAssembly as { validate: (bytes: Uint8Array) => boolean };
  const { validate } = webAssembly;
  webAssembly.validate = () => false;
  try {
    const old = new ColumnDivider();
    expect(expectSame(boot.subarray(0, 100_000), old)).toBeGreaterThan(0);
    expectSame(bytesOf('x\n'), old);
    expect(old.countLines(old.memory.fill(0x0a, 0, 10).subarray(0, 5))).toBe(5);
  } finally {
    webAssembly.validate = validate;
  }
});
