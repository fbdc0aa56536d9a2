import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cells, expandTabs, fitted, wrap } from '../../src/cli/wrap.ts';

const text = fc.string({ unit: fc.constantFrom(...'ab c  漢é🚀', 'e\u0301') });

describe('wrapped text', () => {
  it.each([
    ['one two three', 20, ['one two three']],
    ['one two three', 7, ['one two', 'three']],
    ['one two three', 8, ['one two', 'three']],
    ['  one two', 5, ['  one', 'two']],
    ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
    ['a abcdefgh', 4, ['a', 'abcd', 'efgh']],
    ['漢字漢字', 5, ['漢字', '漢字']],
    ['', 5, ['']],
  ])('%j in %d cells', (line, width, expected) => {
    expect(wrap(line, width)).toEqual(expected);
  });

  it('fits, and loses nothing but blanks', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 12 }), (line, width) => {
        const pieces = wrap(line, width);
        for (const piece of pieces) expect(cells(piece)).toBeLessThanOrEqual(width);
        const blank = (value: string) => value.replaceAll(' ', '');
        expect(blank(pieces.join(''))).toBe(blank(line));
      }),
    );
  });

  it('ends for any width, also where no character fits', () => {
    expect(wrap('漢字', 1)).toEqual(['漢', '字']);
    expect(wrap('ab', 0)).toEqual(['a', 'b']);
  });
});

describe('cells', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['🚀', 2],
    ['a\u200db', 2],
  ])('%j takes %d', (value, expected) => {
    expect(cells(value)).toBe(expected);
  });

  it('a text is made as wide as it is to be', () => {
    expect(fitted('ab', 4)).toBe('ab  ');
    expect(fitted('abcdef', 4)).toBe('abc…');
    expect(fitted('🚀a', 2)).toBe('… ');
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 12 }), (value, width) => {
        expect(cells(fitted(value, width))).toBe(width);
      }),
    );
  });

  it('tabs go on to the next of every eight columns', () => {
    expect(expandTabs('a\tb\t\tc')).toBe(`a${' '.repeat(7)}b${' '.repeat(15)}c`);
    expect(expandTabs('12345678\tx')).toBe('12345678        x');
  });
});
