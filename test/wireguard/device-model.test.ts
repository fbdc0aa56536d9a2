import { describe, expect, it } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import type { Runner } from '../../src/wireguard/runner.ts';
import { deviceContract } from './contract.ts';
import { FakeSystem } from './fake-system.ts';
import { World } from './world.ts';

function model(change: (system: FakeSystem) => void = () => undefined) {
  const system = new FakeSystem();
  system.groups.set('daemon', 'daemon:x:1:');
  system.passwd += 'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n';
  change(system);
  return { system, world: new World(system, 'siderolink', 51_002) };
}

for (const [name, kernelWireGuard] of [
  ["the model with the kernel's WireGuard", true],
  ['the model without it', false],
] as const) {
  deviceContract(name, {
    world: async () => model((system) => Object.assign(system, { kernelWireGuard })).world,
    takePort: async (world, port) => {
      const system = world.runner as FakeSystem;
      system.takenPorts.add(port);
      return async () => void system.takenPorts.delete(port);
    },
    clear: async () => undefined,
  });
}

describe('the choice of the backend', () => {
  it('auto: the kernel where it can', async () => {
    const { world } = model();
    const device = world.device();
    await device.start();
    expect(device.backend).toBe('kernel');
    world.close();
  });

  it('auto: wireguard-go where it cannot', async () => {
    const { world } = model((system) => Object.assign(system, { kernelWireGuard: false }));
    const device = world.device();
    await device.start();
    expect(device.backend).toBe('userspace');
    world.close();
  });

  it('userspace: wireguard-go although the kernel could', async () => {
    const { system, world } = model();
    await world.device({ backend: 'userspace' }).start();
    expect(system.links.get('siderolink')?.kind).toBe('tun');
    world.close();
  });

  it('kernel: an error where it cannot, and nothing is left', async () => {
    const { system, world } = model((made) => Object.assign(made, { kernelWireGuard: false }));
    await expect(world.device({ backend: 'kernel' }).start()).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('Unknown device type'),
    });
    expect([system.links.size, system.routes.length, system.tables.size]).toEqual([0, 0, 0]);
    world.close();
  });

  it('adopts the device that a unit of its own made at the same moment', async () => {
    const { system, world } = model((made) => Object.assign(made, { kernelWireGuard: false }));
    const device = world.device(
      {},
      {
        run: async (argv, options) => {
          if (argv[0] === 'wireguard-go') await system.run(argv);
          return system.run(argv, options);
        },
      },
    );
    await device.start();
    expect((await device.observe()).publicKey).toBe(world.key.publicKey);
    world.close();
  });

  /** What is said of the overlay, in order. */
  const told = (world: World) =>
    world.log
      .map((line) => JSON.parse(line) as { msg: string; what: string })
      .filter(({ msg }) => msg.endsWith(' the overlay'))
      .map(({ msg, what }) => `${msg.split(' ')[0]} ${what}`);

  it('says that it made what it makes, and that it repaired what was there', async () => {
    const { system, world } = model();
    await world.device().start();
    expect(told(world)).toEqual(
      ['firewall', 'unreachable', 'device', 'key', 'mtu', 'up', 'port', 'address', 'route'].map(
        (what) => `made ${what}`,
      ),
    );
    world.log.length = 0;
    const device = world.device();
    await device.start();
    // A process cannot know who wrote the table that is there, so it writes its own.
    expect(told(world)).toEqual(['repaired firewall']);
    system.routes.length = 0;
    await device.reconcile([]);
    expect(told(world)).toEqual(['repaired firewall', 'repaired unreachable', 'repaired route']);
    world.close();
  });

  it('says that it made what a unit of its own began', async () => {
    const { system, world } = model((made) => Object.assign(made, { kernelWireGuard: false }));
    await system.run(['wireguard-go', 'siderolink']);
    await world.device().start();
    expect(told(world)).toContain('made key');
    expect(told(world).filter((line) => !line.startsWith('made'))).toEqual([]);
    world.close();
  });

  it('keeps the device of the other backend, because it carries links', async () => {
    const { system, world } = model();
    await world.device({ backend: 'userspace' }).start();
    const device = world.device({ backend: 'kernel' });
    await device.start();
    expect(device.backend).toBe('userspace');
    expect(system.links.get('siderolink')?.kind).toBe('tun');
    expect(world.log.join('')).toContain('keeping the device of the other backend');
    world.close();
  });
});

