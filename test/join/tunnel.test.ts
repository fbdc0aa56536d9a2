import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { PublicKey } from '../../src/domain/keys.ts';
import { parseVirtualEndpoint } from '../../src/domain/tunnel.ts';
import type { NodeUuid } from '../../src/domain/uuid.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

afterEach(closeGateways);

const MINUTE = 60_000;
const person = () => ({ uuid: randomUUID(), key: newKey() });

/** The machine that may come with what an answer said. */
function comes(gateway: Gateway, endpoint: string): Machine | undefined {
  const virtual = parseVirtualEndpoint(endpoint);
  if (virtual === undefined) throw new Error(`${endpoint} is no virtual endpoint`);
  return gateway.fleet.machines.byVirtual(virtual, gateway.clock.now());
}

const view = (gateway: Gateway, address: string) => machineViewJson(gateway.fleet.machines.view(gateway.at(address)));

describe('a machine that asks for the tunnel', () => {
  it('is told its virtual address, also in place of the endpoints, and the same again', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const joined = await gateway.provision(call);
    expect(joined.tunnel).toMatch(/^\[fd[0-9a-f]{2}:[0-9a-f:]+\]:50888$/);
    expect(joined.tunnel.startsWith(`[${gateway.overlay.tunnelPrefix.replace(/::\/64$/, ':')}`)).toBe(true);
    expect(joined.endpoints).toEqual([joined.tunnel]);
    expect(comes(gateway, joined.tunnel)?.address).toBe(joined.address);
    const { commits } = gateway;
    expect(await gateway.provision(call)).toEqual(joined);
    expect(gateway.commits).toBe(commits);
    expect(gateway.told('provisioned')).toEqual([expect.objectContaining({ mode: 'tunnel', endpoint: null })]);
  });

  it('nowhere in the log or in a record stands its virtual address', async () => {
    const gateway = await Gateway.start();
    const { tunnel } = await gateway.provision({ ...person(), tunnel: true });
    const [address = ''] = /[0-9a-f:]{10,}(?=\])/.exec(tunnel) ?? [];
    for (const text of [...gateway.logged, ...gateway.log.records.map(({ body }) => body)]) {
      expect(text).not.toContain(address);
    }
  });

  it('has another one with another key, and the former is nobody’s at once', async () => {
    const gateway = await Gateway.start();
    const { uuid, key } = person();
    const first = await gateway.provision({ uuid, key, tunnel: true });
    const second = await gateway.provision({ uuid, key: newKey(), tunnel: true });
    expect(second.address).toBe(first.address);
    expect(second.tunnel).not.toBe(first.tunnel);
    expect(comes(gateway, first.tunnel)).toBeUndefined();
    expect(comes(gateway, second.tunnel)?.address).toBe(first.address);
  });

  it('has another one once its link was up and is down; both are let in until ten minutes have passed', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const first = await gateway.provision(call);
    gateway.linked(call.key);
    gateway.clock.advance(4 * MINUTE);
    expect((await gateway.provision(call)).tunnel).toBe(first.tunnel);
    gateway.clock.advance(MINUTE);
    const { commits } = gateway;
    const { version } = gateway.at(first.address);
    const second = await gateway.provision(call);
    expect(second.tunnel).not.toBe(first.tunnel);
    expect(second.address).toBe(first.address);
    expect(gateway.commits).toBe(commits + 1);
    // Its peer is made anew with it, and nobody's claim is stale for it.
    expect(gateway.device.changes.at(-1)).toMatchObject({ remove: call.key, set: { publicKey: call.key } });
    expect(gateway.at(first.address).version).toBe(version);
    expect(gateway.log.changes.at(-1)?.records).toEqual([]);
    for (const { tunnel } of [first, second]) expect(comes(gateway, tunnel)?.address).toBe(first.address);
    const after = await gateway.restart();
    for (const { tunnel } of [first, second]) expect(comes(after, tunnel)?.address).toBe(first.address);
    after.clock.advance(10 * MINUTE);
    expect(comes(after, first.tunnel)).toBeUndefined();
    expect(comes(after, second.tunnel)?.address).toBe(first.address);
  });

  it('is told the same after a restart of ours', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const joined = await gateway.provision(call);
    const after = await gateway.restart();
    expect(comes(after, joined.tunnel)?.address).toBe(joined.address);
    expect(await after.provision(call)).toEqual(joined);
  });

  it('may not come any more when it is removed, and again when it is readmitted', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const { tunnel } = await gateway.provision(call);
    await gateway.fleet.admin.remove(call.uuid as NodeUuid, { records: false }, 'ann');
    expect(comes(gateway, tunnel)).toBeUndefined();
    await gateway.fleet.admin.readmit(call.uuid as NodeUuid, 'ann');
    expect(comes(gateway, tunnel)?.uuid).toBe(call.uuid);
  });

  it('a commit that fails takes the new address back', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const first = await gateway.provision(call);
    gateway.linked(call.key);
    gateway.clock.advance(5 * MINUTE);
    gateway.log.failures = 1;
    await gateway.refusal(call);
    expect(gateway.fleet.joins.tunnelOf(gateway.at(first.address).id)).toBe(first.tunnel);
    expect((await gateway.provision(call)).tunnel).not.toBe(first.tunnel);
  });
});

