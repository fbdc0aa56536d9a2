import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { decideJoin } from '../../src/domain/join.ts';
import { parseJoinRequest } from '../../src/domain/join-request.ts';
import { overlayOf } from '../../src/domain/overlay.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { Fleet } from '../../src/fleet/fleet.ts';
import { fleetMetrics } from '../../src/fleet/metrics.ts';
import { StatusTable } from '../../src/fleet/status.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { RecordLog } from '../../src/stream/types.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { openLog, temporaryStore } from '../stream/harness.ts';
import { MemoryDevice, MemoryLinks, MemoryLog, newKey } from './fakes.ts';

type FleetLog = Pick<RecordLog, 'image' | 'commit' | 'flush'>;

/** A log that can be left and found again. */
interface Life {
  open(): Promise<FleetLog>;
  leave(): Promise<void>;
}

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function inMemory(): Life {
  let log: MemoryLog | undefined;
  return {
    open: async () => {
      log = log?.reopen() ?? new MemoryLog();
      return log;
    },
    leave: async () => {},
  };
}

function stored(): Life {
  const store = temporaryStore();
  cleanups.push(store.remove);
  let opened: Awaited<ReturnType<typeof openLog>> | undefined;
  const leave = async () => {
    await opened?.log.close(5_000);
    opened = undefined;
  };
  cleanups.push(leave);
  return {
    open: async () => {
      opened = await openLog({ path: store.path });
      return opened.log;
    },
    leave,
  };
}

function fleetOf(log: FleetLog): { fleet: Fleet; boots: BootTable } {
  const { image } = log;
  const clock = systemClock;
  const boots = new BootTable({}, { image, clock });
  const statuses = new StatusTable({}, { image, clock });
  const links = new MemoryLinks();
  const metrics = fleetMetrics(createRegistry());
  const options = { overlay: overlayOf('contract'), uniqueTokenKey: Buffer.alloc(32, 1) };
  return {
    fleet: new Fleet(options, { log, boots, statuses, links, wireguard: new MemoryDevice(), clock, metrics }),
    boots,
  };
}

/** A join without network and device: decided, reserved, committed. */
async function join(fleet: Fleet, uuid: string, key = newKey(), unique = ''): Promise<string> {
  const fields = {
    node_uuid: uuid,
    node_public_key: key,
    join_token: null,
    node_unique_token: unique,
    talos_version: 'v1.13.0',
    wireguard_over_grpc: null,
  };
  const request = parseJoinRequest(fields, newKey());
  const ask = fleet.joins.ask(request);
  const policy = {
    policy: 'accept',
    requireToken: false,
    uniqueTokens: 'strict',
    maxMachines: 1_000,
    maxProvisional: 10,
  } as const;
  const facts = fleet.joins.facts(ask, null);
  const present = facts.incumbent;
  const silent = present?.key == null ? undefined : { machine: present.id, key: present.key, alive: false };
  const decision = decideJoin(ask, facts, policy, silent);
  if (decision.kind === 'refuse' || decision.kind === 'probe') throw new Error(`row ${decision.row}`);
  const reservation = fleet.joins.reserve(ask, decision);
  await reservation?.commit();
  if (reservation === null) throw new Error('there was nothing to store');
  // The boot counts from here: there is no device that could fail.
  if (decision.kind !== 'repeat') {
    const { machine, previousBoot } = reservation;
    fleet.machines.tell({ kind: 'boot', machine, previousBoot });
  }
  return reservation.machine.address;
}

// The fake log of the other tests, and the real one, keep the same.
describe.each([
  ['in memory', inMemory],
  ['in SQLite', stored],
] as const)('what the fleet commits to a log %s', (_name, makeLife) => {
  it('is there again after a restart', async () => {
    const life = makeLife();
    const first = fleetOf(await life.open());
    const uuids = Array.from({ length: 50 }, () => randomUUID());
    const addresses = await Promise.all(uuids.map((uuid) => join(first.fleet, uuid, newKey(), `meta of ${uuid}`)));
    const rebooted = newKey();
    await join(first.fleet, uuids[0] ?? '', rebooted, `meta of ${uuids[0]}`);
    const { token, secret } = await first.fleet.tokens.create({ name: 'kept', maxUses: 7 }, 'test');
    const gone = await first.fleet.tokens.create({ name: 'gone' }, 'test');
    await first.fleet.tokens.revoke(gone.token.id, 'test');
    await first.fleet.tokens.delete(gone.token.id, 'test');
    const before = { machines: [...first.fleet.machines.all()], peers: first.fleet.machines.peers() };
    await life.leave();

    const { fleet, boots } = fleetOf(await life.open());
    expect([...fleet.machines.all()]).toEqual(before.machines);
    expect(fleet.machines.peers()).toEqual(before.peers);
    expect(fleet.tokens.list()).toEqual([token]);
    expect(fleet.tokens.match(secret)).toEqual(token);
    expect(boots.current(1)).toMatchObject({ number: 2, publicKey: rebooted });
    expect(await Promise.all(uuids.map((uuid) => join(fleet, uuid, newKey(), `meta of ${uuid}`)))).toEqual(addresses);
  });

  it('a newcomer with a former key, and boots that are forgotten', async () => {
    const life = makeLife();
    const first = fleetOf(await life.open());
    const [uuid, former] = [randomUUID(), newKey()];
    const address = await join(first.fleet, uuid, former);
    for (let boot = 2; boot <= 140; boot += 1) await join(first.fleet, uuid);
    // It has been forgotten, so it is nobody's; the next one is remembered as a former key.
    expect(first.boots.ofKey(former)).toBeUndefined();
    const remembered = newKey();
    await join(first.fleet, uuid, remembered);
    await join(first.fleet, uuid);
    const identity = await join(first.fleet, uuid, remembered);
    expect(identity).not.toBe(address);
    const meta = await first.fleet.joins.offerUniqueToken(2);
    const before = [...first.fleet.machines.all()];
    await life.leave();

    const log = await life.open();
    expect(log.image.boots.filter(({ machine }) => machine === 1)).toHaveLength(129);
    const { fleet, boots } = fleetOf(log);
    expect([...fleet.machines.all()]).toEqual(before);
    expect(boots.ofKey(remembered)).toEqual({ machine: 2, number: 1 });
    expect(await join(fleet, uuid, remembered, meta)).toBe(identity);
    // Which ones were silent is known over the restart: it is no way to make more of them.
    await join(fleet, uuid);
    expect(boots.ofKey(log.image.boots[0]?.publicKey ?? remembered)).toEqual({ machine: 1, number: 14 });
    await join(fleet, uuid);
    expect(boots.ofKey(log.image.boots[0]?.publicKey ?? remembered)).toBeUndefined();
    expect(fleet.machines.byId(2)).toMatchObject({ uniqueToken: 'bound', madeFor: uuid, knowsUuid: false });
  });
});
