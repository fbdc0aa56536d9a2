import { afterAll, expect, vi } from 'vitest';
import { deviceContract } from './contract.ts';
import { kernelHost } from './kernel-host.ts';
import { kernelSessions } from './kernel-sessions.ts';
import { World } from './world.ts';

// An emulated processor takes its time, and where tests share it with others, so do they.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const host = await kernelHost();
afterAll(() => host.dispose());
const { run } = host.runner;

deviceContract(host.name, {
  world: async () => new World(host.runner, host.interface, 51_002, { backend: 'kernel', putFile: host.putFile }),
  takePort: async (_, port) => {
    // Another one's tunnel: the sockets of a process would need a process that waits.
    await run(['ip', 'link', 'add', 'dev', 'taker', 'type', 'wireguard']);
    await run(['wg', 'set', 'taker', 'listen-port', String(port)]);
    await run(['ip', 'link', 'set', 'dev', 'taker', 'up']);
    return async () => void (await run(['ip', 'link', 'del', 'dev', 'taker']));
  },
  clear: async (world) => {
    const present = await run(['ip', 'link', 'del', 'dev', world.interface]).catch(() => '');
    expect(present).toBe('');
    await run(['nft', 'flush', 'ruleset']);
    await run(['ip', '-6', 'route', 'flush', 'type', 'unreachable']);
  },
});

// On a host whose kernel has WireGuard it is what sessions.test.ts and the end-to-end tests run on.
if (host.isVirtual) kernelSessions(host);
