import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ObjectLine, readObjectLine, type StringGuard } from '../../src/domain/json-text.ts';

const noGuard: StringGuard = { literal: (raw) => raw, isSecretName: () => false };
const read = (text: string) => readObjectLine(text, noGuard);

function taken(text: string): ObjectLine {
  const line = read(text);
  if (typeof line === 'string') throw new Error(`not taken: ${line}`);
  return line;
}

describe('readObjectLine', () => {
  it('takes exactly the objects that JSON.parse takes, and keeps what they say', () => {
    const spaced = fc
      .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom(undefined, ' ', '\t'))
      .map(([json, space]) => JSON.stringify(JSON.parse(json), null, space));
    const edit = fc.record({ at: fc.nat(200), remove: fc.nat(2), insert: fc.string({ maxLength: 2 }) });
    fc.assert(
      fc.property(spaced, fc.option(edit), (json, change) => {
        let text = `{"a":${json}}`;
        if (change !== null) {
          const pos = change.at % (text.length + 1);
          text = text.slice(0, pos) + change.insert + text.slice(pos + change.remove);
        }
        let parsed: unknown;
        try {
          parsed = JSON.parse(text);
        } catch {
          expect(read(text)).toBe('not_json');
          return;
        }
        if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
          expect(read(text)).toBe('not_object');
          return;
        }
        const line = taken(text);
        expect(JSON.parse(line.text)).toEqual(parsed);
        expect(line.text).not.toContain('\n');
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps numbers and strings as they were sent', () => {
    const text = '{"n":1.10,"big":12345678901234567890,"e":1E+2,"s":"\\u003c\\/\\u00e9"}';
    expect(taken(text).text).toBe(text);
  });

  it('moves what a machine sends under our names into sent', () => {
    const text = '{"msg":"x","namespace":"kube-system","server_uuid":"me","sent":{"owner":"y"},"owner":null}';
    expect(taken(text).text).toBe(
      '{"msg":"x","sent":{"namespace":"kube-system","server_uuid":"me","sent":{"owner":"y"},"owner":null}}',
    );
  });

  it('knows our names also when they are escaped', () => {
    expect(JSON.parse(taken('{"own\\u0065r":"me"}').text)).toEqual({ sent: { owner: 'me' } });
  });

  it('lets the last of equal keys count', () => {
    const line = taken('{"seq":1,"clock":5,"seq":2,"s\\u0065q":3}');
    expect(line.seq).toBe(3);
    expect(JSON.parse(line.text)).toEqual({ clock: 5, seq: 3 });
    expect(taken('{"__proto__":1,"x":2}').text).toBe('{"__proto__":1,"x":2}');
  });

  it('finds seq, clock, level and service', () => {
    expect(taken('{"seq":7,"clock":8,"talos-level":"info","talos-service":"apid"}')).toMatchObject({
      seq: 7,
      clock: 8,
      level: 'info',
      service: 'apid',
    });
    expect(taken('{"seq":"7","clock":-8,"talos-level":1,"talos-service":null}')).toMatchObject({
      seq: null,
      clock: null,
      level: null,
      service: null,
    });
    expect(taken('{"seq":9007199254740993,"clock":1.5}')).toMatchObject({ seq: null, clock: null });
  });

  it.each(['[]', 'null', '1', '"x"', 'true'])('refuses %s: not an object', (text) => {
    expect(read(text)).toBe('not_object');
  });

  it.each(['', '{', '{}x', '{"a":}', "{'a':1}", '{"a":01}', '{"a":1,}', 'nul', '{"a":"\n"}', '\u0000', '{"a" 1}'])(
    'refuses %j: not JSON',
    (text) => {
      expect(read(text)).toBe('not_json');
    },
  );

  it('bears strings of millions of escapes', () => {
    const text = `{"a":"${'\\n'.repeat(5_000_000)}"}`;
    expect(taken(text).text.length).toBe(text.length);
    expect(read(text.slice(0, -2))).toBe('not_json');
  });

  it('refuses what is nested too deep, without harm', () => {
    const deep = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(typeof read(deep(63))).toBe('object');
    expect(read(deep(64))).toBe('too_deep');
    expect(read(deep(30_000))).toBe('too_deep');
  });
});
