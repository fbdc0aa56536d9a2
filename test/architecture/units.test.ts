import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultConfig } from '../../src/config/defaults.ts';
import { root } from './sources.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** The settings of a unit; the last of a name wins, as for most of systemd's. */
function settings(path: string): Map<string, string> {
  const lines = read(path).split('\n');
  return new Map([...lines.join('\n').matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}

test.each(['systemd/siderolinkd.service', 'systemd/siderolinkd-wg.service', 'Dockerfile'])(
  'the programs that %s starts are built',
  (path) => {
    const programs = [...read(path).matchAll(/\/dist\/([\w/-]+\.(?:js|sh))/g)].map(([, program = '']) => program);
    const missing = programs.filter((program) => !existsSync(join(root, 'src', program.replace(/\.js$/, '.ts'))));
    expect(missing).toEqual([]);
    expect(programs.length > 0 || path === 'Dockerfile').toBe(true);
  },
);

describe('the unit of the daemon', () => {
  const unit = settings('systemd/siderolinkd.service');
  const config = defaultConfig();

  test('has what the daemon needs', () => {
    expect(Object.fromEntries(unit)).toMatchObject({
      Type: 'notify',
      AmbientCapabilities: 'CAP_NET_ADMIN',
      LimitNOFILE: '1048576',
      RuntimeDirectoryMode: '0750',
    });
    // It would kill V8, which compiles at run time.
    expect(unit.has('MemoryDenyWriteExecute')).toBe(false);
    // wg, ip and nft speak netlink; the API and the control socket the rest.
    expect(unit.get('RestrictAddressFamilies')?.split(' ')).toEqual(
      expect.arrayContaining(['AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK']),
    );
  });

  test('makes the directories that the defaults name', () => {
    expect(`/var/lib/${unit.get('StateDirectory')}`).toBe(config.state_dir);
    expect(`/run/${unit.get('RuntimeDirectory')}/control.sock`).toBe(config.control.socket);
  });

  test('runs as the user and group that the other files name', () => {
    expect(settings('systemd/siderolinkd-wg.service').get('User')).toBe(unit.get('User'));
    expect(read('systemd/siderolinkd.sysusers')).toContain(`u ${unit.get('User')} `);
    expect(config.overlay.allow_group).toBe(unit.get('Group'));
  });

  test('does not stop WireGuard with itself', () => {
    expect(unit.get('Wants')?.split(' ')).toContain('siderolinkd-wg.service');
    for (const name of ['Requires', 'BindsTo', 'PartOf']) expect(unit.has(name)).toBe(false);
    expect(settings('systemd/siderolinkd-wg.service').has('PartOf')).toBe(false);
  });
});

test('systemd-networkd is told of the interface of the defaults', () => {
  expect(settings('systemd/networkd/10-siderolinkd.network').get('Name')).toBe(defaultConfig().overlay.interface);
});
