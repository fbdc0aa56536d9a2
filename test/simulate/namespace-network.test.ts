import { expect, test } from 'vitest';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { PrivateKey } from '../../src/domain/keys.ts';
import { NamespaceNetwork } from '../../src/simulate/namespace-network.ts';
import type { LinkConfig } from '../../src/simulate/network.ts';
import { ManualClock } from './manual-clock.ts';

/** What `ip` and `wg` do to links and addresses, as far as the machine's link needs it; every command takes a turn. */
class FakeHost {
  readonly links = new Set<string>();
  readonly addresses = new Set<string>();
  /** The next command with these words fails, once. */
  failing: string | undefined;

  readonly run = async (file: string, ...args: readonly string[]): Promise<string> => {
    await new Promise((resolve) => setImmediate(resolve));
    const line = [file, ...args].join(' ');
    if (this.failing !== undefined && line.includes(this.failing)) {
      this.failing = undefined;
      throw new SiderolinkError('command_failed', line);
    }
    if (line === 'ip -o link show') return [...this.links].map((name, index) => `${index}: ${name}: <UP>`).join('\n');
    const [, add] = /^ip link add (\S+) /.exec(line) ?? [];
    if (add !== undefined) this.links.add(add);
    const [, gone] = /^ip link del (\S+)/.exec(line) ?? [];
    if (gone !== undefined && this.links.delete(gone)) this.addresses.clear();
    const [, verb, address = '', device = ''] = /^ip addr (replace|del) (\S+) dev (\S+)/.exec(line) ?? [];
    const known = this.links.has(device) && (verb === 'replace' || this.addresses.has(address));
    if (verb !== undefined && !known) throw new SiderolinkError('command_failed', `${line}: cannot assign`);
    if (verb === 'replace') this.addresses.add(address);
    if (verb === 'del') this.addresses.delete(address);
    return '';
  };
}

const base: LinkConfig = {
  privateKey: PrivateKey.generate(),
  address: 'fdae:41e4:649b:9303::10/64',
  serverPublicKey: PrivateKey.generate().publicKey,
  serverAddress: 'fdae:41e4:649b:9303::1',
  endpoint: '192.0.2.1:51820',
  mtu: 1280,
};

function made(host: FakeHost): NamespaceNetwork {
  const names = { linkInterface: 'slw1', worldInterface: 'eth0' };
  return new NamespaceNetwork(names, { run: host.run, clock: new ManualClock() });
}

test('a power cut while the link is being made leaves no link', async () => {
  const host = new FakeHost();
  const network = made(host);
  await Promise.all([network.configureLink(base), network.removeLink()]);
  expect([...host.links]).toEqual([]);
  await network.configureLink(base);
  expect([...host.links]).toEqual(['slw1']);
});

test('a change of the address that failed half way succeeds when it is tried again', async () => {
  const host = new FakeHost();
  const network = made(host);
  await network.configureLink(base);
  const moved = { ...base, address: 'fdae:41e4:649b:9303::20/64' };
  host.failing = `addr replace ${moved.address}`;
  await expect(network.configureLink(moved)).rejects.toMatchObject({ code: 'command_failed' });
  await network.configureLink(moved);
  expect([...host.addresses]).toEqual([moved.address]);
});

test('nothing listens without a link', async () => {
  await expect(made(new FakeHost()).listenOverlay(50_000, () => {})).rejects.toMatchObject({ code: 'unavailable' });
});
