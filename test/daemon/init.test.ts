import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import { initCommand } from '../../src/daemon/commands.ts';
import { writeUnits } from '../../src/daemon/socket-units.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'siderolinkd-init-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function init(args: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { SIDEROLINKD__STATE_DIR: join(directory, 'state'), ...settings };
  let said = '';
  const print = (text: string) => {
    said += `${text}\n`;
  };
  const command = initCommand(new Command('init').exitOverride(), {
    load: async () => loadConfig({ env }),
    env,
    print,
  });
  await command.parseAsync([...args], { from: 'user' });
  return said;
}

const units = () => join(directory, 'units');
const file = (unit: string) => join(units(), `${unit}.d`, 'siderolinkd.conf');

describe('siderolinkd init', () => {
  it('writes where systemd listens: on the overlay address that it has made', async () => {
    const said = await init(['--systemd-dir', units()]);
    const server = /^server +(\S+)$/m.exec(said)?.[1] ?? '';
    expect(readFileSync(file('siderolinkd-kmsg-udp.socket'), 'utf8')).toContain(`ListenDatagram=[${server}]:4001\n`);
    expect(readFileSync(file('siderolinkd-events.socket'), 'utf8')).toContain(`ListenStream=[${server}]:4002\n`);
    expect(said).toContain(file('siderolinkd.service'));
    expect(said).toContain('systemctl daemon-reload');
  });

  it('writes what everybody may read', async () => {
    const before = process.umask(0o077);
    try {
      await init(['--systemd-dir', units()]);
    } finally {
      process.umask(before);
    }
    expect(statSync(file('siderolinkd-api.socket')).mode & 0o777).toBe(0o644);
    expect(statSync(join(units(), 'siderolinkd-api.socket.d')).mode & 0o777).toBe(0o755);
  });

  it('changes nothing the second time, and follows the configuration', async () => {
    await init(['--systemd-dir', units()]);
    expect(await init(['--systemd-dir', units()])).toContain('Nothing has changed.');
    await init(['--systemd-dir', units()], { SIDEROLINKD__SINKS__EVENTS_PORT: '4012' });
    expect(readFileSync(file('siderolinkd-events.socket'), 'utf8')).toMatch(/:4012\n$/);
    const said = await init(['--systemd-dir', units()], { SIDEROLINKD__API__LISTEN: 'gateway.example.com:8081' });
    expect(said).toContain(`${file('siderolinkd-api.socket')} (removed)`);
    expect(existsSync(file('siderolinkd-api.socket'))).toBe(false);
  });

  it('leaves systemd alone where it is told to, and where other settings than those of the units are given', async () => {
    expect(await init(['--no-systemd'])).not.toContain('systemd');
    // Whether or not our units are installed here: these settings come from the environment.
    expect(await init([])).not.toContain('/etc/systemd/system/siderolinkd');
  });
});

describe('writeUnits', () => {
  it('says which file it could not write', () => {
    const inTheWay = join(directory, 'units');
    writeUnits(directory, [{ path: 'units', text: 'a file where a directory should be' }]);
    chmodSync(inTheWay, 0o644);
    expect(() => writeUnits(inTheWay, [{ path: 'x.d/siderolinkd.conf', text: '' }])).toThrow(
      expect.objectContaining({
        code: 'configuration',
        message: expect.stringContaining(`${inTheWay}/x.d/siderolinkd.conf`),
      }),
    );
  });
});