describe('a device that fails', () => {
  it('on a kernel that was started without IPv6: it says so, and what to do, and nothing is left', async () => {
    const { system, world } = model((made) => Object.assign(made, { withoutIpv6: true }));
    await expect(world.device().start()).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('take ipv6.disable=1 from its command line'),
    });
    expect([system.links.size, system.routes.length, system.tables.size]).toEqual([0, 0, 0]);
    world.close();
  });

  it('where a route is refused, and IPv6 is there: that is what it says', async () => {
    const { system, world } = model();
    const refused: Runner = {
      run: (argv) =>
        argv.includes('unreachable') && argv.includes('replace')
          ? Promise.reject(new SiderolinkError('command_failed', 'ip: RTNETLINK answers: Operation not permitted'))
          : system.run(argv),
    };
    await expect(world.device({}, refused).start()).rejects.toMatchObject({ code: 'command_failed' });
    world.close();
  });

  it('rejects only the callers of the call that failed', async () => {
    const { system, world } = model();
    const device = world.device(
      { peersPerCall: 1 },
      {
        run: (argv, options) => {
          if (argv.includes(bad.publicKey)) return Promise.reject(new Error('refused'));
          return system.run(argv, options);
        },
      },
    );
    const [good, bad] = [world.peer(), world.peer()];
    await device.start();
    const [first, second] = await Promise.allSettled([device.apply({ set: good }), device.apply({ set: bad })]);
    expect([first.status, second.status]).toEqual(['fulfilled', 'rejected']);
    world.close();
  });

  it('is not believed when it shows something else than what was set', async () => {
    const { system, world } = model();
    const device = world.device();
    await device.start();
    const peer = world.peer();
    const run = system.run.bind(system);
    // A device that takes a peer and forgets its address.
    system.run = async (argv, options) => {
      const text = await run(argv, options);
      for (const each of system.links.get('siderolink')?.wireguard?.peers.values() ?? []) each.allowedIps = [];
      return text;
    };
    await expect(device.apply({ set: peer })).rejects.toMatchObject({
      code: 'command_failed',
      details: { publicKey: peer.publicKey, address: peer.address, shown: '' },
    });
    await expect(device.reconcile([peer])).rejects.toMatchObject({ code: 'command_failed' });
    expect(world.health.ready).toBe(false);
    system.run = run;
    await device.reconcile([peer]);
    expect(world.health.ready).toBe(true);
    world.close();
  });

  it.each([
    ['it is read back', -1],
    ['the next reading', 600_000],
  ])('is not believed when it still shows what was removed: %s', async (_, freshMs) => {
    const { system, world } = model();
    const device = world.device({ freshMs });
    await device.start();
    const { publicKey, ...rest } = world.peer();
    await device.reconcile([{ publicKey, ...rest }]);
    const run = system.run.bind(system);
    system.run = async (argv, options) => {
      const peers = system.links.get('siderolink')?.wireguard?.peers;
      const kept = peers?.get(publicKey);
      const text = await run(argv, options);
      if (kept !== undefined) peers?.set(publicKey, kept);
      return text;
    };
    const removed = device.apply({ remove: publicKey });
    if (freshMs < 0) {
      await expect(removed).rejects.toMatchObject({ code: 'command_failed', details: { publicKey, address: null } });
    } else {
      await removed;
      await expect(device.observe()).rejects.toMatchObject({ code: 'unavailable' });
    }
    system.run = run;
    expect(await device.reconcile([])).toEqual({ added: 0, removed: 1, changed: 0 });
    expect((await device.observe()).peers.size).toBe(0);
    world.close();
  });

  it('is not without its peers because of an endpoint that it refuses', async () => {
    const { world } = model();
    const device = world.device();
    await device.start();
    const peer = { ...world.peer(), endpoint: '[fe80::1%gone]:51820' };
    expect(await device.reconcile([peer])).toEqual({ added: 1, removed: 0, changed: 0 });
    expect((await device.observe()).peers.get(peer.publicKey)?.allowedIps).toEqual([`${peer.address}/128`]);
    world.close();
  });

  it('is not believed while it lacks peers that could not be set', async () => {
    const { system, world } = model();
    let refuses = true;
    const device = world.device(
      {},
      {
        run: (argv, options) => {
          if (refuses && argv[1] === 'set' && argv.includes('peer')) return Promise.reject(new Error('refused'));
          return system.run(argv, options);
        },
      },
    );
    await device.start();
    const peers = [world.peer(), world.peer()];
    await expect(device.reconcile(peers)).rejects.toThrow('refused');
    await expect(device.observe()).rejects.toMatchObject({ code: 'unavailable' });
    refuses = false;
    await device.reconcile(peers);
    expect((await device.observe()).peers.size).toBe(2);
    world.close();
  });

  it('does not show our key any more: no change counts as done', async () => {
    const { system, world } = model();
    const device = world.device();
    await device.start();
    const link = system.links.get('siderolink');
    if (link?.wireguard !== undefined) link.wireguard.privateKey = undefined;
    await expect(device.apply({ set: world.peer() })).rejects.toMatchObject({ code: 'command_failed' });
    world.close();
  });

  it.each(['', '0wg', 'a-name-that-is-too-long', 'a/b', 'a b', '-x', 'a"b', '..'])('refuses the name "%s"', (name) => {
    const { world } = model();
    expect(() => world.device({ interface: name })).toThrow(/is no interface name/);
    world.close();
  });
});
