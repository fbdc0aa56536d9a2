import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_TAGS, type Tags } from '../../src/domain/record.ts';
import { subjectHead, subjectOf, subjectToken } from '../../src/domain/subject.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';

const uuid = parseNodeUuid('4c4c4544-0039-3010-8051-b7c04f4d3132');

describe('subject tokens', () => {
  test.each([
    ['acme', 'acme'],
    ['acme.prod', 'acme_2Eprod'],
    ['a_b', 'a_5Fb'],
    ['Zürich', 'Z_C3_BCrich'],
    ['*', '_2A'],
    ['>', '_3E'],
    [' ', '_20'],
    ['-9aZ', '-9aZ'],
  ])('%j is %j', (text, token) => {
    expect(subjectToken(text)).toBe(token);
  });

  test('a token can be turned back into its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const token = subjectToken(text);
        expect(token).toMatch(/^[A-Za-z0-9_-]*$/);
        const bytes = token.replaceAll(/_([0-9A-F]{2})|(.)/g, (_, hex, char) => hex ?? char.charCodeAt(0).toString(16));
        expect(Buffer.from(bytes, 'hex').toString()).toBe(text);
      }),
    );
  });
});

test('a subject names owner, machine, stream and detail', () => {
  const tags: Tags = { id: 1, server_uuid: uuid, ownership: { owner: 'acme.prod', cluster: 'c' } };
  expect(subjectOf(subjectHead('siderolink', tags, 'log'), 'apid.info')).toBe(
    `siderolink.acme_2Eprod.${uuid}.log.apid.info`,
  );
});

test('without owner or machine a token is an underscore', () => {
  const unclaimed: Tags = { id: 1, server_uuid: uuid, ownership: {} };
  expect(subjectHead('siderolink', unclaimed, 'kmsg')).toBe(`siderolink._.${uuid}.kmsg`);
  expect(subjectOf(subjectHead('a.b', NO_TAGS, 'gap'), 'restore')).toBe('a.b._._.gap.restore');
  expect(subjectOf('a', '')).toBe('a');
});
