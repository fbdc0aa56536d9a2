import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import type { Labels } from '../../src/domain/labels.ts';
import { MAX_REQUIREMENTS, MAX_SELECTOR_LENGTH, matches, parseSelector } from '../../src/domain/selector.ts';

const selects = (text: string, labels: Labels) => matches(parseSelector(text), labels);

/** Which of `a` absent, empty, `x`, `y` a selector on `a` selects. */
describe('what each form selects', () => {
  test.each([
    // selector          absent  a=''   a=x    a=y
    ['', true, true, true, true],
    ['a', false, true, true, true],
    ['!a', true, false, false, false],
    ['a=x', false, false, true, false],
    ['a==x', false, false, true, false],
    ['a!=x', true, true, false, true],
    ['a=', false, true, false, false],
    ['a==', false, true, false, false],
    ['a!=', true, false, true, true],
    ['a in (x)', false, false, true, false],
    ['a in (x,y)', false, false, true, true],
    ['a in (x,x)', false, false, true, false],
    ['a in ()', false, true, false, false],
    ['a in (x,)', false, true, true, false],
    ['a in (,x)', false, true, true, false],
    ['a in (x,,y)', false, true, true, true],
    ['a in (,)', false, true, false, false],
    // Allowed by the grammar that Kubernetes documents, though its parser refuses an even run of commas at the end.
    ['a in (x,,)', false, true, true, false],
    ['a notin (x)', true, true, false, true],
    ['a notin (x,y)', true, true, false, false],
    ['a notin ()', true, false, true, true],
    ['a notin (,x)', true, false, false, true],
    ['a,a!=x', false, true, false, true],
    ['a,!a', false, false, false, false],
    ['a!=x,a!=y', true, true, false, false],
    ['a notin (x),a in (x,y)', false, false, false, true],
    ['b', false, false, false, false],
    ['!b', true, true, true, true],
    ['a=X', false, false, false, false],
    ['A', false, false, false, false],
  ])('%s', (text, absent, empty, x, y) => {
    expect([{}, { a: '' }, { a: 'x' }, { a: 'y' }].map((labels) => selects(text, labels as Labels))).toEqual([
      absent,
      empty,
      x,
      y,
    ]);
  });
});

describe('numbers', () => {
  test.each([
    // selector, and whether it selects a machine without a, with a=1, 2, 3, 4, 007
    ['a > 3', [false, false, false, false, true, true]],
    ['a >= 3', [false, false, false, true, true, true]],
    ['a < 3', [false, true, true, false, false, false]],
    ['a <= 3', [false, true, true, true, false, false]],
    ['a >= 007', [false, false, false, false, false, true]],
    ['a<=7', [false, true, true, true, true, true]],
    ['a>1,a<4', [false, false, true, true, false, false]],
    ['a>1,a!=3', [false, false, true, false, true, true]],
  ])('%s', (text, expected) => {
    const values = [undefined, '1', '2', '3', '4', '007'];
    expect(values.map((value) => selects(text, value === undefined ? {} : { a: value }))).toEqual(expected);
  });

  test.each(['', 'x', '1.5', '1e3', '0x10', '1_0', '12a', '9223372036854775808', '9'.repeat(63)])(
    'the label %j is no integer of 64 bits and matches no comparison',
    (value) => {
      for (const text of ['a>0', 'a<0', 'a>=0', 'a<=0']) expect(selects(text, { a: value })).toBe(false);
    },
  );

  test('big integers are compared exactly', () => {
    expect(selects('a>9223372036854775806', { a: '9223372036854775807' })).toBe(true);
    expect(selects('a>=9007199254740993', { a: '9007199254740992' })).toBe(false);
    expect(selects('a<9007199254740993', { a: '9007199254740992' })).toBe(true);
    expect(selects('a>=9223372036854775807', { a: '000009223372036854775807' })).toBe(true);
    expect(selects('a>5', { a: '0000000000000000000000000006' })).toBe(true);
  });

  test.each([
    ['-1', true],
    ['+1', true],
    ['-9223372036854775808', true],
    ['-9223372036854775809', false],
    ['+9223372036854775807', false],
    ['-', false],
    ['--1', false],
  ])('a sign, which no valid label has, is read as Kubernetes reads it: %s', (value, expected) => {
    expect(selects('a<3', { a: value })).toBe(expected);
  });

  test('any two integers compare as integers do', () => {
    const integer = fc.oneof(
      fc.bigInt(0n, 20n),
      fc.bigInt(0n, 2n ** 63n - 1n),
      fc.bigInt(2n ** 53n - 4n, 2n ** 53n + 4n),
    );
    fc.assert(
      fc.property(integer, integer, fc.nat(5), (left, right, zeros) => {
        const labels = { a: '0'.repeat(zeros) + left };
        expect(selects(`a>${right}`, labels)).toBe(left > right);
        expect(selects(`a<${right}`, labels)).toBe(left < right);
        expect(selects(`a>=${right}`, labels)).toBe(left >= right);
        expect(selects(`a<=${right}`, labels)).toBe(left <= right);
      }),
    );
  });
});

