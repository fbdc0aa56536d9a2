import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { Gateway } from './gateway.ts';

const gateway = new Gateway();
const machines: NamespacedMachine[] = [];
const uuids: string[] = [];

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  for (const version of ['1.13', '1.13', '1.6']) machines.push(await gateway.machine({ version }));
  for (const machine of machines) uuids.push((await machine.state()).uuid);
}, 240_000);
afterAll(() => gateway.dispose());

/** The kernel lines of a machine's boot, once all that it has are here. */
async function kernelLog(index: number, boot: number) {
  const machine = machines[index];
  if (machine === undefined) throw new Error('no such machine');
  const filter = { machine: uuids[index], filter: ['*.*.*.kmsg.>'] };
  await gateway.until(`all lines of machine ${index}`, async () => {
    const { nextSeq, counters } = await machine.state();
    const records = (await gateway.records(filter)).filter((record) => record.boot === boot);
    return counters.kmsgSent > 0 && records.length >= nextSeq && nextSeq > 0;
  });
  return (await gateway.records(filter)).filter((record) => record.boot === boot);
}

describe('the main job, over real WireGuard', () => {
  it('joins machines, and shows their records to a subscriber as they come', async () => {
    const seen = new Map<string, Set<string>>();
    const stop = new AbortController();
    let hasAll = false;
    const subscriber = (async () => {
      for await (const item of gateway.client.stream({ filter: ['siderolink.>'] }, { after: 0 }, stop.signal)) {
        if (item.type !== 'record') continue;
        const [, , uuid = '', stream = ''] = item.record.subject.split('.');
        seen.set(uuid, (seen.get(uuid) ?? new Set()).add(stream));
        hasAll = uuids.every((id) => ['kmsg', 'event', 'link', 'machine'].every((name) => seen.get(id)?.has(name)));
        if (hasAll) return;
      }
    })();
    await Promise.all(machines.map((machine) => machine.start()));
    await Promise.race([subscriber, gateway.until('records of every kind from every machine', () => hasAll)]);
    stop.abort();
  }, 240_000);

  it('keeps every line of a boot once, in order, with the machine’s UUID', async () => {
    for (const index of machines.keys()) {
      const records = await kernelLog(index, 1);
      expect(records.map((record) => record.body['seq'])).toEqual(records.map((_, seq) => seq));
      expect(new Set(records.map((record) => record.body['server_uuid']))).toEqual(new Set([uuids[index]]));
      expect(records.every((record, i) => i === 0 || record.seq > (records[i - 1]?.seq ?? 0))).toBe(true);
    }
  }, 240_000);

  it('says what is known of each machine', async () => {
    for (const uuid of uuids) {
      await gateway.until('the machine runs', async () => {
        const { stage, ready, link } = await gateway.client.machine(uuid);
        return stage === 'RUNNING' && ready === true && link.state === 'up';
      });
      const machine = await gateway.client.machine(uuid);
      expect(machine).toMatchObject({ state: 'accepted', boot: 1, ready: true, link: { state: 'up', mode: 'udp' } });
      expect(machine.services['kubelet']).toMatchObject({ state: 'RUNNING' });
      expect(machine.address).toMatch(/^fd/);
    }
  }, 240_000);

  it('answers events only when they are kept: what machines count as acknowledged is here', async () => {
    for (const [index, machine] of machines.entries()) {
      await gateway.until('the event ring is empty', async () => (await machine.state()).eventsPending === 0);
      const { counters } = await machine.state();
      const events = await gateway.records({ machine: uuids[index], filter: ['*.*.*.event.>'] });
      expect(events).toHaveLength(counters.eventsSent);
      expect(new Set(events.map((event) => event.body['id'])).size).toBe(counters.eventsSent);
    }
  });

  it('keeps no join token: neither in records nor anywhere on disk', async () => {
    const lines = await gateway.records({ machine: uuids[0], filter: ['*.*.*.kmsg.>'], grep: 'jointoken' });
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(JSON.stringify(line)).toMatch(/jointoken=\[redacted\]/);
    const [, secret = ''] = gateway.token.split('.');
    expect(secret.length).toBeGreaterThan(20);
    for (const text of [gateway.stateBytes(), gateway.log]) expect(text).not.toContain(secret);
  });

  it('gives a rebooted machine its address again, with a new key and a boot of its own', async () => {
    const [machine] = machines;
    const [uuid = ''] = uuids;
    const before = await gateway.client.machine(uuid);
    await machine?.reboot({ mode: 'kexec' });
    const records = await kernelLog(0, 2);
    expect(records[0]?.body['seq']).toBe(0);
    const after = await gateway.client.machine(uuid);
    expect(after).toMatchObject({ address: before.address, boot: 2 });
    expect(after.public_key).not.toBe(before.public_key);
    const keys = [...(await gateway.handshakes()).keys()];
    expect(keys).toContain(after.public_key);
    expect(keys).not.toContain(before.public_key);
    const told = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.>'] });
    expect(told.map((record) => record.subject.split('.').at(-1))).toContain('rebooted');
  }, 240_000);

  it('stops in order, keeps the device up, and starts again as the same', async () => {
    const before = await gateway.client.status();
    const links = await gateway.handshakes();
    expect(await gateway.end('SIGTERM')).toBe(0);
    expect(await gateway.handshakes()).toEqual(links);
    await gateway.start();
    const after = await gateway.client.status();
    expect(after.overlay).toEqual(before.overlay);
    expect(after.wireguard).toEqual(before.wireguard);
    expect(after.machines.total).toBe(3);
    const at = after.records.head;
    // Talos writes its first line into the connection that we closed, and learns of it only then.
    await gateway.until('a line from a machine that did not join again', async () => {
      await machines[1]?.log('a line after the restart');
      return (await gateway.records({ after: at, grep: 'a line after the restart' })).length > 0;
    });
    expect((await machines[1]?.state())?.counters.provisions).toBe(1);
    const uuid = uuids[1] ?? '';
    await gateway.until('its link is seen up', async () => (await gateway.client.machine(uuid)).link.last_rx !== null);
    // Its link was up all the time, and the stream says so already.
    expect(await gateway.records({ machine: uuid, after: at, filter: ['*.*.*.link.>'] })).toEqual([]);
  }, 240_000);
});
