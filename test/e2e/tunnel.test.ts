import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { madeFor, token } from './walking.ts';

// WireGuard over gRPC with real devices: machines whose only way out is TCP to the API.

const gateway = new Gateway();
let asking: string;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  await gateway.kernelArguments();
  asking = (await gateway.client.kernelArgs({ token: gateway.token, tunnel: true })).args.join(' ');
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

const seen = (uuid: string): Promise<Machine> => gateway.client.machine(uuid);

/** A machine that asks for the tunnel, behind a firewall that lets no UDP through. */
async function tcpOnly(options: Parameters<typeof Guest.create>[1] = {}): Promise<Guest> {
  const guest = await Guest.create(gateway, { kernelArguments: asking, ...options });
  await guest.machine.setOutage('udp');
  return guest;
}

async function lineArrives(guest: Guest, text: string): Promise<void> {
  await guest.machine.log(text);
  await gateway.until(`"${text}" is stored`, async () => {
    return (await gateway.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'], grep: text })).length > 0;
  });
}

/** Waits until its packets have come this way. */
async function comesBy(guest: Guest, mode: Machine['link']['mode']): Promise<Machine> {
  let machine = await seen(guest.uuid);
  await gateway.until(`${guest.uuid} comes by ${mode}`, async () => {
    machine = await seen(guest.uuid);
    return machine.link.endpoint !== null && machine.link.mode === mode && machine.link.state === 'up';
  });
  return machine;
}

async function endpointOf(guest: Guest): Promise<string | null | undefined> {
  return (await gateway.peers()).get((await guest.state()).publicKey ?? '')?.endpoint;
}

/** How its link was told to be, and how it moved, oldest first. */
async function linkRecords(guest: Guest, ...details: string[]): Promise<readonly (readonly unknown[])[]> {
  const records = await gateway.records({ machine: guest.uuid, filter: details.map((name) => `*.*.*.link.${name}`) });
  return records.map(({ subject, body }) => [subject.split('.').at(-1), body['mode']]);
}

/** META that changed makes Talos call Provision at once, with the key that it has. */
async function callsAgain(guest: Guest, text: string): Promise<void> {
  const { provisions } = (await guest.state()).counters;
  await guest.machine.setMeta(META_UNIQUE_TOKEN, text);
  await gateway.until('it has called again', async () => (await guest.state()).counters.provisions > provisions);
}

describe('where UDP is blocked', { concurrent: true, timeout: 240_000 }, () => {
  it('a machine joins through the API alone, and sends its log and its events', async () => {
    const guest = await tcpOnly({ quiet: false });
    const address = await guest.on();
    await lineArrives(guest, 'through TCP alone');
    const [line] = await gateway.records({
      machine: guest.uuid,
      filter: ['*.*.*.kmsg.>'],
      grep: 'updating tunnel relay',
    });
    expect(line?.body['msg']).toContain('"new_node_address": "[redacted]"');
    await gateway.until('its events', async () => (await seen(guest.uuid)).stage !== null);
    const machine = await comesBy(guest, 'tunnel');
    expect(machine).toMatchObject({ boot: 1, address, tunnel: null });
    // Where it is, not where our own relay is.
    expect(machine.link.endpoint).toMatch(/^198\.1[89]\..*:\d+$/);
    expect(await endpointOf(guest)).toMatch(/^127\.64\.0\.\d+:21821$/);
    expect(await linkRecords(guest, 'provisioned', 'up')).toEqual([
      ['provisioned', 'tunnel'],
      ['up', 'tunnel'],
    ]);
  });

  it('tunnel asked for while linked by UDP, and back: the same key, boot and address, one commit each', async () => {
    const guest = await Guest.create(gateway);
    const address = await guest.on();
    const { version, public_key } = await comesBy(guest, 'udp');
    await gateway.client.patchMachine(guest.uuid, { tunnel: 'force' });
    await callsAgain(guest, 'a');
    const tunnelled = await comesBy(guest, 'tunnel');
    await lineArrives(guest, 'by the tunnel');
    await gateway.client.patchMachine(guest.uuid, { tunnel: 'off' });
    await callsAgain(guest, 'b');
    const back = await comesBy(guest, 'udp');
    await lineArrives(guest, 'by UDP again');
    expect(await endpointOf(guest)).toMatch(/^198\./);
    for (const machine of [tunnelled, back]) expect(machine).toMatchObject({ boot: 1, address, public_key });
    // Two settings: what it was told of the tunnel is the link's, and tokens that others wrote are not kept before its next boot.
    expect(back.version).toBe(version + 2);
    expect((await linkRecords(guest, 'provisioned')).map(([, mode]) => mode)).toEqual(['udp', 'tunnel', 'udp']);
  });

  it('the first is in the tunnel, behind a firewall that lets nothing in: its clone gets another identity', async () => {
    const first = await tcpOnly({ meta: token('cloned in the tunnel') });
    const address = await first.on();
    await first.closeApi();
    const second = await tcpOnly({ uuid: first.uuid, meta: await first.machine.meta() });
    const other = await second.on();
    expect(other).not.toBe(address);
    expect(await madeFor(gateway, first.uuid)).toEqual([
      expect.objectContaining({ state: 'provisional', address: other }),
    ]);
    await lineArrives(first, 'still here');
    expect(await seen(first.uuid)).toMatchObject({ boot: 1, address });
    expect(first.notices('tunnel_ended')).toEqual([]);
  });

  it('removed: its stream ends with the status that Talos knows, and again when it comes back', async () => {
    const guest = await tcpOnly();
    await guest.on();
    await gateway.client.removeMachine(guest.uuid);
    await gateway.until('it was told twice', () => guest.notices('tunnel_ended').length >= 2);
    const told = guest.notices('tunnel_ended').map(({ status, message }) => [status, message]);
    expect(new Set(told.map(String))).toEqual(new Set(['7,peer not allowed']));
  });

  it('reboots: another key, another virtual address, the same address', async () => {
    const guest = await tcpOnly({ loseMeta: true });
    const address = await guest.on();
    expect(await guest.reboot({ abrupt: true })).toBe(address);
    await lineArrives(guest, 'booted again');
    expect(await comesBy(guest, 'tunnel')).toMatchObject({ boot: 2, address });
  });
});

it('a daemon that is killed and started again finds its machines in the tunnel where they were', async () => {
  const guest = await tcpOnly();
  const address = await guest.on();
  const saidAt = performance.now();
  await lineArrives(guest, 'before');
  const publicKey = (await guest.state()).publicKey ?? '';
  const handshake = (await gateway.peers()).get(publicKey)?.latestHandshake;
  const endpoint = await endpointOf(guest);
  const { provisions } = (await guest.state()).counters;
  await gateway.end('SIGKILL');
  await gateway.start();
  // The first line after a killed server goes into its dead connection, whatever the link (facts/users.md D1).
  await gateway.until('a line arrives', async () => {
    await guest.machine.log('after');
    return (await gateway.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'], grep: 'after' })).length > 0;
  });
  const machine = await comesBy(guest, 'tunnel');
  expect(machine).toMatchObject({ boot: 1, address });
  // The device has not noticed: what it has for the machine is where it was.
  expect(await endpointOf(guest)).toBe(endpoint);
  // Nor has the machine's, unless this host was slow. WireGuard shakes hands again 15 s after the first packet that was not
  // answered, and that may be older than the kill: the last word of each side, which the other would have answered with a
  // keepalive 10 s later. It is not older than the line, whose answer was heard.
  const shown = (await gateway.peers()).get(publicKey)?.latestHandshake;
  if (performance.now() - saidAt < 14_000) expect(shown).toBe(handshake);
  expect((await guest.state()).counters.provisions).toBe(provisions);
  // Its connection was lost; nobody told it that it may not come, not even the daemon that had just begun.
  const ends = guest.notices('tunnel_ended').map(({ status }) => status);
  expect(ends).toContain(null);
  expect(ends).not.toContain(7);
}, 240_000);

it('a device that is deleted is made anew, and finds its machines in the tunnel before they say a word', async () => {
  const guest = await tcpOnly();
  await guest.on();
  await comesBy(guest, 'tunnel');
  const publicKey = (await guest.state()).publicKey ?? '';
  const endpoint = await endpointOf(guest);
  await gateway.namespace.run(['ip', 'link', 'del', 'dev', gateway.interface]);
  await gateway.until('the device has its peers again', async () => (await gateway.peers()).has(publicKey));
  expect(await endpointOf(guest)).toBe(endpoint);
  await gateway.until('the gateway reaches it', async () => {
    (await gateway.client.connect(guest.uuid, 50_000)).destroy();
    return true;
  });
  await lineArrives(guest, 'with a new device');
  expect(await seen(guest.uuid)).toMatchObject({ boot: 1 });
}, 240_000);