describe('several labels, and names that look like something else', () => {
  test.each<[string, Labels, boolean]>([
    ['x=y,z=w', { x: 'y', z: 'w' }, true],
    ['x=y,z=w', { x: 'w', z: 'w' }, false],
    ['x!=y,z!=w', { x: 'z', z: 'a' }, true],
    ['x!=y,z!=w', { x: 'z', z: 'w' }, false],
    ['foo=bar,foobar=bar,baz=blah', { foo: 'bar', baz: 'blah' }, false],
    ['x,y in (a)', { x: '', y: 'a' }, true],
    ['rack in (a,b),cores>=8', { rack: 'b', cores: '16' }, true],
    ['rack in (a,b),cores>=8', { rack: 'b', cores: '4' }, false],
    ['in', { in: '' }, true],
    ['!notin', { in: '' }, true],
    ['notin=in', { notin: 'in' }, true],
    ['in in (in,notin)', { in: 'notin' }, true],
    ['notin notin (notin)', { notin: 'in' }, true],
    ['inside in (a)', { inside: 'a' }, true],
    ['example.com/rack=a', { 'example.com/rack': 'a' }, true],
    ['0.1.2.domain/99 notin (10.10.100.1, tick.tack.clock)', { '0.1.2.domain/99': '10.10.100.1' }, false],
    ['1234 in (bar)', { 1234: 'bar' }, true],
    ['constructor', {}, false],
    ['!toString', {}, true],
    ['hasOwnProperty=x', { hasOwnProperty: 'x' }, true],
  ])('%s on %j: %s', (text, labels, expected) => {
    expect(selects(text, labels)).toBe(expected);
  });
});

describe('white space', () => {
  test.each([
    ['  ', ''],
    ['\t\r\n', ''],
    ['\ra ', 'a'],
    [' ! a', '!a'],
    [' a = x ', 'a=x'],
    ['a\t==\nx', 'a==x'],
    ['a =', 'a='],
    ['a= ,b= ', 'a=,b='],
    ['a  in\t (x)', 'a in (x)'],
    ['a in(x)', 'a in (x)'],
    ['a notin\n ( x , y )', 'a notin (x,y)'],
    ['a notin ( )', 'a notin ()'],
    ['a in ( , )', 'a in (,)'],
    ['a>1 , b < 2', 'a>1,b<2'],
  ])('%j is %j', (spaced, plain) => {
    expect(parseSelector(spaced)).toEqual(parseSelector(plain));
  });
});

