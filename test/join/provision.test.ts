import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { parsePublicKey } from '../../src/domain/keys.ts';
import type { OverlayAddress } from '../../src/domain/overlay.ts';
import { machineViewJson } from '../../src/fleet/view.ts';
import { sidero } from '../../src/gen/proto.js';
import { AnswerEncoder } from '../../src/join/answer.ts';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

interface Vectors {
  readonly protobuf: readonly {
    readonly message: string;
    readonly note: string;
    readonly fields: Readonly<Record<string, unknown>>;
    readonly hex: string;
  }[];
}
const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as Vectors;

afterEach(closeGateways);

const UNAUTHORIZED = { code: status.PERMISSION_DENIED, message: 'unauthorized' };

describe('the answer on the wire', () => {
  it('is the golden bytes, first and last endpoint swapped', () => {
    const golden = vectors.protobuf.find(({ message }) => message === 'sidero.link.ProvisionResponse');
    const encoder = new AnswerEncoder({
      endpoints: ['192.0.2.1:51821', '192.0.2.2:51821', '192.0.2.3:51821'],
      serverKey: parsePublicKey('ze3mghJ7ABkWOhrfQukVRjEvMIHvPSF3E1W1VzApD1U='),
      serverAddress: 'fdae:2859:5bb1:7a03::1' as OverlayAddress,
    });
    const address = 'fdae:2859:5bb1:7a03:3ae3:be30:7ec4:4c09' as OverlayAddress;
    expect(Buffer.from(encoder.encode({ address, tunnel: null })).toString('hex')).toBe(golden?.hex);
  });

  it('needs endpoints', () => {
    const serverAddress = 'fd00::1' as OverlayAddress;
    expect(() => new AnswerEncoder({ endpoints: [], serverKey: newKey(), serverAddress })).toThrow('endpoint');
  });

  it("answers the golden requests of Talos 1.13 and, in legacy mode, 1.0's two fields", async () => {
    const requests = vectors.protobuf.filter(({ message }) => message === 'sidero.link.ProvisionRequest');
    expect(requests).toHaveLength(3);
    for (const { hex } of requests) {
      const gateway = await Gateway.start({ policy: { uniqueTokens: 'legacy' } });
      const answer = sidero.link.ProvisionResponse.decode(await gateway.send(Buffer.from(hex, 'hex')));
      const { prefix, server } = gateway.overlay;
      expect(answer.node_address_prefix.startsWith(prefix.replace('::/64', ''))).toBe(true);
      expect(answer.node_address_prefix).toMatch(/\/64$/);
      expect(answer.server_address).toBe(server);
      expect(answer.server_public_key).toBe(gateway.device.publicKey);
      const asked = sidero.link.ProvisionRequest.decode(Buffer.from(hex, 'hex')).wireguard_over_grpc === true;
      const udp = ['192.0.2.3:51821', '192.0.2.2:51821', '192.0.2.1:51821'];
      expect(answer.server_endpoint).toEqual(asked ? [answer.grpc_peer_addr_port] : udp);
      expect(answer.grpc_peer_addr_port !== '').toBe(asked);
    }
  });
});

