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
