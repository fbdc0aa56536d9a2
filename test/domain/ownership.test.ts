import { describe, expect, test } from 'vitest';
import { claimable, OWNERSHIP_FIELDS, parseClaim, parseOwnership, sameOwnership } from '../../src/domain/ownership.ts';

const all = { owner: 'acme', namespace: 'prod', cluster: 'east', metal_machine: 'metal-1', machine: 'worker-1' };

describe('parsing ownership', () => {
  test('all fields, some, none', () => {
    expect(parseOwnership(all)).toEqual(all);
    expect(parseOwnership({ namespace: 'prod' })).toEqual({ namespace: 'prod' });
    expect(Object.keys(parseOwnership({ owner: undefined, machine: 'm' }))).toEqual(['machine']);
    expect(parseOwnership({})).toEqual({});
    expect(Object.isFrozen(parseOwnership(all))).toBe(true);
  });

  test('the fields come in one order, whatever the caller had', () => {
    expect(Object.keys(parseOwnership(Object.fromEntries(Object.entries(all).reverse())))).toEqual(OWNERSHIP_FIELDS);
  });

  test.each(['a', 'acme.prod', 'Übung & Söhne', ' a ', '_a', '日本', '👍', 'x'.repeat(253), 'é'.repeat(126)])(
    '%j is a value of every field',
    (value) => {
      for (const field of OWNERSHIP_FIELDS) expect(parseOwnership({ [field]: value })).toEqual({ [field]: value });
    },
  );

  test.each([
    '',
    ' ',
    '\u00a0\u2003',
    'a\nb',
    'a\u0000',
    '\u001b[31m',
    'a\u007f',
    'a\u0085b',
    '\ud800',
    'x'.repeat(254),
    'é'.repeat(127),
  ])('%j is a value of none', (value) => {
    for (const field of OWNERSHIP_FIELDS) {
      expect(() => parseOwnership({ [field]: value })).toThrowError(
        expect.objectContaining({ code: 'invalid_argument', details: { field } }),
      );
    }
  });

  test.each([1, null, true, {}, ['a']])('%j is no string', (value) => {
    expect(() => parseOwnership({ cluster: value })).toThrow(/^ownership field "cluster": must be a string/);
  });

  test('an owner called "_" would look like none; other fields may be called so', () => {
    expect(() => parseOwnership({ owner: '_' })).toThrow(/stands for no owner/);
    expect(parseOwnership({ owner: '__', namespace: '_' })).toEqual({ owner: '__', namespace: '_' });
  });

  test.each(['Owner', 'server_uuid', '__proto__', 'toString', ''])('unknown field %j', (field) => {
    const record = JSON.parse(`{${JSON.stringify(field)}:"a"}`);
    expect(() => parseOwnership(record)).toThrow(
      /unknown; there are owner, namespace, cluster, metal_machine, machine/,
    );
  });

  test('a long unknown name is told short', () => {
    expect(() => parseOwnership({ ['x'.repeat(10_000)]: 'a' })).toThrow(/^.{80,200}$/);
  });

  test('nothing is taken from a prototype', () => {
    expect(parseOwnership(Object.create({ owner: 'acme' }))).toEqual({});
  });
});

describe('claims', () => {
  test('a claim must have an owner', () => {
    expect(parseClaim({ owner: 'acme', cluster: 'east' })).toEqual({ owner: 'acme', cluster: 'east' });
    expect(() => parseClaim({ cluster: 'east' })).toThrow(/"owner": a claim must have an owner/);
    expect(() => parseClaim({ owner: '_' })).toThrow(/stands for no owner/);
  });

  test.each([
    ['nobody owns it', {}, { owner: 'acme' }, true],
    ['it has a namespace, but no owner', { namespace: 'prod' }, { owner: 'acme' }, true],
    ['the claimant owns it', { owner: 'acme' }, { owner: 'acme' }, true],
    ['the claimant owns it, with other fields', all, { owner: 'acme', namespace: 'test' }, true],
    ['another owns it', { owner: 'other' }, { owner: 'acme' }, false],
    ['another owns it, all else equal', { ...all, owner: 'other' }, all, false],
    ['its owner is spelt otherwise', { owner: 'Acme' }, { owner: 'acme' }, false],
    ['the claim has no owner', {}, {}, false],
    ['neither has an owner', { namespace: 'prod' }, { namespace: 'prod' }, false],
    ['the claim of an owned machine has no owner', { owner: 'acme' }, {}, false],
  ])('claimable where %s: %s by %s is %s', (_, current, wanted, expected) => {
    expect(claimable(current, wanted)).toBe(expected);
  });
});

describe('the same ownership', () => {
  test('all five fields count, and nothing else', () => {
    expect(sameOwnership({}, {})).toBe(true);
    expect(sameOwnership(all, { ...all })).toBe(true);
    for (const field of OWNERSHIP_FIELDS) {
      const { [field]: _, ...without } = all;
      expect(sameOwnership(all, { ...all, [field]: 'other' })).toBe(false);
      expect(sameOwnership(all, without)).toBe(false);
      expect(sameOwnership(without, all)).toBe(false);
    }
  });
});
