import { expect, it } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { groupMembers } from '../../src/wireguard/accounts.ts';
import { CommandRunner, type Runner } from '../../src/wireguard/runner.ts';

const LISTED = ['root:x:0:0::/root:/bin/sh', 'ann:x:1000:1000::/:/bin/sh', 'bob:x:1001:77::/:/bin/sh'];
const TOLD = ['dora:*:20001:20001::/:/bin/sh'];

/** A host whose directory service tells of an account only when asked for it by name, as sssd does by default. */
function host(groups: readonly string[]) {
  const asked: string[] = [];
  const runner: Runner = {
    run: async (argv) => {
      asked.push(argv.join(' '));
      const [, database, ...names] = argv;
      const name = names.at(-1);
      if (database === 'passwd' && name === undefined) return `${LISTED.join('\n')}\n`;
      const lines = database === 'group' ? groups : [...LISTED, ...TOLD];
      const found = lines.find((line) => line.startsWith(`${name}:`));
      if (found === undefined) throw new SiderolinkError('command_failed', 'getent', { exitCode: 2 });
      return `${found}\n`;
    },
  };
  return { runner, asked };
}

it('members are those that the group lists, and those whose own group it is', async () => {
  const { runner, asked } = host(['ops:x:77:ann']);
  expect(await groupMembers(runner, 'ops')).toEqual([1000, 1001]);
  expect(asked).toHaveLength(2);
});

it('a member whom nobody lists is asked for by name; one who is nobody is none', async () => {
  const { runner } = host(['ops:*:20077:dora,nobody-at-all,ann,-x']);
  expect(await groupMembers(runner, 'ops')).toEqual([1000, 20001]);
});

it('there is no such group', async () => {
  expect(await groupMembers(host([]).runner, 'ops')).toBeUndefined();
});

it('getent of this host is asked as it understands', async () => {
  const runner = new CommandRunner({ timeoutMs: 60_000 });
  expect(await runner.run(['getent', 'passwd', '--', 'daemon'])).toMatch(/^daemon:/);
  expect(await groupMembers(runner, 'daemon')).toContain(1);
});
