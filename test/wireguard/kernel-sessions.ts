import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PrivateKey } from '../../src/domain/keys.ts';
import type { PeerSpec } from '../../src/wireguard/types.ts';
import type { KernelHost } from './kernel-host.ts';
import { World } from './world.ts';

const PORT = 51_002;
const MACHINE_KEY = '/tmp/machine-key';

/**
 * Sessions of the kernel's WireGuard with a machine behind a NAT, in a virtual machine where there is no Node: what is
 * spoken is pings, and a restarted process is another device object, as the kernel sees nothing else of one.
 */
export function kernelSessions(host: KernelHost): void {
  describe(`sessions on ${host.name}`, () => {
    const { run } = host.runner;
    const world = new World(host.runner, host.interface, PORT, { backend: 'kernel', putFile: host.putFile });
    const sh = (script: string) => run(['sh', '-c', script]);
    const at = (namespace: string, command: string) => sh(`/usr/bin/ip netns exec ${namespace} ${command}`);
    let spec: PeerSpec = world.peer();

    /** A new key for the machine, as at every boot. */
    async function newKey(): Promise<PeerSpec> {
      const key = PrivateKey.generate();
      host.putFile(MACHINE_KEY, key.reveal());
      await at('m1', `wg set wm private-key ${MACHINE_KEY}`);
      spec = { publicKey: key.publicKey, address: spec.address };
      return spec;
    }

    /** Whether the machine hears an answer; its first word makes its session. */
    const speaks = () => answers(at('m1', `ping6 -c 1 -W 5 ${world.overlay.server}`));
    /** Whether the gateway gets an answer of the machine. */
    const reaches = () => answers(sh(`ping6 -c 1 -W 2 ${spec.address}`));
    const shown = async () => (await world.device().observe()).peers.get(spec.publicKey);

    beforeAll(async () => {
      await sh(`
        set -e
        for name in nat m1; do /usr/bin/ip netns add $name; /usr/bin/ip -n $name link set dev lo up; done
        /usr/bin/ip link add up0 type veth peer name up1 netns nat
        /usr/bin/ip -n nat link add in0 type veth peer name in1 netns m1
        /usr/bin/ip addr add 10.79.1.1/24 dev up0; /usr/bin/ip link set dev up0 up
        /usr/bin/ip -n nat addr add 10.79.1.2/24 dev up1; /usr/bin/ip -n nat link set dev up1 up
        /usr/bin/ip -n nat addr add 10.79.2.1/24 dev in0; /usr/bin/ip -n nat link set dev in0 up
        /usr/bin/ip -n m1 addr add 10.79.2.2/24 dev in1; /usr/bin/ip -n m1 link set dev in1 up
        /usr/bin/ip -n m1 route add default via 10.79.2.1
        /usr/bin/ip netns exec nat sysctl -q -w net.ipv4.ip_forward=1
        /usr/bin/ip netns exec nat nft 'table ip nat { chain post { type nat hook postrouting priority 100; oifname "up1" masquerade; }; }'
        /usr/bin/ip -n m1 link add wm type wireguard
      `);
      const device = world.device();
      await device.start();
      await device.apply({ set: await newKey() });
      await sh(`
        set -e
        /usr/bin/ip -n m1 link set dev wm mtu 1280 up
        /usr/bin/ip -n m1 addr add ${spec.address}/128 dev wm nodad
        /usr/bin/ip -n m1 route add ${world.overlay.prefix} dev wm
        /usr/bin/ip netns exec m1 wg set wm peer ${world.key.publicKey} endpoint 10.79.1.1:${PORT} allowed-ips ${world.overlay.server}/128
      `);
      expect(await speaks()).toBe(true);
    });
    afterAll(async () => {
      await world.device().down();
      await sh('for name in m1 nat; do /usr/bin/ip netns del $name; done');
      world.close();
    });

    it('survive the process that made them, under traffic: nothing is lost, no handshake is made', async () => {
      const before = await shown();
      expect(before?.endpoint).toMatch(/^10\.79\.1\.2:\d+$/);
      await sh(
        `/usr/bin/ip netns exec m1 ping6 -i 0.1 -c 100 ${world.overlay.server} </dev/null >/tmp/pings 2>&1 & echo $! >/tmp/pings.pid`,
      );
      for (const end of ['stop', 'kill'] as const) {
        const process = world.device();
        await process.start();
        expect(await process.reconcile([spec])).toEqual({ added: 0, removed: 0, changed: 0 });
        // One that is killed says nothing any more, whatever it was about to do.
        if (end === 'stop') await process.stop();
      }
      await sh('while kill -0 "$(cat /tmp/pings.pid)" 2>/dev/null; do sleep 0.2; done');
      expect(await sh('cat /tmp/pings')).toContain('100 packets transmitted, 100 packets received');
      const after = await shown();
      expect(after).toMatchObject({ latestHandshake: before?.latestHandshake, endpoint: before?.endpoint });
      expect(after?.rxBytes).toBeGreaterThan(before?.rxBytes ?? Number.NaN);
    });

    it('are new with a new key, at once', async () => {
      const remove = spec.publicKey;
      await world.device().apply({ remove, set: await newKey() });
      expect(await speaks()).toBe(true);
      expect([...(await world.device().observe()).peers.keys()]).toEqual([spec.publicKey]);
    });

    it('of a device that was made anew: the gateway reaches the machine at once where it knows its endpoint', async () => {
      const endpoint = (await shown())?.endpoint ?? '';
      const device = world.device();
      await device.start();
      await run(['ip', 'link', 'del', 'dev', world.interface]);
      await device.reconcile([spec]);
      // The machine has nothing to say and no keepalive: it would not notice for minutes.
      expect(await reaches()).toBe(false);
      await run(['ip', 'link', 'del', 'dev', world.interface]);
      await device.reconcile([{ ...spec, endpoint }]);
      expect(await reaches()).toBe(true);
      expect((await shown())?.endpoint).toBe(endpoint);
    });

    it('are given to nobody with the key of the gateway itself', async () => {
      const own = { ...world.peer(), publicKey: world.key.publicKey };
      const other = world.peer();
      const device = world.device();
      const [refused, taken] = await Promise.allSettled([device.apply({ set: own }), device.apply({ set: other })]);
      expect([refused.status, taken.status]).toEqual(['rejected', 'fulfilled']);
    });
  });
}

async function answers(ping: Promise<string>): Promise<boolean> {
  return await ping.then(
    (text) => text.includes(' 1 packets received'),
    () => false,
  );
}
