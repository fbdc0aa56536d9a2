import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ctlHere } from './harness.ts';

const PAGE = readFileSync(new URL('../../docs/reference/cli.md', import.meta.url), 'utf8');

function program(): Command {
  return buildProgram({
    out: () => {},
    err: () => {},
    env: {},
    outIsTty: false,
    errIsTty: false,
    ask: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
  });
}

/** Every command that does something, by its words; the hidden ones are for shells. */
function leaves(command: Command, path: readonly string[] = []): readonly { path: string; command: Command }[] {
  const own = command.createHelp().visibleCommands(command);
  const below = own.filter((one) => one.name() !== 'help');
  if (below.length === 0) return [{ path: path.join(' '), command }];
  return below.flatMap((one) => leaves(one, [...path, one.name()]));
}

/** The words of a line as a shell has them, up to what is no more of this command. */
function split(line: string): readonly string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare,
  );
  const end = words.findIndex((word) => /^[|<>]/.test(word ?? ''));
  return words.slice(0, end < 0 ? words.length : end).map((word) => (word ?? '').replace(/^\$\(.*/, 'some-machine'));
}

/** Parses a line with actions that do nothing. @throws CommanderError for a line that is wrong */
async function parses(line: string): Promise<void> {
  const tree = program();
  for (const { command } of leaves(tree)) command.action(() => {});
  await tree.parseAsync(split(line.replace(/\$\(.*?\)/, 'some-machine')).slice(1), { from: 'user' });
}

const paths = leaves(program()).map(({ path }) => path);

describe.each(paths)('%s', (path) => {
  it('says what it does, with examples that are right', async () => {
    const { code, out } = await ctlHere('/nonexistent.sock', [...path.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: siderolinkctl ${path}`));
    // What a placeholder stands for, and where the options of all commands are.
    for (const place of ['machine', 'token-id', 'filter']) {
      const used = new RegExp(`^Usage: .*[<[]${place}(\\.\\.\\.)?[>\\]]`, 'm').test(out);
      expect([place, new RegExp(`^<${place}>: `, 'm').test(out)]).toEqual([place, used]);
    }
    expect(out).toMatch(/--socket or --url: see siderolinkctl --help\.$/m);
    const examples = out.slice(out.indexOf('Examples:')).split('\n').slice(1);
    const lines = examples.map((line) => line.trim()).filter((line) => line.startsWith('siderolinkctl '));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(new RegExp(`^siderolinkctl (?:-\\S+ )*${path}\\b`));
      await expect(parses(line)).resolves.toBeUndefined();
    }
  });

  it('is in the reference, with an example that is right', async () => {
    const row = PAGE.split('\n').find((line) => line.startsWith(`| \`${path}\` |`));
    const example = /`(siderolinkctl [^`]+)` \|$/.exec(row ?? '')?.[1] ?? '';
    expect(example).toMatch(new RegExp(`^siderolinkctl ${path}\\b`));
    await expect(parses(example)).resolves.toBeUndefined();
  });
});

describe('the reference', () => {
  it('has no command that is not there', () => {
    const rows = [...PAGE.matchAll(/^\| `([a-z -]+)` \|.*`siderolinkctl /gm)].map(([, path]) => path);
    expect(rows.toSorted()).toEqual(paths.toSorted());
  });

  it('names every option of the program', () => {
    const missing = program().options.filter(
      ({ long }) => !['--version', '--output'].includes(long ?? '') && !PAGE.includes(`\`${long}`),
    );
    expect(missing.map(({ long }) => long)).toEqual([]);
  });
});

it('an example that is wrong would be found', async () => {
  await expect(parses('siderolinkctl machine list --no-such-option')).rejects.toThrow(/unknown option/);
  await expect(parses('siderolinkctl machine claim cp-1')).rejects.toThrow(/--owner/);
});
