import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { networkBlock, networkBlocks, networkPage } from './how-to-network.ts';

// docs/how-to/network.md: its settings, and a gateway set up by it. Its nginx is in nginx.test.ts.

const gateway = new Gateway();
const CTL = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
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
  const ours = async () => (await namespace.run(['nft', 'list', 'tables'])).includes('siderolinkd');
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
  // Before it is loaded anew, which counts from nothing and leaves our table where it is.
  const rules = await namespace.run(['nft', 'list', 'chain', 'inet', 'filter', 'input']);
  expect(rules).toMatch(/127\.64\.0\.0\/10.* counter packets [1-9]/);
  const disabled = await namespace.run(['sysctl', '-n', 'net.ipv6.conf.lo.disable_ipv6']);
  expect(disabled.trim()).toBe('1');
  const once = await filterRules();
  expect(await ours()).toBe(true);
  await namespace.run(['nft', '-f', file]);
  expect(await filterRules()).toBe(once.replace(/^.*127\.64\.0\.0.*\n/m, ''));
  expect(await ours()).toBe(true);
}, 240_000);

/** The page's firewall as it is loaded, without what it has counted. */
async function filterRules(): Promise<string> {
  const text = await gateway.namespace.run(['nft', 'list', 'table', 'inet', 'filter']);
  return text.replaceAll(/ counter packets \d+ bytes \d+/g, '');
}

/** siderolinkctl in the gateway's namespace, as an operator there has it. */
async function ctl(...args: readonly string[]): Promise<string> {
  const { namespace } = gateway;
  const socket = join(gateway.directory, 'control.sock');
  // The doctor ends with 1 where it finds an error, and a host of a test has some.
  return await namespace.run([
    'sh',
    '-c',
    '"$@" || [ $? = 1 ]',
    'sh',
    process.execPath,
    CTL,
    '--socket',
    socket,
    ...args,
  ]);
}

it('names commands that do what it says', async () => {
  const page = networkPage();
  const token = join(gateway.directory, 'token');
  writeFileSync(token, gateway.token);
  const said = (command: string) => {
    expect(page).toContain(command);
    return command.replace('siderolinkctl ', '').split(' ');
  };
  const words = said('siderolinkctl kernel-args --join-token-file token --tunnel');
  expect(await ctl(...words.map((word) => (word === 'token' ? token : word)))).toContain('grpc_tunnel=true');

  let uuid = '';
  for await (const machine of gateway.client.machines()) uuid = machine.server_uuid;
  await ctl(...said('siderolinkctl machine tunnel force cp-1').map((word) => (word === 'cp-1' ? uuid : word)));
  expect((await gateway.client.machine(uuid)).tunnel).toBe('force');
  expect(page).toContain('`inherit`');
  await ctl('machine', 'tunnel', 'inherit', uuid);
  expect((await gateway.client.machine(uuid)).tunnel).toBeNull();

  said('siderolinkctl doctor');
  const { checks } = JSON.parse(await ctl('doctor', '-o', 'json')) as { checks: { name: string; message: string }[] };
  const messages = new Map(checks.map(({ name, message }) => [name, message]));
  for (const name of ['mtu', 'links']) {
    expect(page).toContain(`\`${name}\``);
    expect([...messages.keys()]).toContain(name);
  }
  // It has none of the settings that the daemon was started with, and judges those all the same.
  expect(messages.get('settings')).toMatch(
    /^the daemon was started with others than this shell has, and all lines here are about those: .*state_dir/,
  );
  expect(messages.get('endpoints')).toContain('192.0.2.1:51821');
  expect(gateway.logged('made the overlay').map(({ what }) => what)).toContain('device');
}, 120_000);
