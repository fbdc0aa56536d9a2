import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { networkBlock, networkBlocks, networkPage } from './how-to-network.ts';

// docs/how-to/network.md: its settings, and a gateway set up by it. Its nginx is in nginx.test.ts.

const gateway = new Gateway();
beforeAll(() => gateway.create());
afterAll(() => gateway.dispose());

it('has settings that are right', () => {
  const blocks = networkBlocks('yaml');
  expect(blocks.length).toBeGreaterThan(2);
  for (const block of blocks) expect(() => parseConfig(block)).not.toThrow();
});

it('shows what a host says whose new interfaces have no IPv6', async () => {
  await gateway.namespace.run(['sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
  const [shown] = /(?<=^ {4})siderolinkd: IPv6 is disabled .*$/m.exec(networkPage()) ?? [];
  await expect(gateway.start()).rejects.toThrow('the daemon ended with 78');
  expect(gateway.log.trim().split('\n').at(-1)?.replaceAll(gateway.interface, 'siderolink')).toBe(shown);
});

it('its firewall lets UDP and the tunnel through, and its sysctl leaves IPv6 to the overlay alone', async () => {
  const { namespace } = gateway;
  for (const line of networkBlock('sysctl').trim().split('\n')) {
    await namespace.run(['sysctl', '-qw', line.replaceAll(' ', '')]);
  }
  const file = join(gateway.directory, 'nftables.conf');
  writeFileSync(file, networkBlock('nft').replace('"siderolink"', `"${gateway.interface}"`));
  await namespace.run(['nft', '-f', file]);
  const relayed = 'ip saddr 127.64.0.0/10 udp sport 21821 ip daddr 127.0.0.1 udp dport 51821'.split(' ');
  await namespace.run(['nft', 'insert', 'rule', 'inet', 'filter', 'input', 'iifname', 'lo', ...relayed, 'counter']);

  await gateway.start();
  await gateway.kernelArguments();
  const asking = (await gateway.client.kernelArgs({ token: gateway.token, tunnel: true })).args.join(' ');
  const inTunnel = await Guest.create(gateway, { kernelArguments: asking });
  await inTunnel.machine.setOutage('udp');
  for (const guest of [await Guest.create(gateway), inTunnel]) {
    await guest.on();
    await guest.machine.log('through the firewall');
    await gateway.until('its line is stored', async () => {
      const filter = { machine: guest.uuid, grep: 'through the firewall' };
      return (await gateway.records(filter)).length > 0;
    });
  }
  const rules = await namespace.run(['nft', 'list', 'chain', 'inet', 'filter', 'input']);
  expect(rules).toMatch(/127\.64\.0\.0\/10.* counter packets [1-9]/);
  const disabled = await namespace.run(['sysctl', '-n', 'net.ipv6.conf.lo.disable_ipv6']);
  expect(disabled.trim()).toBe('1');
}, 240_000);
