import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchesFilter, parseFilter, SubjectFilter } from '../../src/domain/filter.ts';
import { LEVELS, type Tags } from '../../src/domain/record.ts';
import { subjectHead, subjectOf } from '../../src/domain/subject.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';

const uuid = parseNodeUuid('4c4c4544-0039-3010-8051-b7c04f4d3132');
const other = parseNodeUuid('4c4c4544-0039-3010-8051-b7c04f4d3133');
const tags: Tags = { id: 1, server_uuid: uuid, ownership: { owner: 'acme' } };

describe('matching by NATS rules', () => {
  test.each([
    ['>', 'a', true],
    ['>', 'a.b.c', true],
    ['a.>', 'a', false],
    ['a.>', 'a.b', true],
    ['a.>', 'a.b.c', true],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.*.c', 'a.b.c', true],
    ['a.*.c', 'a.b.d', false],
    ['a.*', 'a', false],
    ['*.>', 'a', false],
    ['a.b', 'a.b', true],
    ['a.b', 'a.B', false],
    ['a.b', 'a.b.c', false],
  ])('%s on %s: %s', (filter, subject, expected) => {
    expect(matchesFilter(parseFilter(filter), subject.split('.'))).toBe(expected);
  });

  test.each([
    '',
    '.',
    'a..b',
    'a.',
    '.a',
    '>.a',
    'a.>.b',
    'a*',
    'a.b>',
    '**',
    'a b',
    'a.\n',
    'a\u0000',
    'x'.repeat(1025),
  ])('%j is malformed', (filter) => {
    expect(() => parseFilter(filter)).toThrowError(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => new SubjectFilter('s', ['ok', filter])).toThrow(/malformed/);
  });

  test('too many filters are refused', () => {
    expect(
      () =>
        new SubjectFilter(
          's',
          Array.from({ length: 257 }, () => 'a'),
        ),
    ).toThrow(/at most 256/);
  });
});

describe('selecting from a chunk', () => {
  const select = (filters: string[], levels = 0) =>
    new SubjectFilter('s', filters).select(tags, 'kmsg', LEVELS, levels);

  test('the head decides alone where it can', () => {
    expect(select([])).toBe('all');
    expect(select(['s.>'])).toBe('all');
    expect(select([`s.*.${uuid}.>`])).toBe('all');
    expect(select([`s.*.${other}.>`])).toBe('none');
    expect(select(['s.acme.*.event.>', 's.other.>'])).toBe('none');
    expect(select(['s.*.*.kmsg'])).toBe('none');
  });

  test('details select by one byte a record', () => {
    expect(select(['s.*.*.kmsg.warn', 's.*.*.kmsg.error'])).toEqual(Uint8Array.of(0, 0, 1, 1, 0));
  });

  test('the level mask saves looking at records', () => {
    expect(select(['s.*.*.kmsg.error'], 0b00011)).toBe('none');
    expect(select(['s.*.*.kmsg.error'], 0b01011)).toEqual(Uint8Array.of(0, 0, 0, 1, 0));
    const names = ['apid.info', 'kubelet.error'];
    const logs = (filters: string[], levels: number) =>
      new SubjectFilter('s', filters).select(tags, 'log', names, levels);
    expect(logs(['s.*.*.log.*.error'], 0b00010)).toBe('none');
    expect(logs(['s.*.*.log.apid.*'], 0b01000)).toBe('none');
    expect(logs(['s.*.*.log.apid.*'], 0b01010)).toEqual(Uint8Array.of(1, 0));
  });

  test('a stream that no filter can match is known beforehand', () => {
    const filter = new SubjectFilter('a.b', ['a.b.*.*.event.>', 'a.b.x.*.link.up']);
    expect(filter.mayMatchStream('event')).toBe(true);
    expect(filter.mayMatchStream('link')).toBe(true);
    expect(filter.mayMatchStream('kmsg')).toBe(false);
    expect(new SubjectFilter('a.b', ['a.>']).mayMatchStream('kmsg')).toBe(true);
    expect(new SubjectFilter('a.b', ['a.b.*.*.*.x']).mayMatchStream('kmsg')).toBe(true);
    expect(new SubjectFilter('a.b', ['a.b']).mayMatchStream('kmsg')).toBe(false);
  });

  test('agrees with matching each whole subject', () => {
    const word = fc.constantFrom('a', 'b', 'kmsg', 'log', 'x', 'info', 'error');
    const name = fc.array(word, { maxLength: 3 }).map((tokens) => tokens.join('.'));
    const filterText = fc
      .tuple(fc.array(fc.oneof(word, fc.constant('*')), { minLength: 1, maxLength: 8 }), fc.boolean())
      .map(([tokens, open]) => (open ? [...tokens, '>'] : tokens).join('.'));
    const machine = fc.record({ owner: fc.constantFrom('a', 'b'), prefix: fc.constantFrom('a', 'a.b') });
    const property = fc.property(
      fc.array(filterText, { maxLength: 4 }),
      fc.array(name, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('kmsg' as const, 'log' as const),
      machine,
      (filters, names, stream, { owner, prefix }) => {
        const of: Tags = { id: 7, server_uuid: '', ownership: { owner } };
        const filter = new SubjectFilter(prefix, filters);
        const selection = filter.select(of, stream, names, 0);
        const parsed = filters.map(parseFilter);
        for (const [index, detail] of names.entries()) {
          const subject = subjectOf(subjectHead(prefix, of, stream), detail).split('.');
          const expected = filters.length === 0 || parsed.some((one) => matchesFilter(one, subject));
          const actual = selection === 'all' || (selection !== 'none' && selection[index] === 1);
          expect(actual).toBe(expected);
          if (expected) expect(filter.mayMatchStream(stream)).toBe(true);
        }
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});