describe('what is malformed, where, and what would be right', () => {
  test.each([
    // selector, position from 1, and a part of the message
    [',a', 1, 'found ",", expected a label key or "!"'],
    ['a,', 3, 'found the end, expected a label key or "!"'],
    ['a,,b', 3, 'found ",", expected a label key or "!"'],
    ['a in (x),', 10, 'found the end, expected a label key'],
    ['a b', 3, 'found "b", expected "=", "==", "!=", "in", "notin"'],
    ['a nott in (y)', 3, 'found "nott", expected "="'],
    ['a (', 3, 'found "(", expected "="'],
    ['(', 1, 'found "(", expected a label key'],
    ['!', 2, 'found the end, expected a label key after "!"'],
    ['!!a', 2, 'found "!", expected a label key after "!"'],
    ['a!', 2, 'found "!", expected "="'],
    ['a ! = x', 3, 'found "!", expected "="'],
    ['!a=x', 3, 'found "=", expected "," or the end'],
    ['!a in (x)', 4, 'found "in", expected "," or the end'],
    ['a==x==y', 5, 'found "==", expected "," or the end'],
    ['a===x', 4, 'found "=", expected a value'],
    ['a= =x', 4, 'found "=", expected a value'],
    ['a=(x)', 3, 'found "(", expected a value'],
    ['a=x y', 5, 'found "y", expected "," or the end'],
    ['a=x||b=y', 3, 'a label value is'],
    ['a=-x', 3, '("-x"): a label value is empty, or'],
    ['a in x', 6, 'found "x", expected "(" after "in"'],
    ['a notin', 8, 'found the end, expected "(" after "notin"'],
    ['a notin(', 9, 'found the end, expected a value, "," or ")"'],
    ['a in (x', 8, 'found the end, expected a value, "," or ")"'],
    ['a in (x y)', 9, 'found "y", expected a value, "," or ")"'],
    ['a in (x=y)', 8, 'found "=", expected a value, "," or ")"'],
    ['a in (x,(y))', 9, 'found "(", expected a value'],
    ['a in (x)b notin ()', 9, 'found "b", expected "," or the end'],
    ['a in (x))', 9, 'found ")", expected "," or the end'],
    ['a in (x,-)', 9, '("-"): a label value is'],
    ['a<x', 3, '("x"): behind "<" stands an integer of 64 bits'],
    ['a>', 3, 'behind ">" stands an integer'],
    ['a>=,b', 4, 'behind ">=" stands an integer'],
    ['a>1.5', 3, 'stands an integer'],
    ['a>9223372036854775808', 3, 'stands an integer of 64 bits'],
    ['a>-1', 3, 'a label value is'], // as in Kubernetes: no label can be negative, so no comparison is with such
    ['a=>1', 3, 'found ">", expected a value'],
    ['a><1', 3, 'found "<", expected a value'],
    ['a>(1)', 3, 'found "(", expected a value'],
    ['-a', 1, '("-a"): a label key is'],
    ['b,a/b/c', 3, 'a label key is'],
    ['A.com/b', 1, 'before the "/"'],
    ['é=x', 1, 'a label key is'],
    ['a\u00a0', 1, 'a label key is'], // only four characters are white space
    ['a\u0000', 1, 'a label key is'],
    [`${'a'.repeat(64)}`, 1, 'a label key is 1 to 63'],
    [`a=${'x'.repeat(64)}`, 3, 'a label value is'],
  ])('%j at %i: %s', (text, position, part) => {
    const error = refusal(text);
    expect(error).toMatchObject({ code: 'invalid_argument', details: { position } });
    expect(error.message).toMatch(`malformed selector at position ${position}`);
    expect(error.message).toContain(part);
  });

  test('the bounds', () => {
    const many = (count: number) => Array.from({ length: count }, () => 'a').join(',');
    expect(parseSelector(many(MAX_REQUIREMENTS)).requirements).toHaveLength(64);
    expect(refusal(many(MAX_REQUIREMENTS + 1))).toMatchObject({ details: { position: 129 } });
    expect(refusal(many(MAX_REQUIREMENTS + 1)).message).toContain('at most 64 requirements');
    expect(parseSelector(' '.repeat(MAX_SELECTOR_LENGTH)).requirements).toEqual([]);
    expect(refusal(' '.repeat(MAX_SELECTOR_LENGTH + 1)).message).toBe('a selector has at most 4096 characters');
  });

  test('a long word is told short', () => {
    expect(refusal('x'.repeat(4096)).message.length).toBeLessThan(400);
  });

  test('garbage is either a selector or refused, never anything else', () => {
    const piece = fc.constantFrom(...'aB1 \t\n=!<>(),-_./é'.split(''), '\u0000', ' in ', ' notin (', '==', '>=', '!=');
    const garbage = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        try {
          matches(parseSelector(text), { a: '1', B: '' });
        } catch (error) {
          expect(error).toBeInstanceOf(SiderolinkError);
          expect((error as SiderolinkError).details['position']).toSatisfy(
            (position: number) => position >= 1 && position <= text.length + 1,
          );
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function refusal(text: string): SiderolinkError {
  try {
    parseSelector(text);
  } catch (error) {
    if (error instanceof SiderolinkError) return error;
    throw error;
  }
  throw new Error(`not refused: ${text}`);
}

/** One requirement as text, and what it means, said without a parser. */
interface Said {
  readonly text: string;
  readonly means: (labels: ReadonlyMap<string, string>) => boolean;
}

describe('against a naive model', () => {
  const key = fc.constantFrom('a', 'b', 'in', 'notin', 'x.y/z');
  const value = fc.constantFrom('', 'a', 'in', 'notin', '1', '2', '10');
  const space = fc.constantFrom('', '', ' ', '\t', ' \n');
  const some = fc.constantFrom(' ', '\t', '\r\n ');

  const presence = fc.tuple(key, fc.boolean(), space).map(
    ([name, wanted, s]): Said => ({
      text: wanted ? name : `!${s}${name}`,
      means: (labels) => labels.has(name) === wanted,
    }),
  );
  const equality = fc.tuple(key, fc.constantFrom('=', '==', '!='), value, space, space).map(
    ([name, operator, wanted, s, t]): Said => ({
      text: `${name}${s}${operator}${t}${wanted}`,
      means: (labels) => (labels.get(name) === wanted) === (operator !== '!='),
    }),
  );
  const membership = fc.tuple(key, fc.boolean(), fc.array(value, { minLength: 1, maxLength: 4 }), some, space).map(
    ([name, inside, wanted, s, t]): Said => ({
      text: `${name}${s}${inside ? 'in' : 'notin'}${t}(${t}${wanted.join(`${t},`)}${t})`,
      means: (labels) => wanted.some((one) => labels.get(name) === one) === inside,
    }),
  );
  const comparison = fc.tuple(key, fc.constantFrom('>', '<', '>=', '<='), fc.nat(12), space, space).map(
    ([name, operator, bound, s, t]): Said => ({
      text: `${name}${s}${operator}${t}${bound}`,
      means: (labels) => {
        const label = labels.get(name) ?? '';
        if (!/^\d+$/.test(label)) return false;
        const difference = Number(label) - bound;
        return difference === 0 ? operator.endsWith('=') : difference > 0 === operator.startsWith('>');
      },
    }),
  );
  const said = fc.array(fc.oneof(presence, equality, membership, comparison), { maxLength: 4 });

  test('a selector selects what all its parts say', () => {
    fc.assert(
      fc.property(said, space, fc.dictionary(key, value), (parts, s, labels) => {
        const text = s + parts.map((part) => part.text).join(`${s},${s}`) + s;
        const expected = parts.every((part) => part.means(new Map(Object.entries(labels))));
        expect(selects(text, labels)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
