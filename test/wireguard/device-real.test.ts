import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { TestNetwork } from '../helpers/netns.ts';
import { deviceContract } from './contract.ts';
import { World } from './world.ts';

const net = new TestNetwork('wgdev');
const gateway = await net.namespace('gw');
afterAll(() => net.dispose());

// Also where the kernel has WireGuard: what it does with that is in device-kernel.test.ts.
deviceContract('a real network namespace, with wireguard-go', {
  world: async () => new World(gateway.runner, net.interfaceName(), 51_002, { backend: 'userspace' }),
  takePort: async (_, port) => {
    const source = `import dgram from 'node:dgram'; const s = dgram.createSocket('udp4'); s.bind(${port}, () => console.log('bound'));`;
    const child = gateway.spawn([process.execPath, '--input-type=module', '-e', source]);
    await once(child.stdout ?? child, 'data');
    return async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    };
  },
  clear: async (world) => {
    const present = await gateway.run(['ip', 'link', 'del', 'dev', world.interface]).catch(() => '');
    expect(present).toBe('');
    await gateway.run(['nft', 'flush', 'ruleset']);
    await gateway.run(['ip', '-6', 'route', 'flush', 'type', 'unreachable']);
  },
});

describe('a real device', () => {
  it('takes 10,000 machines that join at once, and shows all of them', async () => {
    const world = new World(gateway.runner, net.interfaceName(), 51_004, { backend: 'userspace' });
    const device = world.device({ batchWindowMs: 50 });
    await device.start();
    const peers = Array.from({ length: 10_000 }, () => world.peer());
    await Promise.all(peers.map((peer) => device.apply({ set: peer })));
    const { peers: shown } = await device.observe();
    expect(shown.size).toBe(10_000);
    for (const { publicKey, address } of peers) expect(shown.get(publicKey)?.allowedIps).toEqual([`${address}/128`]);
    expect(await device.reconcile(peers)).toEqual({ added: 0, removed: 0, changed: 0 });
    await device.down();
    world.close();
  }, 120_000);
});
