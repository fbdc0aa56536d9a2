import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ControlClient } from '../../src/client/client.ts';
import type { ApiError } from '../../src/client/transport.ts';
import { overlayOf } from '../../src/domain/overlay.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { MemoryDevice, MemoryLinks } from '../fleet/fakes.ts';
import { linesOf, openLog, sourceOf, temporaryStore } from '../stream/harness.ts';
import { NOW, uuidOf } from './fakes.ts';
import { startControl } from './harness.ts';

/** The API over the fleet and the store that the daemon has; the device alone is in memory. */
async function startWhole(path: string, { flushTimeoutMs }: { readonly flushTimeoutMs?: number } = {}) {
  const clock = { ...systemClock, now: () => NOW };
  const { log } = await openLog({ path }, clock);
  const disk = { isStuck: false };
  const boots = new BootTable({}, { image: log.image, clock });
  const fleet = new Fleet(
    { overlay: overlayOf('whole'), uniqueTokenKey: Buffer.alloc(32, 7), ...(flushTimeoutMs && { flushTimeoutMs }) },
    {
      log: {
        image: log.image,
        commit: log.commit.bind(log),
        flush: () => (disk.isStuck ? new Promise(() => {}) : log.flush()),
      },
      boots,
      statuses: new StatusTable({}, { image: log.image, clock }),
      links: new MemoryLinks(),
      wireguard: new MemoryDevice(),
      clock,
      metrics: fleetMetrics(createRegistry()),
    },
  );
  const { machines, admin, tokens } = fleet;
  const cutBy = (id: string) => fleet.joins.cutBy(id);
  const control = await startControl({}, undefined, { log, machines, admin, tokens, cutBy });
  const client = new ControlClient({ target: { socket: control.socket } }, { clock });
  return {
    client,
    control,
    log,
    disk,
    async stop() {
      await control[Symbol.asyncDispose]();
      await log.close(5_000);
    },
  };
}

let store: ReturnType<typeof temporaryStore>;
let whole: Awaited<ReturnType<typeof startWhole>>;
beforeEach(async () => {
  store = temporaryStore();
  whole = await startWhole(store.path);
});
afterEach(async () => {
  await whole.stop();
  store.remove();
});

