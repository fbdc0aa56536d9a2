import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { Gateway } from './gateway.ts';

const gateway = new Gateway();
const machines: NamespacedMachine[] = [];
const KILLS = 3;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  for (let i = 0; i < 2; i++) machines.push(await gateway.machine({ linesPerSecond: 100 }));
}, 240_000);
afterAll(() => gateway.dispose());

it('kill -9 under load, again and again: nothing acknowledged is lost, nothing is missing silently, no link is cut', async () => {
  await Promise.all(machines.map((machine) => machine.start()));
  const uuids = await Promise.all(machines.map(async (machine) => (await machine.state()).uuid));
  await gateway.until('the machines boot', async () => (await gateway.client.status()).records.head > 500);
  const addresses = await Promise.all(uuids.map(async (uuid) => (await gateway.client.machine(uuid)).address));
  const pid = await gateway.namespace.run(['ss', '-Hxlp', 'src', `/run/wireguard/${gateway.interface}.sock`]);

  for (let kill = 0; kill < KILLS; kill++) {
    const { head } = (await gateway.client.status()).records;
    await gateway.until('lines under load', async () => (await gateway.client.status()).records.head > head + 200);
    // In the middle of a boot's events, too: each is acknowledged one by one.
    const booting = machines[kill % machines.length]?.reboot({ mode: 'kexec' });
    await gateway.until('a boot begins', async () => (await gateway.client.status()).records.head > head + 300);
    expect(await gateway.end('SIGKILL')).toBeNull();
    const links = await gateway.handshakes();
    await gateway.start();
    await booting;
    for (const [key, seconds] of await gateway.handshakes()) {
      expect(seconds).toBeGreaterThanOrEqual(links.get(key) ?? 0);
    }
  }

  expect(await gateway.namespace.run(['ss', '-Hxlp', 'src', `/run/wireguard/${gateway.interface}.sock`])).toBe(pid);
  for (const [index, machine] of machines.entries()) {
    const uuid = uuids[index] ?? '';
    expect((await gateway.client.machine(uuid)).address).toBe(addresses[index]);
    await gateway.until(
      'every event is acknowledged',
      async () => (await machine.state()).eventsPending === 0,
      240_000,
    );
    const { counters } = await machine.state();
    const events = await gateway.records({ machine: uuid, filter: ['*.*.*.event.>'] });
    const ids = events.map((event) => event.body['id']);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(counters.eventsSent);
    await everyLineIsExplained(uuid);
  }
}, 300_000);

/** Within each boot: every seq up to the last one stored is a record, or in a gap record that was not filled. */
async function everyLineIsExplained(uuid: string): Promise<void> {
  const unexplained = async (): Promise<string[]> => {
    const records = await gateway.records({ machine: uuid, filter: ['*.*.*.kmsg.>', '*.*.*.gap.kmsg'] });
    const boots = new Map<number, { seen: Set<number>; gaps: Set<number>; last: number }>();
    const repeated: string[] = [];
    for (const { subject, boot, body } of records) {
      const entry = boots.get(boot) ?? { seen: new Set<number>(), gaps: new Set<number>(), last: -1 };
      boots.set(boot, entry);
      if (subject.endsWith('.gap.kmsg')) {
        for (let seq = Number(body['from']); seq <= Number(body['to']); seq++) entry.gaps.add(seq);
      } else {
        const seq = Number(body['seq']);
        if (entry.seen.has(seq)) repeated.push(`boot ${boot}: ${seq} twice`);
        entry.seen.add(seq);
        entry.last = Math.max(entry.last, seq);
      }
    }
    const missing = [...boots].flatMap(([boot, { seen, gaps, last }]) =>
      Array.from({ length: last + 1 }, (_, seq) => seq)
        .filter((seq) => !seen.has(seq) && !gaps.has(seq))
        .map((seq) => `boot ${boot}: ${seq} missing`),
    );
    return [...repeated, ...missing];
  };
  let found: string[] = [];
  await gateway
    .until(`every line of ${uuid} is explained`, async () => {
      found = await unexplained();
      return found.length === 0;
    })
    .catch(() => expect(found.slice(0, 20)).toEqual([]));
}