describe('what a caller is told, row by row', () => {
  it("1: a bad key, the gateway's own, a long UUID or no protobuf is INVALID_ARGUMENT", async () => {
    const gateway = await Gateway.start();
    const zero = `${'A'.repeat(43)}=`;
    const own = gateway.device.publicKey;
    for (const call of [{ key: 'nonsense' }, { key: '' }, { key: zero }, { key: own }, { uuid: 'x'.repeat(65) }]) {
      expect((await gateway.refusal(call)).code).toBe(status.INVALID_ARGUMENT);
    }
    const broken = await gateway.send(Buffer.from('ffffff', 'hex')).catch((error: unknown) => error);
    expect(broken).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(gateway.commits).toBe(0);
    await gateway.provision({});
  });

  it('2: without a token that counts, unauthorized and nothing stored', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'first' }, 'test');
    const commits = gateway.commits;
    const [id, hidden = ''] = secret.split('.');
    for (const joinToken of [
      undefined,
      '',
      'wrong',
      `${id}.`,
      `${id}.${hidden}x`,
      `x${secret}`,
      hidden,
      `.${hidden}`,
    ]) {
      expect(await gateway.refusal(joinToken === undefined ? {} : { joinToken })).toEqual(UNAUTHORIZED);
    }
    expect(gateway.commits).toBe(commits);
    expect(gateway.fleet.machines.size).toBe(0);
    await gateway.provision({ joinToken: secret });
    expect(gateway.fleet.tokens.get(token.id)).toMatchObject({ uses: 1, lastUsedAt: gateway.clock.now() });
  });

  it('4: Talos before 1.6 is FAILED_PRECONDITION, unless legacy', async () => {
    const old = { uniqueToken: null, version: null };
    const strict = await Gateway.start();
    expect((await strict.refusal(old)).code).toBe(status.FAILED_PRECONDITION);
    expect(strict.commits).toBe(0);
    const legacy = await Gateway.start({ policy: { uniqueTokens: 'legacy' } });
    expect((await legacy.provision(old)).prefix).toMatch(/\/64$/);
  });

  it('6: a key of another machine is unauthorized, and the other machine says so once an hour', async () => {
    const gateway = await Gateway.start();
    const [victim, key] = [randomUUID(), newKey()];
    await gateway.provision({ uuid: victim, key });
    for (let call = 0; call < 3; call += 1) expect(await gateway.refusal({ key })).toEqual(UNAUTHORIZED);
    expect(gateway.recorded.filter((name) => name === 'machine.conflict')).toHaveLength(1);
    gateway.clock.advance(3_600_001);
    await gateway.refusal({ key });
    const conflicts = gateway.log.records.filter(({ detail }) => detail === 'conflict');
    expect(conflicts).toHaveLength(2);
    expect(conflicts[0]?.tags.server_uuid).toBe(victim);
    expect(JSON.parse(conflicts[0]?.body ?? '')).toMatchObject({
      public_key: key,
      by: 'join',
      newcomer: { public_key: key, reason: 'foreign_key', source: '127.0.0.1' },
    });
  });

  it('6: conflict records are bounded in all, and one that could not be stored is tried again', async () => {
    const gateway = await Gateway.start({ provision: { maxConflicts: 1 } });
    const [one, two] = [newKey(), newKey()];
    await gateway.provision({ key: one });
    await gateway.provision({ key: two });
    gateway.log.failures = 1;
    await gateway.refusal({ key: one });
    expect(gateway.recorded).not.toContain('machine.conflict');
    for (const key of [one, two, one]) await gateway.refusal({ key });
    expect(gateway.recorded.filter((name) => name === 'machine.conflict')).toHaveLength(1);
    const counts = await gateway.metric('siderolinkd_join_conflicts_total');
    expect(counts).toEqual({ failed: 1, recorded: 1, full: 1, repeated: 1 });
  });

  it('7: policy known refuses strangers: unauthorized, or NOT_FOUND where no token is asked for', async () => {
    const open = await Gateway.start({ policy: { policy: 'known' } });
    expect((await open.refusal({})).code).toBe(status.NOT_FOUND);
    const closed = await Gateway.start({ policy: { policy: 'known', requireToken: true } });
    const { secret } = await closed.fleet.tokens.create({ name: 'a' }, 'test');
    expect(await closed.refusal({ joinToken: secret })).toEqual(UNAUTHORIZED);
  });

  it('9: a new machine is accepted, or pending under hold, up to the limit', async () => {
    const gateway = await Gateway.start({ policy: { maxMachines: 1 } });
    const uuid = randomUUID();
    const key = newKey();
    const joined = await gateway.provision({ uuid: uuid.toUpperCase(), key });
    const machine = [...gateway.fleet.machines.all()][0];
    expect(machine).toMatchObject({ uuid, key, boot: 1, state: 'accepted', address: joined.address, version: 1 });
    expect(gateway.fleet.machines.bySource(joined.address)).toBe(machine);
    expect(gateway.device.peers.get(key)).toBe(joined.address);
    expect(gateway.recorded).toEqual(['machine.discovered', 'machine.accepted', 'link.provisioned']);
    expect(gateway.events).toEqual([{ kind: 'boot', machine, previousBoot: undefined }]);
    expect((await gateway.refusal({})).code).toBe(status.RESOURCE_EXHAUSTED);
    const held = await Gateway.start({ policy: { policy: 'hold' } });
    await held.provision({});
    expect([...held.fleet.machines.all()][0]?.state).toBe('pending');
    expect(held.recorded).toEqual(['machine.discovered', 'link.provisioned']);
  });
});

