import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatesOf } from '../../src/cli/completion/candidates.ts';
import { readLine } from '../../src/cli/completion/line.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/lib/clock.ts';

const program = () =>
  buildProgram({
    out: () => {},
    err: () => {},
    env: {},
    outIsTty: false,
    errIsTty: false,
    ask: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
  });

/** The static candidates for a line written as one types it; the last word is the one at the cursor. */
async function words(line: string): Promise<readonly string[]> {
  const nothing = { machines: async () => [], tokens: async () => [] };
  const candidates = await candidatesOf(readLine(program(), line.split(' ')), nothing);
  return candidates.map(({ value }) => value);
}

const wanted = (line: string) => {
  const { wanted: what } = readLine(program(), line.split(' '));
  return what.kind === 'source' ? what.source : what.kind;
};

describe('static candidates', () => {
  it.each([
    ['mach', ['machine']],
    ['machine re', ['reject', 'remove', 'readmit', 'reset-token', 'release']],
    ['-o json machine wa', ['watch']],
    ['token create --ex', ['--expires']],
    ['token list --out', ['--output']],
    ['machine list --state ', ['known', 'pending', 'accepted', 'rejected', 'provisional', 'expired', 'removed']],
    ['machine list --state pending re', ['rejected', 'removed']],
    ['machine list --state=p', ['--state=pending', '--state=provisional']],
    ['machine list --link d', ['down']],
    ['-o ', ['table', 'json', 'wide']],
    ['-o wi', ['wide']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['logs --follow --level w', ['warn']],
    ['machine list extra ', []],
    ['machine nonsense ', []],
    ['no such command ', []],
    ['machine watch ', []],
    ['machine list -- --st', []],
    ['machine list --nonsense=', []],
  ])('%j', async (line, expected) => {
    expect(await words(line)).toEqual(expected);
  });

  it('hides what is hidden', async () => {
    expect(await words('')).not.toContain('__complete');
    expect(await words('')).toContain('machine');
  });

  it('offers the version to the program alone', async () => {
    expect(await words('--ver')).toEqual(['--version']);
    expect(await words('machine list --ver')).toEqual([]);
  });
});

describe('what is asked of the daemon', () => {
  it.each([
    ['machine get ', 'machine'],
    ['machine accept a b ', 'machine'],
    ['machine claim --owner ', 'owner'],
    ['machine claim --owner acme ', 'machine'],
    ['machine list --owner=', 'owner'],
    ['logs -f ', 'machine'],
    ['logs cp-1 --service ', 'service'],
    ['token revoke ', 'token-id'],
    ['token revoke --yes ', 'token-id'],
    ['connect ', 'machine'],
    ['--token-file ', 'files'],
    ['--socket /run/', 'files'],
    ['machine get cp-1 ', 'words'],
    ['machine get --if', 'words'],
  ])('%j is %s', (line, expected) => {
    expect(wanted(line)).toBe(expected);
  });

  it('the target that the line names is taken along', () => {
    const { options } = readLine(program(), ['--socket=/tmp/a b.sock', 'machine', 'get', '-o', 'json', '']);
    expect(Object.fromEntries(options)).toEqual({ socket: '/tmp/a b.sock', output: 'json' });
  });

  it('any words are understood somehow', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('machine', 'list', 'get', '--state', '--', '-', '--owner=', '-o', 'token', '--state=', 'help'),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (line) => {
        const { lead, typed } = readLine(program(), line);
        expect(`${lead}${typed}`).toBe(line.at(-1) ?? '');
      }),
      { numRuns: 50 },
    );
  });
});