describe('between UDP and the tunnel', () => {
  it('the same key changes its way in one commit, and keeps all else', async () => {
    const gateway = await Gateway.start();
    const call = person();
    const udp = await gateway.provision(call);
    expect(udp.tunnel).toBe('');
    gateway.linked(call.key);
    const { commits } = gateway;
    const tunnelled = await gateway.provision({ ...call, tunnel: true });
    expect(gateway.commits).toBe(commits + 1);
    expect(tunnelled.address).toBe(udp.address);
    expect(gateway.log.changes.at(-1)?.records).toMatchObject([{ stream: 'link', detail: 'provisioned' }]);
    expect(gateway.device.changes.at(-1)).toEqual({ set: { publicKey: call.key, address: udp.address } });
    const back = await gateway.provision(call);
    expect(back).toEqual(udp);
    // Until its packets come the other way, its stream may stay.
    expect(comes(gateway, tunnelled.tunnel)?.address).toBe(udp.address);
    expect(gateway.told('provisioned').map(({ mode }) => mode)).toEqual(['udp', 'tunnel', 'udp']);
    expect(gateway.at(udp.address)).toMatchObject({ boot: 1, version: 1 });
  });

  it('calls that differ in nothing else do not share their answer', async () => {
    const gateway = await Gateway.start();
    const call = person();
    await gateway.provision(call);
    const [plain, tunnelled] = await Promise.all([
      gateway.provision(call),
      gateway.provision({ ...call, tunnel: true }),
    ]);
    expect([plain.tunnel === '', tunnelled.tunnel === '']).toEqual([true, false]);
  });

  it.each([
    ['off', true, 'v1.13.0', ''],
    ['force', false, 'v1.13.0', 'virtual'],
    ['force', false, 'v1.6.4', ''],
  ] as const)('join.tunnel: %s, asked %s, %s', async (tunnel, asks, version, told) => {
    const gateway = await Gateway.start({ tunnel });
    const joined = await gateway.provision({ ...person(), tunnel: asks, version });
    expect(joined.tunnel === '' ? '' : 'virtual').toBe(told);
  });

  it('a setting of its own goes before that of all, is one change with its record, and is kept', async () => {
    const gateway = await Gateway.start({ tunnel: 'force' });
    const call = person();
    const { address, tunnel } = await gateway.provision(call);
    const uuid = call.uuid as NodeUuid;
    expect(tunnel).not.toBe('');
    await gateway.fleet.admin.setTunnel(uuid, 'off', 'ann');
    const { commits } = gateway;
    await gateway.fleet.admin.setTunnel(uuid, 'off', 'ann');
    expect(gateway.commits).toBe(commits);
    expect(gateway.told('changed').at(-1)).toMatchObject({ by: 'ann', changed: ['tunnel'], tunnel: 'off' });
    expect((await gateway.provision(call)).tunnel).toBe('');
    const after = await gateway.restart();
    expect(view(after, address)).toMatchObject({ tunnel: 'off', version: 2 });
    await after.fleet.admin.setTunnel(uuid, null, 'ann');
    expect((await after.provision(call)).tunnel).not.toBe('');
  });
});

describe('the link that others see', () => {
  it('is in the mode that it was told before its first packet, and then in that of its packets', async () => {
    const gateway = await Gateway.start();
    const call = { ...person(), tunnel: true };
    const { address } = await gateway.provision(call);
    const { id } = gateway.at(address);
    const link = () => view(gateway, address).link;
    expect(link()).toMatchObject({ state: 'never', mode: 'tunnel', endpoint: null });
    gateway.links.set(call.key as PublicKey, { state: 'up', endpoint: `127.64.0.${id}:21821` });
    expect(link()).toMatchObject({ mode: 'tunnel', endpoint: null });
    gateway.fleet.tunnelSources.set(gateway.at(address), { host: '198.51.100.7', port: 40_000 });
    expect(link()).toMatchObject({ mode: 'tunnel', endpoint: '198.51.100.7:40000' });
    gateway.links.set(call.key as PublicKey, { state: 'up', endpoint: '198.51.100.7:51820' });
    expect(link()).toMatchObject({ mode: 'udp', endpoint: '198.51.100.7:51820' });
  });

  it.each([
    ['told so', true, null],
    ['its packets come so', false, '127.64.0.1:21821'],
  ])(
    'an incumbent in the tunnel (%s) is given 12 s to answer, whatever token its copy has',
    async (_, tunnel, endpoint) => {
      const gateway = await Gateway.start();
      const { uuid, key } = person();
      const first = await gateway.provision({ uuid, key, uniqueToken: 'copied', tunnel });
      gateway.linked(key);
      if (endpoint !== null) gateway.links.set(key, { state: 'up', endpoint, latestHandshake: 1, rxBytes: 148 });
      const second = await gateway.provision({ uuid, key: newKey(), uniqueToken: 'copied', tunnel: true });
      expect(gateway.links.probes.at(-1)?.withinMs).toBe(12_000);
      expect(second.address).not.toBe(first.address);
      expect(second.tunnel).not.toBe(first.tunnel);
      expect(gateway.at(second.address).state).toBe('provisional');
      if (tunnel) expect(comes(gateway, first.tunnel)?.address).toBe(first.address);
    },
  );
});
