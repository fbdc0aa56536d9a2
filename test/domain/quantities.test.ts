import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, parseBytes } from '../../src/domain/bytes.ts';
import { formatDuration, parseDuration } from '../../src/domain/duration.ts';

describe('durations', () => {
  test.each([
    ['30d', 2_592_000_000],
    ['1w', 604_800_000],
    ['1h30m', 5_400_000],
    ['1d12h5m3s250ms', 129_903_250],
    ['0', 0],
    ['0s', 0],
  ])('%s', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '30', '1.5h', '-1h', '1 h', '30m1h', '1h1h', '1y', '1H', 'h', '999999999999999w', ' 1h'])(
    '%j is none',
    (text) => {
      expect(() => parseDuration(text)).toThrow('is not a duration');
    },
  );

  test('what is written reads the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
      }),
    );
  });
});

describe('sizes', () => {
  test.each([
    ['10GiB', 10 * 2 ** 30],
    ['512 MiB', 512 * 2 ** 20],
    ['1500', 1500],
    ['1500B', 1500],
    ['2kB', 2000],
    ['2KiB', 2048],
    ['0', 0],
  ])('%s', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(['', 'GiB', '1.5GiB', '-1', '1gib', '1 PiB', '999999999999999TiB', '1e3'])('%j is none', (text) => {
    expect(() => parseBytes(text)).toThrow('is not a size');
  });

  test('what is written reads the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 }), (bytes) => {
        expect(parseBytes(formatBytes(bytes))).toBe(bytes);
      }),
    );
  });
});