describe('a record of a join', () => {
  it('has the flat view without names of tags, and who did it', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const key = newKey();
    const { address } = await gateway.provision({ joinToken: secret, key, version: 'v1.14.0-beta.1' });
    const discovered = gateway.log.records.find(({ detail }) => detail === 'discovered');
    const body = JSON.parse(discovered?.body ?? '') as Record<string, unknown>;
    expect(body).toMatchObject({
      address,
      state: 'accepted',
      public_key: key,
      boot: 1,
      talos_version: 'v1.14.0-beta.1',
      by: 'join',
      join_token_id: token.id,
    });
    for (const name of ['server_uuid', 'owner', 'namespace', 'cluster', 'metal_machine', 'machine', 'sent']) {
      expect(body).not.toHaveProperty(name);
    }
    const link = gateway.log.records.find(({ detail }) => detail === 'provisioned');
    expect(JSON.parse(link?.body ?? '')).toMatchObject({ public_key: key, address, endpoint: null, mode: 'udp' });
  });

  it('nowhere holds a secret: neither records nor rows nor logs nor errors', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const uniqueToken = 'canary-unique-token';
    const uuid = randomUUID();
    await gateway.provision({ uuid, joinToken: secret, uniqueToken });
    const refused = await gateway.refusal({ joinToken: `${secret}x` });
    const hidden = secret.split('.')[1] ?? '';
    const everything = JSON.stringify([gateway.log.changes, gateway.logged, refused]);
    expect(everything).toContain(uuid);
    expect(everything).not.toContain(hidden);
    expect(everything).not.toContain(uniqueToken);
  });
});

describe('refusals in the log', () => {
  it('one line a minute for all unknown UUIDs, one for each known machine, the rest counted', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const known = randomUUID();
    await gateway.provision({ uuid: known, joinToken: secret });
    for (let call = 0; call < 5; call += 1) {
      await gateway.refusal({});
      await gateway.refusal({ uuid: known });
    }
    const lines = () => gateway.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines().map(({ uuid, reason }) => [uuid, reason])).toEqual([
      [null, 'unauthorized'],
      [known, 'unauthorized'],
    ]);
    gateway.clock.advance(60_001);
    await gateway.refusal({});
    expect(lines().at(-1)).toMatchObject({ uuid: null, suppressed: 4, source: '127.0.0.1', row: 2 });
    expect(await gateway.metric('siderolinkd_join_refused_total')).toEqual({ unauthorized: 11 });
  });
});

describe('the last refusal', () => {
  it('is in the view until the machine is let in; it changes nothing that is kept, and a stranger leaves nothing', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const known = { uuid: randomUUID(), key: newKey() };
    const { address } = await gateway.provision({ ...known, joinToken: secret });
    const changes = gateway.log.changes.length;
    const view = () => gateway.fleet.machines.view(gateway.at(address));
    expect(view().lastRefusal).toBeNull();
    await gateway.refusal({ ...known });
    const { uuid } = gateway.at(address);
    expect(view().lastRefusal).toEqual({
      at: gateway.clock.now(),
      reason: 'unauthorized',
      source: '127.0.0.1',
      count: 1,
    });
    gateway.clock.advance(30_000);
    await gateway.refusal({ ...known, key: newKey() });
    expect(view().lastRefusal).toMatchObject({ at: gateway.clock.now(), count: 2 });
    expect(machineViewJson(view()).last_refusal).toMatchObject({ reason: 'unauthorized', count: 2 });
    await gateway.refusal({ uuid: randomUUID() });
    expect([...gateway.fleet.machines.all()].map((machine) => machine.uuid)).toEqual([uuid]);
    expect(gateway.log.changes).toHaveLength(changes);
    await gateway.provision({ ...known, joinToken: secret });
    expect(view().lastRefusal).toBeNull();
    expect(gateway.log.changes).toHaveLength(changes);
    await gateway.fleet.admin.remove(gateway.at(address).uuid, { records: false }, 'ann');
    await gateway.refusal({ ...known, joinToken: secret });
    expect(view().lastRefusal).toMatchObject({ reason: 'removed', count: 1 });
  });
});