describe('the API over the real fleet', () => {
  it('takes a machine from pre-registration to its end, and tells of each step and who made it', async () => {
    const { client } = whole;
    const uuid = uuidOf(1);
    const { machine, created } = await client.registerMachine(uuid, { owner: 'acme', unique_token: true });
    expect([created, machine.state, machine.version]).toEqual([true, 'known', 1]);
    expect(machine.unique_token_secret).toMatch(/\S{16,}/);
    await client.patchMachine(uuid, { labels: { set: { rack: 'r1' } } });
    const claimed = await client.claimMachine(uuid, { owner: 'acme', cluster: 'prod' });
    const released = await client.releaseMachine(uuid, { ifMatch: claimed.version });
    await client.rejectMachine(uuid, { ifMatch: released.version });
    await client.acceptMachine(uuid);
    await client.resetMachineToken(uuid);
    await client.removeMachine(uuid);
    const back = await client.readmitMachine(uuid);
    expect(back).toMatchObject({
      state: 'known',
      address: machine.address,
      labels: { rack: 'r1' },
      unique_token: 'none',
    });
    const { records } = await client.records({ filter: ['*.*.*.machine.*'], limit: 100 });
    expect(records.map(({ subject, body }) => [subject.split('.').at(-1), body['by'], body['version']])).toEqual(
      [
        'registered',
        'labeled',
        'claimed',
        'released',
        'rejected',
        'accepted',
        'token_reset',
        'removed',
        'readmitted',
      ].map((detail, index) => [detail, 'admin control socket', index + 1]),
    );
    // The token was shown once; what is stored is none.
    expect(JSON.stringify(records)).not.toContain(machine.unique_token_secret);
    expect(whole.control.logged.join('')).not.toContain(machine.unique_token_secret);
  });

  it('gives a machine to one of many control planes that claim it at once', async () => {
    const { client } = whole;
    const uuid = uuidOf(1);
    const { machine } = await client.registerMachine(uuid);
    const planes = Array.from({ length: 20 }, (_, n) => `plane-${n}`);
    /** Who won, and the refusals of the others. */
    const race = async (ifMatch: number | undefined, owners: readonly string[]) => {
      const claims = await Promise.allSettled(owners.map((owner) => client.claimMachine(uuid, { owner }, { ifMatch })));
      const won = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value.owner ?? ''] : []));
      const refusals = claims.flatMap((claim) => (claim.status === 'rejected' ? [claim.reason as ApiError] : []));
      return { won, refusals };
    };
    const first = await race(machine.version, planes);
    expect(first.won).toHaveLength(1);
    expect(first.refusals.map(({ code, version }) => [code, version])).toEqual(Array(19).fill(['stale', 2]));
    const losers = planes.filter((plane) => !first.won.includes(plane));
    const unseen = await race(undefined, losers);
    expect([unseen.won, unseen.refusals.map(({ code }) => code)]).toEqual([[], Array(19).fill('conflict')]);
    expect((await client.machine(uuid)).owner).toBe(first.won[0]);
    // Whoever acts on what the refusal told takes it over knowingly, and again only one does.
    const second = await race(first.refusals[0]?.version, losers);
    expect(second.won).toHaveLength(1);
    expect(await client.machine(uuid)).toMatchObject({ owner: second.won[0], version: 3 });
  });

  it('says of a page that its text is long, and so it is not all that was asked for', async () => {
    const { client, log } = whole;
    for (let n = 0; n < 6; n++) {
      log.appendLog(sourceOf(1), linesOf(Array.from({ length: 100 }, (_, i) => `${n} ${i} ${'x'.repeat(10_000)}`)));
    }
    await log.flush();
    const last = await client.records({ tail: 600 });
    expect(last.records.length).toBeLessThan(600);
    expect(last).toMatchObject({ complete: false, next: null, before: last.records[0]?.seq, position: 600 });
    const rest = await client.records({ tail: 600 - last.records.length, before: last.before ?? 0 });
    expect(rest).toMatchObject({ complete: true, before: null });
    expect([...rest.records, ...last.records].map(({ seq }) => seq)).toEqual(
      Array.from({ length: 600 }, (_, i) => i + 1),
    );
    const first = await client.records({ limit: 600 });
    expect(first).toMatchObject({ complete: false, next: first.records.at(-1)?.seq });
    expect(await client.records({ tail: 10 })).toMatchObject({ complete: true, before: 591 });
  });

  it('tells whoever removes a machine with its records why that is not done yet, and what ends it', async () => {
    await whole.stop();
    whole = await startWhole(store.path, { flushTimeoutMs: 1 });
    const { client, disk } = whole;
    const uuid = uuidOf(1);
    await client.registerMachine(uuid);
    disk.isStuck = true;
    const waits = { code: 'unavailable', status: 503, message: expect.stringMatching(/last lines wait to be stored/) };
    await expect(client.removeMachine(uuid, { records: true })).rejects.toMatchObject(waits);
    // It is removed; and asked for once more, what has not gone is tried again.
    expect(await client.machine(uuid)).toMatchObject({ state: 'removed' });
    await expect(client.removeMachine(uuid, { records: true })).rejects.toMatchObject(waits);
    await whole.stop();
    whole = await startWhole(store.path);
    expect(await whole.client.removeMachine(uuid, { records: true })).toMatchObject({ state: 'removed' });
  });

  it('has everything again after a restart', async () => {
    const { client } = whole;
    await client.registerMachine(uuidOf(1), { owner: 'acme', labels: { rack: 'r1', slots: '8' } });
    await client.registerMachine(uuidOf(2), { labels: { rack: 'r2' } });
    const made = await client.createToken({ name: 'n', owner: 'acme', labels: { a: 'b' }, node_uuid: uuidOf(2) });
    const next = await client.rotateToken(made.id, { overlap: '1h' });
    const before = [await client.machine(uuidOf(1)), await client.tokens()];
    await whole.stop();
    whole = await startWhole(store.path);
    expect([await whole.client.machine(uuidOf(1)), await whole.client.tokens()]).toEqual(before);
    expect(await whole.client.token(next.id)).toMatchObject({ rotates: made.id, owner: 'acme', machines: [] });
    const found = [];
    for await (const { server_uuid } of whole.client.machines({ selector: 'slots>=8' })) found.push(server_uuid);
    expect(found).toEqual([uuidOf(1)]);
  });
});
