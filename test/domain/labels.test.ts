import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import {
  changeLabels,
  type Labels,
  labelKeyFault,
  labelValueFault,
  MAX_LABELS,
  parseLabels,
} from '../../src/domain/labels.ts';

const n = (count: number, of = 'n') => of.repeat(count);
const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, '']));

describe('label keys, as Kubernetes has them', () => {
  test.each([
    'a',
    'A',
    '0',
    'rack',
    'in',
    'constructor',
    'a.b_c-d',
    'a..b--c__d',
    n(63),
    'example.com/rack',
    '0.1.2.domain/99',
    'a-b.c/A_B.C',
    `${n(253, 'p')}/${n(63)}`,
    `${n(100, 'p')}.x/n`, // the 63 of a DNS label is not asked of the parts of a prefix
  ])('%s', (key) => {
    expect(labelKeyFault(key)).toBeUndefined();
  });

  test.each([
    ['', /a label key is/],
    [n(64), /a label key is 1 to 63/],
    ['-a', /begin and end/],
    ['a-', /begin and end/],
    ['_a', /begin and end/],
    ['a.', /begin and end/],
    ['a b', /a label key is/],
    ['a\n', /a label key is/],
    ['é', /a label key is/],
    ['__proto__', /begin and end/],
    ['/a', /before the "\/"/],
    ['a/', /after the "\/"/],
    ['/', /before the "\/"/],
    ['a/b/c', /a label key is/],
    ['Example.com/a', /lower case/],
    ['ex_ample/a', /before the "\/"/],
    ['a..b/c', /before the "\/"/],
    ['.a/c', /before the "\/"/],
    ['a-/c', /before the "\/"/],
    [`${n(254, 'p')}/a`, /at most 253/],
    [`p/${n(64)}`, /after the "\/".*63/],
  ])('%j is none', (key, fault) => {
    expect(labelKeyFault(key)).toMatch(fault);
    expect(() => parseLabels({ [key]: 'v' })).toThrowError(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('label values, as Kubernetes has them', () => {
  test.each(['', 'a', '0', 'A.b_c-d', '10.10.100.1', n(63)])('%j', (value) => {
    expect(labelValueFault(value)).toBeUndefined();
    expect(parseLabels({ key: value })).toEqual({ key: value });
  });

  test.each([n(64), '-1', '+1', 'a-', '.', 'a b', ' ', 'a/b', 'a,b', 'ü', 'a\n', '\u0000'])('%j is none', (value) => {
    expect(labelValueFault(value)).toMatch(/a label value is empty, or 1 to 63/);
    expect(() => parseLabels({ rack: value })).toThrow(/^label "rack": a label value is/);
  });

  test.each([1, null, undefined, true, ['a'], { a: 'b' }])('%j is no string', (value) => {
    expect(() => parseLabels({ rack: value })).toThrow('label "rack": a label value is a string');
  });
});

describe('parsing labels', () => {
  test('keys that every object seems to have are labels like others', () => {
    expect(parseLabels(JSON.parse('{"constructor":"a","toString":"b"}'))).toEqual({ constructor: 'a', toString: 'b' });
    expect(() => parseLabels(JSON.parse('{"__proto__":"a"}'))).toThrow(/^label "__proto__"/);
  });

  test('the result is a frozen copy', () => {
    const record = { a: '1' };
    const labels = parseLabels(record);
    record.a = '2';
    expect(labels).toEqual({ a: '1' });
    expect(Object.isFrozen(labels)).toBe(true);
  });

  test(`at most ${MAX_LABELS}`, () => {
    expect(Object.keys(parseLabels(numbered(64)))).toHaveLength(64);
    expect(() => parseLabels(numbered(65))).toThrow('a machine has at most 64 labels, not 65');
  });

  test('an error names the key, short and printable', () => {
    expect(refusal({ 'a\u0007': '' }).message).toMatch(/^label "a\\u0007": /);
    expect(refusal({ 'a\u0007': '' }).details).toEqual({ key: '"a\\u0007"' });
    expect(refusal({ [n(100_000)]: '' }).message.length).toBeLessThan(400);
  });
});

function refusal(record: Record<string, unknown>): SiderolinkError {
  try {
    parseLabels(record);
  } catch (error) {
    if (error instanceof SiderolinkError) return error;
  }
  throw new Error('it was not refused');
}

describe('changing labels', () => {
  const labels = parseLabels({ rack: 'a', cores: '8' });

  test.each([
    ['set a new one', { set: { zone: 'x' } }, { rack: 'a', cores: '8', zone: 'x' }],
    ['set another value', { set: { rack: 'b' } }, { rack: 'b', cores: '8' }],
    ['set an empty value', { set: { rack: '' } }, { rack: '', cores: '8' }],
    ['unset', { unset: ['rack'] }, { cores: '8' }],
    ['unset all', { unset: ['rack', 'cores', 'cores'] }, {}],
    ['both', { set: { zone: 'x' }, unset: ['cores'] }, { rack: 'a', zone: 'x' }],
  ])('%s', (_, change, expected) => {
    const before = { ...labels };
    const after = changeLabels(labels, change);
    expect(after).toEqual(expected);
    expect(Object.isFrozen(after)).toBe(true);
    expect(labels).toEqual(before);
  });

  test.each([
    ['nothing', {}],
    ['empty lists', { set: {}, unset: [] }],
    ['what is so already', { set: { rack: 'a' } }],
    ['to unset what is not there', { unset: ['zone', 'toString'] }],
  ])('%s leaves the very same object', (_, change) => {
    expect(changeLabels(labels, change)).toBe(labels);
  });

  test.each([
    ['a bad key', { set: { '-': 'x' } }, /^label "-": /],
    ['a bad value', { set: { zone: '-' } }, /^label "zone": /],
    ['a bad key to unset', { unset: ['a b'] }, /^label "a b": /],
    ['a key both set and unset', { set: { rack: 'b' }, unset: ['rack'] }, /^label "rack": .*both/],
  ])('%s is refused', (_, change, message) => {
    expect(() => changeLabels(labels, change)).toThrow(message);
    expect(() => changeLabels(labels, change)).toThrowError(expect.objectContaining({ code: 'invalid_argument' }));
  });

  test('the limit counts what remains', () => {
    const full = parseLabels(numbered(64));
    expect(() => changeLabels(full, { set: { more: '' } })).toThrow(/at most 64/);
    expect(Object.keys(changeLabels(full, { set: { more: '' }, unset: ['l0'] }))).toHaveLength(64);
  });

  test('does what a map does, and says the same object if and only if nothing changed', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'x.y/z');
    const record = fc.dictionary(key, fc.constantFrom('', '1', '2'));
    fc.assert(
      fc.property(record, record, fc.array(key), (before, set, unset) => {
        const old: Labels = parseLabels(before);
        const removed = unset.filter((name) => !Object.hasOwn(set, name));
        const expected = new Map(Object.entries(before));
        for (const name of removed) expected.delete(name);
        for (const [name, value] of Object.entries(set)) expected.set(name, value);
        const after = changeLabels(old, { set, unset: removed });
        expect(new Map(Object.entries(after))).toEqual(expected);
        const same = expected.size === Object.keys(before).length && [...expected].every(([k, v]) => before[k] === v);
        expect(after === old).toBe(same);
      }),
    );
  });
});
