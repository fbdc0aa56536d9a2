import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { parsePublicKey } from '../../src/domain/keys.ts';
import { MachineTable } from '../../src/fleet/machine-table.ts';
import { TokenRegistry } from '../../src/fleet/tokens.ts';
import type { Machine } from '../../src/fleet/types.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

// Many machines, few UUIDs, everything at once: joins, reboots, clones, administration, failures, restarts.

afterEach(closeGateways);

const JUNK = '00000000-0000-0000-0000-000000000000';
const DAY = 86_400_000;
const BOXES = 5;

/** Hardware: what it would send, and what it was told. */
interface Box {
  uuid: string;
  meta: string;
  key: string;
  formerKey: string;
  address: string | null;
}

type BoxAct =
  | { readonly act: 'call' | 'boot' | 'wipe' | 'rollback' | 'off' | 'write' | 'learn'; readonly box: number }
  | { readonly act: 'clone'; readonly box: number; readonly of: number };
interface AdminAct {
  readonly act: 'accept' | 'reject' | 'remove' | 'readmit' | 'reset' | 'claim';
  readonly machine: number;
}
type Act = BoxAct | AdminAct | { readonly act: 'day' | 'log fails' | 'device fails' };

const box = fc.nat(BOXES - 1);
const machine = fc.nat(7);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('call' as const), box }) },
  {
    weight: 6,
    arbitrary: fc.record({ act: fc.constantFrom('boot', 'wipe', 'rollback', 'off', 'write', 'learn'), box }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('clone' as const), box, of: box }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('accept', 'reject', 'remove', 'readmit', 'reset', 'claim'), machine }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('day', 'log fails', 'device fails') }) },
);
interface Step {
  readonly acts: readonly Act[];
  /** The device is looked at and repaired. */
  readonly repair: boolean;
  /** The daemon starts anew. */
  readonly restart: boolean;
  /** Somebody who knows its key, and the join token, calls as this machine with a unique token of his own. */
  readonly plantedIn: number | null;
}

/** What begins at one time, and what follows when it is settled. */
const step: fc.Arbitrary<Step> = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 5 }),
  repair: fc.boolean(),
  restart: fc.boolean(),
  plantedIn: fc.option(machine),
});

class World {
  gateway: Gateway;
  readonly boxes: Box[];
  readonly #secret: string;
  /** Where each UUID lives, from the moment it was stored. */
  readonly #addresses = new Map<string, string>();
  /** It did not do what it was told, and nobody has repaired it since. */
  #deviceFailed = false;

  constructor(gateway: Gateway, secret: string) {
    this.gateway = gateway;
    this.#secret = secret;
    const shared = randomUUID();
    const uuids = [shared, shared, JUNK, JUNK, randomUUID()];
    this.boxes = uuids.map((uuid) => ({ uuid, meta: '', key: newKey(), formerKey: newKey(), address: null }));
  }

  async run({ acts, repair, restart, plantedIn }: Step): Promise<void> {
    const { log, device } = this.gateway;
    const quiet = this.#quiet(acts);
    this.#deviceFailed ||= acts.some(({ act }) => act === 'device fails');
    await Promise.allSettled(acts.map((each) => this.#do(each)));
    log.failures = 0;
    device.failures = 0;
    this.#check(quiet);
    if (plantedIn !== null) await this.#plant(plantedIn);
    if (restart) this.gateway = await this.gateway.restart();
    if (!repair && !restart) return;
    device.repair(this.gateway.fleet.machines.peers());
    this.#deviceFailed = false;
  }

  /** Machines with a peer that answers, whom nobody administers and whose own box says nothing in this step. */
  #quiet(acts: readonly Act[]): readonly Machine[] {
    if (acts.some(({ act }) => act === 'day') || acts.some((each) => 'machine' in each)) return [];
    const touched = new Set(acts.flatMap((each) => ('box' in each ? [this.boxes[each.box]?.key] : [])));
    const { fleet, links } = this.gateway;
    return fleet.machines
      .peers()
      .filter(({ publicKey }) => links.alive.has(publicKey) && !touched.has(publicKey))
      .flatMap(({ address }) => fleet.machines.bySource(address) ?? []);
  }

  async #do(each: Act): Promise<void> {
    const { log, device, clock, keeper } = this.gateway;
    if ('box' in each) return this.#boxDoes(each);
    if ('machine' in each) return this.#administer(each);
    if (each.act === 'log fails') log.failures += 1;
    else if (each.act === 'device fails') device.failures += 1;
    else {
      clock.advance(DAY);
      await keeper.look();
    }
  }

