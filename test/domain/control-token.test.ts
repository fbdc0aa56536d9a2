import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  controlTokenDigest,
  controlTokenLine,
  isControlToken,
  mayActAs,
  newControlToken,
  parseControlTokens,
  ROLES,
} from '../../src/domain/control-token.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';

const hash = (byte: string) => byte.repeat(32);

describe('a control token', () => {
  it('is recognised, is another each time, and holds 256 random bits', () => {
    const tokens = new Set(Array.from({ length: 100 }, newControlToken));
    expect(tokens.size).toBe(100);
    for (const token of tokens) {
      expect(token).toMatch(/^slc_[A-Za-z0-9_-]{43}$/);
      expect(isControlToken(token)).toBe(true);
    }
  });

  it.each(['', 'slc_', 'slc_short', `slc_${'a'.repeat(42)}`, `slc_${'a'.repeat(201)}`, `slx_${'a'.repeat(43)}`])(
    'is not %j',
    (text) => expect(isControlToken(text)).toBe(false),
  );

  it('is known by the SHA-256 of its text', () => {
    // printf slc_aaa… | sha256sum
    expect(controlTokenDigest(`slc_${'a'.repeat(43)}`).toString('hex')).toBe(
      'ee717bc736b02deaced5d4eaacd4bcd7417f9526df4a7a2314482d5b6af08d2c',
    );
  });
});

describe('roles', () => {
  it('each may what those before it may', () => {
    const table = ROLES.map((role) => ROLES.map((least) => mayActAs(role, least)));
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });
});

describe('the tokens file', () => {
  it('has a token a line, comments and empty lines', () => {
    const text = `# who may\n\r\nreader ${hash('0a')} grafana\n  operator\t${hash('0b')}   ci@prod \r\nadmin ${hash('0c')} ci@prod`;
    expect(parseControlTokens(text)).toEqual([
      { role: 'reader', hash: hash('0a'), name: 'grafana' },
      { role: 'operator', hash: hash('0b'), name: 'ci@prod' },
      { role: 'admin', hash: hash('0c'), name: 'ci@prod' },
    ]);
  });

  it.each([
    [`reader ${hash('0a')}`, 'line 1: not three words: role, token hash, name'],
    [`\n\nreader ${hash('0a')} a b`, 'line 3: not three words: role, token hash, name'],
    [`root ${hash('0a')} a`, 'line 1: the first word is no role: reader, operator, admin'],
    [`reader ${hash('0A')} a`, 'line 1: the second word is no SHA-256 of a token: 64 lower-case hexadecimal digits'],
    [`reader ${hash('0a')} -a`, 'line 1: the third word is no name: at most 63 of letters, digits and . _ @ + -'],
    [`reader ${hash('0a')} a\nadmin ${hash('0a')} b`, 'line 2: its token is that of line 1'],
  ])('%j is wrong', (text, message) => {
    expect(() => parseControlTokens(text)).toThrow(expect.objectContaining({ code: 'configuration', message }));
  });

  it('says what to do about a token that stands where its hash should, without repeating it', () => {
    const token = newControlToken();
    const error = thrown(() => parseControlTokens(`admin ${token} me`));
    expect(error?.message).toMatch(/^line 1: .* is a token itself, not its hash/);
    expect(error?.message).not.toContain(token);
  });

  it('holds at most 256 tokens', () => {
    const lines = Array.from({ length: 257 }, (_, n) => `reader ${n.toString(16).padStart(64, '0')} n`);
    expect(parseControlTokens(lines.slice(0, 256).join('\n'))).toHaveLength(256);
    expect(() => parseControlTokens(lines.join('\n'))).toThrow('line 257: more than 256 tokens');
  });

  it('gives back every line that was made for it', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}$/);
    const entry = fc.record({ role: fc.constantFrom(...ROLES), name, hash: fc.stringMatching(/^[0-9a-f]{64}$/) });
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: (each) => each.hash, maxLength: 20 }), (entries) => {
        expect(parseControlTokens(entries.map(controlTokenLine).join('\n'))).toEqual(entries);
      }),
    );
  });

  it('never breaks on other text, and repeats none of it', () => {
    const word = fc.string({ minLength: 12, maxLength: 80 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const error = thrown(() => parseControlTokens(`reader ${hash('0a')} ok\n${words.join(' ')}`));
        if (error === undefined) return;
        expect(error).toBeInstanceOf(SiderolinkError);
        for (const each of words) expect(error.message).not.toContain(each);
      }),
    );
  });

  it('takes no name that would be two words or hide something', () => {
    for (const name of ['', 'a b', 'a\nadmin', '#a', 'ä', 'x'.repeat(64)]) {
      expect(() => controlTokenLine({ role: 'reader', hash: hash('0a'), name })).toThrow(/cannot be a token's name/);
    }
  });
});

function thrown(run: () => unknown): Error | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
