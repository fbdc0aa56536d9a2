import { afterEach, describe, expect, it } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import type { Runner } from '../../src/wireguard/runner.ts';
import { FakeSystem } from './fake-system.ts';
import { World } from './world.ts';

const worlds: World[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.close();
});

function world(system: FakeSystem, options: ConstructorParameters<typeof World>[3] = {}): World {
  const made = new World(system, 'siderolink', 51_002, options);
  worlds.push(made);
  return made;
}

/** A system whose device answers `wg` only after so many questions: wireguard-go opens its socket after its interface. */
function slow(system: FakeSystem, questions: number): Runner {
  let left = questions;
  return {
    run: (argv, options) => {
      if (argv[0] !== 'wg' || argv[1] !== 'show' || left-- <= 0) return system.run(argv, options);
      return Promise.reject(
        new SiderolinkError('command_failed', 'Unable to access interface: Protocol not supported'),
      );
    },
  };
}

describe.each(['kernel', 'userspace'] as const)('a device that begins to answer late, %s', (backend) => {
  it('is waited for, whoever made it', async () => {
    const system = new FakeSystem();
    const first = world(system, { backend });
    await first.device({}, slow(system, 3)).start();
    await first.device({}, slow(system, 3)).start();
    expect([...system.links.keys()]).toContain('siderolink');
  });
});

it('the table is there before the interface, and goes after it', async () => {
  for (const backend of ['kernel', 'userspace'] as const) {
    const system = new FakeSystem();
    const host = world(system, { backend });
    await host.device().start();
    await host.device().down();
    const first = (begins: string) => system.commands.findIndex((command) => command.startsWith(begins));
    const made = first(backend === 'kernel' ? 'ip link add' : 'wireguard-go');
    expect(made).toBeGreaterThan(0);
    expect(first('nft table')).toBeGreaterThanOrEqual(0);
    expect(first('nft table')).toBeLessThan(made);
    expect(first('ip -6 route replace unreachable')).toBeLessThan(made);
    expect(first('nft delete table')).toBeGreaterThan(first('ip link del'));
  }
});

describe('wireguard-go that is another’s to start and ends while the device is set up', () => {
  /** Whatever runs just before a command that begins like this. */
  const before = (system: FakeSystem, begins: string, happens: () => void): Runner => ({
    run: (argv, options) => {
      if (argv.join(' ').startsWith(begins)) happens();
      return system.run(argv, options);
    },
  });
  const unavailable = { code: 'unavailable' };

  it('is waited for by whoever starts the daemon again, if it is not there at all', async () => {
    const system = new FakeSystem();
    system.wireguardGo = false;
    for (const backend of ['auto', 'userspace'] as const) {
      system.kernelWireGuard = false;
      await expect(world(system, { backend }).device().start()).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringContaining('cannot make the WireGuard device'),
      });
    }
    expect(system.links.size).toBe(0);
  });

  it.each([
    'wg show siderolink dump',
    'wg set siderolink private-key',
    'ip link set dev siderolink mtu',
    'wg set siderolink listen-port',
    'cat /proc/sys/net/ipv6/conf/siderolink/disable_ipv6',
    'ip -6 addr replace',
  ])('is no mistake of the configuration: before `%s`', async (command) => {
    for (const comesBack of [false, true]) {
      const system = new FakeSystem();
      const host = world(system, { backend: 'userspace' });
      await system.run(['wireguard-go', 'siderolink']);
      let ended = false;
      const runner = before(system, command, () => {
        if (ended) return;
        ended = true;
        system.links.delete('siderolink');
        if (comesBack) void system.run(['wireguard-go', 'siderolink']);
      });
      const start = host.device({}, runner).start();
      if (comesBack) await start.catch((error) => expect(error).toMatchObject(unavailable));
      else await expect(start).rejects.toMatchObject(unavailable);
      expect(ended).toBe(true);
    }
  });
});
