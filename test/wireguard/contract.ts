import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import { newAddress, overlayOf } from '../../src/domain/overlay.ts';
import type { Backend } from '../../src/wireguard/device-maker.ts';
import type { Runner } from '../../src/wireguard/runner.ts';
import type { ObservedDevice, PeerSpec } from '../../src/wireguard/types.ts';
import { isMutation, type World } from './world.ts';

type Command = readonly [string, ...string[]];

/** What one system offers the contract suite. */
export interface ContractSystem {
  /** A system with none of our things in it. */
  world(): Promise<World>;
  /** Takes a UDP port as another program would; gives its release. */
  takePort(world: World, port: number): Promise<() => Promise<void>>;
  /** Clears what a test left. */
  clear(world: World): Promise<void>;
}

/** What the device must do on any system: on the model of it, and on the real one. */
export function deviceContract(name: string, system: ContractSystem): void {
  describe(`the device on ${name}`, () => {
    let world: World;
    beforeEach(async () => {
      world = await system.world();
    });
    afterEach(async () => {
      await system.clear(world);
      world.close();
    });

    const run = (...argv: Command) => world.runner.run(argv);
    const wg = (...args: string[]) => run('wg', 'set', world.interface, ...args);

    /** As the unit of its own does when wireguard-go ended. */
    async function remake(backend: Backend): Promise<void> {
      const { interface: dev } = world;
      await run('ip', 'link', 'del', 'dev', dev);
      if (backend === 'kernel') await run('ip', 'link', 'add', 'dev', dev, 'type', 'wireguard');
      else await world.runner.run(['wireguard-go', dev], { detached: true });
    }

    /** All that is ours, as the system itself shows it. */
    async function look() {
      const { interface: dev, overlay } = world;
      const [link] = JSON.parse(await run('ip', '-j', '-d', 'link', 'show', 'dev', dev));
      const [addresses] = JSON.parse(await run('ip', '-j', '-6', 'addr', 'show', 'dev', dev));
      const routes: { type?: string; dev: string; metric: number }[] = JSON.parse(
        (await run('ip', '-j', '-6', 'route', 'show', 'exact', overlay.prefix)) || '[]',
      );
      const table = await run('nft', '-s', 'list', 'table', 'inet', `siderolinkd-${dev}`).catch(() => undefined);
      return {
        mtu: link.mtu,
        up: link.flags.includes('UP'),
        server: addresses.addr_info.some((a: { local: string }) => a.local === overlay.server),
        routes: routes
          .map(({ type = 'unicast', dev: via, metric }) => `${type} ${via} ${metric}`)
          .sort()
          .join('; '),
        table,
      };
    }

    const right = () => ({
      mtu: 1280,
      up: true,
      server: true,
      routes: `unicast ${world.interface} 256; unreachable lo 4294967295`,
      table: expect.stringContaining('chain from_machines'),
    });

    function shown(observed: ObservedDevice): Record<string, string> {
      return Object.fromEntries([...observed.peers].map(([key, peer]) => [key, peer.allowedIps.join(',')]));
    }
    const wanted = (peers: readonly PeerSpec[]) =>
      Object.fromEntries(peers.map((peer) => [peer.publicKey, `${peer.address}/128`]));

    it('is made whole by one start', async () => {
      const device = world.device();
      await device.start();
      expect(await look()).toEqual(right());
      const observed = await device.observe();
      expect(observed).toEqual({ publicKey: world.key.publicKey, listenPort: world.listenPort, peers: new Map() });
    });

    it('is adopted by the next start, which changes nothing but the firewall it cannot know', async () => {
      const first = world.device();
      await first.start();
      const peer = world.peer();
      await first.apply({ set: peer });
      await first.stop();
      world.commands.length = 0;
      const second = world.device();
      await second.start();
      expect(await second.reconcile([peer])).toEqual({ added: 0, removed: 0, changed: 0 });
      expect(world.commands.filter(isMutation)).toEqual([expect.stringMatching(/^nft table inet/)]);
      expect(second.backend).toBe(first.backend);
    });

    it('runs no command that changes anything while all is right', async () => {
      const device = world.device();
      await device.start();
      const peers = [world.peer(), world.peer()];
      await device.reconcile(peers);
      world.commands.length = 0;
      await device.reconcile(peers);
      expect(world.commands.filter(isMutation)).toEqual([]);
    });

    describe('repairs what others did to it, keeping its peers:', () => {
      const damages: readonly [string, (dev: string, world: World) => readonly Command[]][] = [
        ['address', (dev, { overlay }) => [['ip', '-6', 'addr', 'del', `${overlay.server}/128`, 'dev', dev]]],
        ['route', (dev, { overlay }) => [['ip', '-6', 'route', 'del', overlay.prefix, 'dev', dev]]],
        [
          'unreachable',
          (_, { overlay }) => [['ip', '-6', 'route', 'del', 'unreachable', overlay.prefix, 'metric', '4294967295']],
        ],
        ['mtu', (dev) => [['ip', 'link', 'set', 'dev', dev, 'mtu', '1420']]],
        ['up', (dev) => [['ip', 'link', 'set', 'dev', dev, 'down']]],
        ['firewall', (dev) => [['nft', 'delete', 'table', 'inet', `siderolinkd-${dev}`]]],
        ['firewall', (dev) => [['nft', 'flush', 'table', 'inet', `siderolinkd-${dev}`]]],
        ['port', (dev) => [['wg', 'set', dev, 'listen-port', '51003']]],
      ];
      it.each(damages)('%s', async (what, damage) => {
        const device = world.device();
        await device.start();
        const peers = [world.peer(), world.peer()];
        await device.reconcile(peers);
        const before = await world.repairs(what);
        for (const command of damage(world.interface, world)) await world.runner.run(command);
        expect(await device.reconcile(peers)).toEqual({ added: 0, removed: 0, changed: 0 });
        expect(await look()).toEqual(right());
        expect((await device.observe()).listenPort).toBe(world.listenPort);
        expect(shown(await device.observe())).toEqual(wanted(peers));
        expect(await world.repairs(what)).toBe(before + 1);
      });

      it('its private key', async () => {
        const device = world.device();
        await device.start();
        const peer = world.peer();
        await device.reconcile([peer]);
        world.writeKey(PrivateKey.generate());
        await wg('private-key', world.keyFile);
        world.writeKey(world.key);
        await device.reconcile([peer]);
        const observed = await device.observe();
        expect(observed.publicKey).toBe(world.key.publicKey);
        expect(shown(observed)).toEqual(wanted([peer]));
      });

      it('all of it, when the device is gone', async () => {
        const device = world.device();
        await device.start();
        const peers = [world.peer(), world.peer()];
        await device.reconcile(peers);
        await run('ip', 'link', 'del', 'dev', world.interface);
        expect(await device.reconcile(peers)).toEqual({ added: 2, removed: 0, changed: 0 });
        expect(await look()).toEqual(right());
      });
    });

    it('is never seen half made: a reading waits for the repair under way', async () => {
      const device = world.device();
      await device.start();
      const peers = [world.peer(), world.peer()];
      await device.reconcile(peers);
      await run('ip', 'link', 'del', 'dev', world.interface);
      const repair = device.reconcile(peers);
      expect(shown(await device.observe())).toEqual(wanted(peers));
      await repair;
    });

    it('gives a peer that it has to make anew its last endpoint, and none to one that is there', async () => {
      const device = world.device();
      await device.start();
      const [v4, v6, there] = [world.peer(), world.peer(), world.peer()];
      await wg('peer', there.publicKey, 'allowed-ips', `${there.address}/128`, 'endpoint', '192.0.2.9:1009');
      const lost = { ...there, endpoint: '192.0.2.1:1001' };
      const repair = await device.reconcile([
        { ...v4, endpoint: '192.0.2.7:1007' },
        { ...v6, endpoint: '[2001:db8::8]:1008' },
        lost,
      ]);
      expect(repair).toEqual({ added: 2, removed: 0, changed: 0 });
      const { peers, madeAnew } = await device.observe();
      const endpoints = [v4, v6, there].map(({ publicKey }) => peers.get(publicKey)?.endpoint);
      expect(endpoints).toEqual(['192.0.2.7:1007', '[2001:db8::8]:1008', '192.0.2.9:1009']);
      expect(new Set(madeAnew?.keys())).toEqual(new Set([v4.publicKey, v6.publicKey]));
      // A machine that joins makes its session itself.
      await device.apply({ remove: v4.publicKey, set: v4 });
      expect([...((await device.observe()).madeAnew?.keys() ?? [])]).toEqual([v6.publicKey]);
    });

    it('is not believed when another made it anew, until it is repaired: nobody is gone', async () => {
      const device = world.device();
      await device.start();
      const peers = [world.peer(), world.peer()];
      await device.reconcile(peers);
      await remake(device.backend);
      await expect(device.observe()).rejects.toMatchObject({ code: 'command_failed' });
      expect(await device.reconcile(peers)).toEqual({ added: 2, removed: 0, changed: 0 });
      expect(shown(await device.observe())).toEqual(wanted(peers));
      expect(await look()).toEqual(right());
    });

    it('gets exactly the peers that it should have', async () => {
      const device = world.device();
      await device.start();
      const [kept, robbed, lost, foreign, thief] = [0, 1, 2, 3, 4].map(() => world.peer()) as [
        PeerSpec,
        PeerSpec,
        PeerSpec,
        PeerSpec,
        PeerSpec,
      ];
      await device.reconcile([kept, robbed, lost]);
      await wg('peer', lost.publicKey, 'remove');
      await wg('peer', foreign.publicKey, 'allowed-ips', `${foreign.address}/128`);
      await wg('peer', thief.publicKey, 'allowed-ips', `${robbed.address}/128`);
      expect((await device.observe()).peers.get(robbed.publicKey)?.allowedIps).toEqual([]);
      expect(await device.reconcile([kept, robbed, lost])).toEqual({ added: 1, removed: 2, changed: 1 });
      expect(shown(await device.observe())).toEqual(wanted([kept, robbed, lost]));
    });

    it('shows a change when apply resolves: add, swap of keys, reset, removal', async () => {
      const device = world.device();
      await device.start();
      const peer = world.peer();
      const next = { ...world.peer(), address: peer.address };
      await device.apply({ set: peer });
      expect(shown(await device.observe())).toEqual(wanted([peer]));
      world.commands.length = 0;
      await device.apply({ remove: peer.publicKey, set: next });
      expect(world.commands.filter(isMutation)).toEqual([
        `wg set ${world.interface} peer ${peer.publicKey} remove peer ${next.publicKey} allowed-ips ${next.address}/128`,
      ]);
      expect(shown(await device.observe())).toEqual(wanted([next]));
      await device.apply({ remove: next.publicKey, set: next });
      expect(shown(await device.observe())).toEqual(wanted([next]));
      await device.apply({ remove: next.publicKey });
      await device.apply({ remove: next.publicKey });
      expect(shown(await device.observe())).toEqual({});
    });

    it('is not read for a change while it is the same device and was read of late', async () => {
      const device = world.device({ freshMs: 600_000 });
      await device.start();
      const [there, joined] = [world.peer(), world.peer()];
      const next = { ...world.peer(), address: joined.address };
      await device.reconcile([there]);
      world.commands.length = 0;
      await device.apply({ set: joined });
      await device.apply({ remove: joined.publicKey, set: next });
      await device.apply({ remove: there.publicKey });
      const { interface: dev } = world;
      const look = `cat /proc/self/net/dev_snmp6/${dev}`;
      expect(world.commands).toEqual([
        `wg set ${dev} peer ${joined.publicKey} allowed-ips ${joined.address}/128`,
        look,
        `wg set ${dev} peer ${joined.publicKey} remove peer ${next.publicKey} allowed-ips ${next.address}/128`,
        look,
        `wg set ${dev} peer ${there.publicKey} remove`,
        look,
      ]);
      expect(shown(await device.observe())).toEqual(wanted([next]));
    });

    it.each([
      ['the last reading is old', { freshMs: 0 }],
      ['much was changed since', { maxUnreadPeers: 0 }],
    ])('is read for a change when %s', async (_, options) => {
      const device = world.device(options);
      await device.start();
      await device.reconcile([world.peer()]);
      world.commands.length = 0;
      await device.apply({ set: world.peer() });
      expect(world.commands).toContain(`wg show ${world.interface} dump`);
    });

    it('no change counts as done in a device that another made anew', async () => {
      const device = world.device();
      await device.start();
      const [there, joined] = [world.peer(), world.peer()];
      await device.reconcile([there]);
      await remake(device.backend);
      await expect(device.apply({ set: joined })).rejects.toMatchObject({ code: 'command_failed' });
      // Nor is that one believed later, until it is repaired.
      await expect(device.apply({ set: joined })).rejects.toMatchObject({ code: 'command_failed' });
      await expect(device.observe()).rejects.toMatchObject({ code: 'command_failed' });
      await device.reconcile([there]);
      await device.apply({ set: joined });
      expect(shown(await device.observe())).toEqual(wanted([there, joined]));
    });

    it('a change that another undid is found by the next reading, which shows nobody then, and repaired', async () => {
      const device = world.device({ freshMs: 600_000 });
      await device.start();
      const [there, joined] = [world.peer(), world.peer()];
      await device.reconcile([there]);
      await device.apply({ set: joined });
      await wg('peer', joined.publicKey, 'remove');
      await expect(device.observe()).rejects.toMatchObject({ code: 'unavailable' });
      await expect(device.observe()).rejects.toMatchObject({ code: 'unavailable' });
      expect(await device.reconcile([there, joined])).toEqual({ added: 1, removed: 0, changed: 0 });
      expect(shown(await device.observe())).toEqual(wanted([there, joined]));
    });

    it('a key that is not ours any more is found by the next reading; no change counts as done from then on', async () => {
      const device = world.device();
      await device.start();
      const [there, joined] = [world.peer(), world.peer()];
      await device.reconcile([there]);
      world.writeKey(PrivateKey.generate());
      await wg('private-key', world.keyFile);
      world.writeKey(world.key);
      await expect(device.observe()).rejects.toMatchObject({ code: 'command_failed' });
      await expect(device.apply({ set: joined })).rejects.toMatchObject({ code: 'command_failed' });
      await device.reconcile([there]);
      await device.apply({ set: joined });
      expect(shown(await device.observe())).toEqual(wanted([there, joined]));
    });

    it('takes changes asked for at once in few calls, each with at most 500 peers', async () => {
      const device = world.device();
      await device.start();
      const peers = Array.from({ length: 1200 }, () => world.peer());
      world.commands.length = 0;
      await Promise.all(peers.map((peer) => device.apply({ set: peer })));
      expect(shown(await device.observe())).toEqual(wanted(peers));
      const calls = world.commands.filter(isMutation);
      expect(calls.map((call) => call.match(/ peer /g)?.length)).toEqual([500, 500, 200]);
    });

    it('does changes of one peer in the order in which they were asked for', async () => {
      const device = world.device();
      await device.start();
      const first = world.peer();
      const boots = Array.from({ length: 100 }, () => ({ ...world.peer(), address: first.address }));
      let current = first;
      const changes = [device.apply({ set: first })];
      for (const boot of boots) {
        changes.push(device.apply({ remove: current.publicKey, set: boot }));
        current = boot;
      }
      await Promise.all(changes);
      expect(shown(await device.observe())).toEqual(wanted([current]));
    });

    it('a repair does not undo a change that was asked for while it waited', async () => {
      const device = world.device();
      await device.start();
      const [old, joined, gone] = [world.peer(), world.peer(), world.peer()];
      await device.reconcile([old, gone]);
      const desired = [old, gone];
      const changes = [device.apply({ set: joined }), device.apply({ remove: gone.publicKey })];
      const repair = device.reconcile(desired);
      const late = world.peer();
      changes.push(device.apply({ set: late }));
      await Promise.all([...changes, repair]);
      expect(shown(await device.observe())).toEqual(wanted([old, joined, late]));
    });

    it('keeps every address as the device writes it, whatever its zeros', async () => {
      const device = world.device();
      await device.start();
      const hosts = [
        '0000000000000002',
        '0001000000000001',
        '0000000100000001',
        '0001000100000000',
        'ffff00000a000001',
      ];
      const peers = hosts.map((host) => ({
        publicKey: PrivateKey.generate().publicKey,
        address: newAddress(
          world.overlay,
          () => false,
          () => Buffer.from(host, 'hex'),
        ),
      }));
      await device.reconcile(peers);
      expect(shown(await device.observe())).toEqual(wanted(peers));
    });

    it('starts after a crash at any step of the start before', async () => {
      for (let survived = 0; ; survived += 1) {
        let left = survived;
        let crashed = false;
        const dying: Runner = {
          run: async (argv, options) => {
            if (crashed || (isMutation(argv.join(' ')) && left-- === 0)) {
              crashed = true;
              throw new Error('killed');
            }
            return world.runner.run(argv, options);
          },
        };
        const failed = await world
          .device({}, dying)
          .start()
          .then(
            () => false,
            () => true,
          );
        expect(failed).toBe(crashed);
        const next = world.device();
        await next.start();
        expect(await look()).toEqual(right());
        await next.down();
        if (!crashed) break;
      }
    }, 300_000);

    it('is left up by stop, and refuses further work', async () => {
      const device = world.device();
      await device.start();
      const peer = world.peer();
      await device.apply({ set: peer });
      const waiting = device.apply({ set: world.peer() });
      const refused = expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
      await device.stop();
      await refused;
      await expect(device.apply({ set: world.peer() })).rejects.toMatchObject({ code: 'unavailable' });
      await expect(device.reconcile([])).rejects.toMatchObject({ code: 'unavailable' });
      expect(await look()).toEqual(right());
      expect(shown(await device.observe())).toEqual(wanted([peer]));
    });

    it('leaves nothing after down, which may be repeated and needs no start', async () => {
      await world.device().start();
      await world.device().down();
      await world.device().down();
      await expect(run('ip', '-j', 'link', 'show', 'dev', world.interface)).rejects.toThrow('does not exist');
      const table = run('nft', '-s', 'list', 'table', 'inet', `siderolinkd-${world.interface}`);
      await expect(table).rejects.toThrow('No such file');
      const routes = await run('ip', '-j', '-6', 'route', 'show', 'exact', world.overlay.prefix);
      expect(JSON.parse(routes || '[]')).toEqual([]);
    });

    it('refuses an interface of another kind and does not harm it', async () => {
      await run('ip', 'link', 'add', 'dev', world.interface, 'type', 'bridge');
      await expect(world.device().start()).rejects.toMatchObject({ code: 'configuration' });
      await expect(world.device().down()).rejects.toMatchObject({ code: 'configuration' });
      await run('ip', '-j', 'link', 'show', 'dev', world.interface);
    });

    it('refuses the interface of another installation and does not harm it', async () => {
      const first = world.device();
      await first.start();
      await first.reconcile([world.peer(), world.peer()]);
      const before = await first.observe();
      const key = PrivateKey.generate();
      world.writeKey(key);
      const second = world.device({ publicKey: key.publicKey, overlay: overlayOf('another installation') });
      await expect(second.start()).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`has the address ${world.overlay.server} of another installation`),
      });
      expect(await first.observe()).toEqual(before);
      expect(await look()).toMatchObject(right());
      await second.down();
      await second.start();
    });

    it('says that the port is taken, takes back what it made, and starts once it is free', async () => {
      const release = await system.takePort(world, world.listenPort);
      await expect(world.device().start()).rejects.toMatchObject({
        code: 'configuration',
        message: expect.stringContaining(`UDP port ${world.listenPort}`),
      });
      await expect(run('ip', '-j', 'link', 'show', 'dev', world.interface)).rejects.toThrow('does not exist');
      await release();
      await world.device().start();
      expect(await look()).toEqual(right());
    });

    it('says that IPv6 is disabled', async () => {
      await run('sysctl', '-q', '-w', 'net.ipv6.conf.default.disable_ipv6=1');
      try {
        await expect(world.device().start()).rejects.toMatchObject({
          code: 'configuration',
          message: expect.stringContaining('disable_ipv6'),
        });
      } finally {
        await run('sysctl', '-q', '-w', 'net.ipv6.conf.default.disable_ipv6=0');
      }
    });

    it('keeps no firewall where it is switched off', async () => {
      await world.device({ firewall: false }).start();
      expect(await look()).toEqual({ ...right(), table: undefined });
    });

    it('warns of a missing group, and lets its members in once it is there', async () => {
      const device = world.device({ allowGroup: 'no-such-group-here' });
      await device.start();
      expect(world.health.conditions).toContainEqual(
        expect.objectContaining({ name: 'overlay_allow_group', severity: 'warning' }),
      );
      const other = world.device({ allowGroup: 'daemon' });
      await other.start();
      expect(world.health.conditions).toContainEqual(
        expect.objectContaining({ name: 'overlay_allow_group', severity: 'ok' }),
      );
      expect((await look()).table).toMatch(/elements = \{ 0, 1 \}/);
    });

    it('never shows the private key: not in argv, not in the log, not in an error', async () => {
      const device = world.device();
      await device.start();
      await device.reconcile([world.peer()]);
      const error = await run('wg', 'set', world.interface, 'peer', 'nonsense').catch((cause: unknown) => cause);
      const everything = JSON.stringify([world.commands, world.log, error, (error as Error).message]);
      expect(everything).toContain(world.interface);
      expect(everything).not.toContain(world.key.reveal());
    });
  });
}