  async #boxDoes(each: BoxAct): Promise<void> {
    const { fleet, links } = this.gateway;
    const self = this.boxes[each.box];
    if (self === undefined) throw new Error('no such box');
    const identity = self.address === null ? undefined : fleet.machines.bySource(self.address);
    switch (each.act) {
      case 'call': {
        const { uuid, key, meta: uniqueToken } = self;
        self.address = await this.gateway.begin({ uuid, key, uniqueToken, joinToken: this.#secret });
        if (self.key === key) this.gateway.linked(key);
        return;
      }
      case 'boot':
      case 'wipe':
        links.alive.delete(parsePublicKey(self.key));
        if (each.act === 'wipe') self.meta = '';
        self.formerKey = self.key;
        self.key = newKey();
        return;
      case 'rollback':
        links.alive.delete(parsePublicKey(self.key));
        [self.key, self.formerKey] = [self.formerKey, self.key];
        return;
      case 'off':
        links.alive.delete(parsePublicKey(self.key));
        return;
      case 'write':
        if (identity?.key === self.key) self.meta = await fleet.joins.offerUniqueToken(identity.id);
        return;
      case 'learn':
        if (identity?.key === self.key) self.uuid = identity.uuid;
        return;
      case 'clone': {
        const source = this.boxes[each.of];
        if (source === undefined || source === self) return;
        links.alive.delete(parsePublicKey(self.key));
        [self.uuid, self.meta, self.key] = [source.uuid, source.meta, newKey()];
        return;
      }
    }
  }

  async #administer({ act, machine }: AdminAct): Promise<void> {
    const { admin, machines } = this.gateway.fleet;
    const uuid = [...machines.all()][machine]?.uuid;
    if (uuid === undefined) return;
    switch (act) {
      case 'accept':
      case 'reject':
      case 'readmit':
        await admin[act](uuid, 'test');
        return;
      case 'remove':
        await admin.remove(uuid, { records: false }, 'test');
        return;
      case 'reset':
        await admin.resetToken(uuid, 'test');
        return;
      case 'claim':
        await admin.claim(uuid, { owner: 'a' }, 'test');
        return;
    }
  }

  /** He gets what the machine would, and nothing that outlives the join token. */
  async #plant(index: number): Promise<void> {
    const { machines } = this.gateway.fleet;
    const machine = [...machines.all()][index];
    if (machine === undefined || machine.key === null) return;
    const { id, uuid, key } = machine;
    const uniqueTokens = () => machines.row(id).uniqueTokens;
    const before = uniqueTokens();
    const planted = { uuid, uniqueToken: 'planted' };
    for (let call = 0; call < 2; call += 1) {
      await this.gateway.begin({ ...planted, key, joinToken: this.#secret }).catch(() => undefined);
    }
    expect(uniqueTokens()).toEqual(before);
    await expect(this.gateway.begin({ ...planted, key: newKey() })).rejects.toMatchObject({ code: 'unauthorized' });
  }

  #check(quiet: readonly Machine[]): void {
    const { fleet, log, device, clock } = this.gateway;
    const all = [...fleet.machines.all()];
    // Who answers keeps everything, whoever came.
    for (const machine of quiet) expect(fleet.machines.byId(machine.id)).toBe(machine);
    // One key, one machine; one UUID, one address, for ever.
    const keys = all.flatMap(({ key }) => (key === null ? [] : [key]));
    expect(new Set(keys).size).toBe(keys.length);
    for (const { uuid, address } of all) {
      expect(this.#addresses.get(uuid) ?? address).toBe(address);
      this.#addresses.set(uuid, address);
    }
    expect(new Set(this.#addresses.values()).size).toBe(this.#addresses.size);
    // What is stored is what is so.
    const stored = log.reopen();
    const table = new MachineTable(stored.image, { onCount: () => {} });
    expect([...table.rows()].map((row) => row.machine)).toEqual(all);
    const tokens = new TokenRegistry({}, { log: stored, clock }).list();
    expect(tokens.map(({ uses }) => uses)).toEqual(fleet.tokens.list().map(({ uses }) => uses));
    expect(tokens[0]?.uses).toBe(all.filter(({ joinedAt }) => joinedAt !== null).length);
    // Nobody has a peer who should not, and an address has one peer at most.
    const wanted = new Map(fleet.machines.peers().map(({ publicKey, address }) => [publicKey, address]));
    const given = [...device.peers.values()].filter((address) => address !== null);
    expect(new Set(given).size).toBe(given.length);
    for (const { key, state } of all) {
      if (key !== null) expect(wanted.has(key)).toBe(!['removed', 'rejected', 'expired'].includes(state));
    }
    // Where the device did all it was told, it is as it should be.
    if (!this.#deviceFailed) expect(new Map(device.peers)).toEqual(wanted);
  }
}

it('never two truths, whatever happens at one time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const gateway = await Gateway.start({ policy: { requireToken: true, maxProvisional: 4 } });
      const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
      const world = new World(gateway, secret);
      for (const each of steps) await world.run(each);
      await closeGateways();
    }),
    { numRuns: 150 },
  );
});
