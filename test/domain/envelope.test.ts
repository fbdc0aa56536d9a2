import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Envelopes, taggedBody, tagsText } from '../../src/domain/envelope.ts';
import { LEVELS, NO_TAGS, type Tags } from '../../src/domain/record.ts';
import { parseNodeUuid } from '../../src/domain/uuid.ts';

const uuid = parseNodeUuid('4c4c4544-0039-3010-8051-b7c04f4d3132');
const tags: Tags = { id: 1, server_uuid: uuid, ownership: { owner: 'a"c\\me', machine: 'm-1' } };

test('an envelope has the five members in their order', () => {
  const envelopes = new Envelopes('siderolink', {
    stream: 'kmsg',
    boot: 3,
    tags,
    time: 1_795_000_000_123,
    names: LEVELS,
  });
  expect(envelopes.render(42, 2, '{"msg":"hi","seq":1e2}')).toBe(
    `{"seq":42,"subject":"siderolink.a_22c_5Cme.${uuid}.kmsg.warn","received_at":"${new Date(1_795_000_000_123).toISOString()}",` +
      `"boot":3,"body":{"msg":"hi","seq":1e2,"server_uuid":"${uuid}","owner":"a\\"c\\\\me","machine":"m-1"}}`,
  );
});

describe('tags', () => {
  test.each([
    ['{}', '{"t":1}'],
    ['{ \t}', '{ \t"t":1}'],
    ['{"a":{}}', '{"a":{},"t":1}'],
    ['{"a":"{"}', '{"a":"{","t":1}'],
    ['{"a":1 } ', '{"a":1 ,"t":1}'],
  ])('go to the end of %j', (object, expected) => {
    expect(taggedBody(object, ',"t":1')).toBe(expected);
  });

  test('absent ones are left out', () => {
    expect(tagsText(NO_TAGS)).toBe('');
    expect(taggedBody('{"a":1}', '')).toBe('{"a":1}');
  });

  test('any object keeps its members and gains the tags', () => {
    const object = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__' && key !== 'server_uuid' && key !== 'owner' && key !== 'machine'),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(object, fc.constantFrom(0, 2), (value, indent) => {
        const tagged = JSON.parse(taggedBody(JSON.stringify(value, null, indent), tagsText(tags)));
        const plain = JSON.parse(JSON.stringify(value));
        expect(tagged).toEqual({ ...plain, server_uuid: uuid, owner: 'a"c\\me', machine: 'm-1' });
      }),
    );
  });
});

test("a kernel line becomes Sidero Metal's record, and its numbers and strings keep the sender's text", () => {
  const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
    kmsg_tagged: { tags: { server_uuid: string } & Record<string, string>; line: string };
  };
  const { server_uuid, ...ownership } = vectors.kmsg_tagged.tags;
  let sent = vectors.kmsg_tagged.line;
  for (const name of Object.keys(vectors.kmsg_tagged.tags)) sent = sent.replace(new RegExp(`"${name}":"[^"]*",`), '');
  const record = taggedBody(sent, tagsText({ id: 1, server_uuid: parseNodeUuid(server_uuid), ownership }));
  expect(JSON.parse(record)).toEqual(JSON.parse(vectors.kmsg_tagged.line));
  expect(record.startsWith(sent.slice(0, -1))).toBe(true);
});
