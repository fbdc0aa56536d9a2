import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { newKey } from '../fleet/fakes.ts';
import { closeGateways, Gateway } from './gateway.ts';

afterEach(closeGateways);

describe('calls at one time', () => {
  it('for one UUID and key share one run: one address, one commit', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    gateway.log.gate.close();
    const answers = Array.from({ length: 20 }, () => gateway.begin(call));
    gateway.log.gate.open();
    expect(new Set(await Promise.all(answers)).size).toBe(1);
    expect(gateway.commits).toBe(1);
    expect(gateway.device.changes).toHaveLength(1);
    expect(gateway.fleet.machines.size).toBe(1);
  });

  it('for one UUID with many keys: one address, one peer, no address without an owner', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    const keys = Array.from({ length: 8 }, () => newKey());
    const answers = await Promise.all(keys.map((key) => gateway.provision({ uuid, key })));
    expect(new Set(answers.map(({ address }) => address)).size).toBe(1);
    const machine = [...gateway.fleet.machines.all()][0];
    expect(gateway.fleet.machines.size).toBe(1);
    expect([...gateway.device.peers]).toEqual([[machine?.key, machine?.address]]);
    expect(machine?.boot).toBe(8);
    expect(gateway.log.reopen().image.machines).toHaveLength(1);
  });

  it('a stranger who knows UUID and key gets neither the answer of a running join nor a say in it', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret } = await gateway.fleet.tokens.create({ name: 'a' }, 'test');
    const call = { uuid: randomUUID(), key: newKey() };
    gateway.log.gate.close();
    const joining = gateway.provision({ ...call, joinToken: secret });
    await gateway.log.gate.arrived(2);
    const guesses = [
      {},
      { joinToken: secret.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A')) },
      { uniqueToken: 'a' },
    ];
    for (const guess of guesses) {
      expect((await gateway.refusal({ ...call, ...guess })).code).toBe(status.PERMISSION_DENIED);
    }
    gateway.log.gate.open();
    expect((await joining).prefix).toMatch(/\/64$/);
  });

  it('the last use of a token admits exactly one of many', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'three', maxUses: 3 }, 'test');
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, () => gateway.provision({ joinToken: secret })),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(3);
    expect(gateway.fleet.tokens.get(token.id)?.uses).toBe(3);
    expect(gateway.fleet.machines.size).toBe(3);
  });

  it('the key changed while the incumbent was asked: asked again, about the new one', async () => {
    const gateway = await Gateway.start();
    const [uuid, first, second, third] = [randomUUID(), newKey(), newKey(), newKey()];
    await gateway.provision({ uuid, key: first });
    gateway.links.gate.close();
    const both = [second, third].map((key) => gateway.begin({ uuid, key }));
    expect(gateway.links.probes).toHaveLength(1);
    gateway.links.gate.open();
    await Promise.all(both);
    expect(gateway.links.probes.map(({ peer }) => peer.publicKey)).toEqual([first, second]);
    const machine = [...gateway.fleet.machines.all()][0];
    expect([...gateway.device.peers]).toEqual([[machine?.key, machine?.address]]);
    expect(machine).toMatchObject({ key: third, boot: 3 });
  });

  it('the incumbent comes back while a newcomer that found it silent waits its turn: it is asked again', async () => {
    const gateway = await Gateway.start();
    const [uuid, key] = [randomUUID(), newKey()];
    const { address } = await gateway.provision({ uuid, key });
    gateway.links.gate.close();
    const newcomer = gateway.begin({ uuid, key: newKey() });
    // Silent until now, it calls again by itself; the device takes its time.
    gateway.device.gate.close();
    const back = gateway.begin({ uuid, key });
    await gateway.device.gate.arrived(2);
    gateway.links.gate.open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await gateway.metric('siderolinkd_join_probes_total')).toEqual({ silent: 1 });
    gateway.linked(key);
    gateway.device.gate.open();
    expect(await back).toBe(address);
    expect(await newcomer).not.toBe(address);
    expect(gateway.at(address)).toMatchObject({ key, boot: 1 });
    expect(gateway.links.probes).toHaveLength(2);
  });

  it('no time for a second probe: UNAVAILABLE, and nothing changed', async () => {
    const gateway = await Gateway.start();
    const [uuid, second, third] = [randomUUID(), newKey(), newKey()];
    await gateway.provision({ uuid });
    gateway.links.gate.close();
    const results = Promise.allSettled([second, third].map((key) => gateway.begin({ uuid, key })));
    gateway.clock.advance(11_000);
    gateway.links.gate.open();
    expect(await results).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'unavailable' } },
    ]);
    expect([...gateway.fleet.machines.all()]).toMatchObject([{ key: second, boot: 2 }]);
  });

  it('probes and joins are bounded', async () => {
    const gateway = await Gateway.start({ provision: { maxProbes: 1, maxRunning: 2 } });
    const [one, two] = [randomUUID(), randomUUID()];
    await gateway.provision({ uuid: one });
    await gateway.provision({ uuid: two });
    gateway.links.gate.close();
    const waiting = gateway.provision({ uuid: one });
    await gateway.links.gate.arrived(1);
    expect((await gateway.refusal({ uuid: two })).code).toBe(status.RESOURCE_EXHAUSTED);
    gateway.log.gate.close();
    const joining = gateway.provision({});
    await gateway.log.gate.arrived(3);
    expect((await gateway.refusal({})).code).toBe(status.RESOURCE_EXHAUSTED);
    gateway.links.gate.open();
    gateway.log.gate.open();
    await Promise.all([waiting, joining]);
    await gateway.provision({});
  });
});

describe('the reply comes after the commit and after the device', () => {
  it('and the listeners hear of a boot when the device has its key', async () => {
    const gateway = await Gateway.start();
    const key = newKey();
    gateway.log.gate.close();
    gateway.device.gate.close();
    let answered = false;
    const joining = gateway.provision({ key }).then(() => {
      answered = true;
    });
    await gateway.log.gate.arrived(1);
    expect(gateway.fleet.machines.peers()).toEqual([]);
    gateway.log.gate.open();
    await gateway.device.gate.arrived(1);
    expect(gateway.commits).toBe(1);
    expect(gateway.fleet.machines.peers()).toMatchObject([{ publicKey: key }]);
    expect(gateway.events).toEqual([]);
    expect(answered).toBe(false);
    gateway.device.gate.open();
    await joining;
    expect(gateway.events).toMatchObject([{ kind: 'boot' }]);
  });

  it('the store fails: UNAVAILABLE, and address, key, boot and token use are free again', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true } });
    const { secret, token } = await gateway.fleet.tokens.create({ name: 'once', maxUses: 1 }, 'test');
    const call = { uuid: randomUUID(), key: newKey(), joinToken: secret };
    gateway.log.failures = 1;
    expect(await gateway.refusal(call)).toEqual({
      code: status.UNAVAILABLE,
      message: 'not possible now, try again',
    });
    expect(gateway.fleet.machines.size).toBe(0);
    expect(gateway.boots.ofKey(call.key)).toBeUndefined();
    expect(gateway.fleet.tokens.get(token.id)?.uses).toBe(0);
    expect(gateway.device.changes).toEqual([]);
    expect(gateway.events).toEqual([]);
    await gateway.provision(call);
    expect([...gateway.fleet.machines.all()]).toMatchObject([{ uuid: call.uuid, boot: 1 }]);
  });

  it('the store fails at a reboot: the machine is as it was', async () => {
    const gateway = await Gateway.start();
    const [uuid, key, next] = [randomUUID(), newKey(), newKey()];
    const { address } = await gateway.provision({ uuid, key, uniqueToken: 'meta' });
    const before = gateway.fleet.machines.bySource(address);
    gateway.log.failures = 1;
    expect((await gateway.refusal({ uuid, key: next, uniqueToken: 'meta' })).code).toBe(status.UNAVAILABLE);
    expect(gateway.fleet.machines.bySource(address)).toBe(before);
    expect(gateway.boots.current(1)?.publicKey).toBe(key);
    expect(gateway.fleet.machines.peers()).toEqual([{ publicKey: key, address }]);
    expect([...gateway.device.peers]).toEqual([[key, address]]);
    expect((await gateway.provision({ uuid, key: next, uniqueToken: 'meta' })).address).toBe(address);
  });

  it('calls behind a join that fails decide anew', async () => {
    const gateway = await Gateway.start();
    const uuid = randomUUID();
    gateway.log.gate.close();
    gateway.log.failures = 1;
    const first = gateway.refusal({ uuid });
    await gateway.log.gate.arrived(1);
    const second = gateway.provision({ uuid });
    gateway.log.gate.open();
    expect((await first).code).toBe(status.UNAVAILABLE);
    await second;
    expect([...gateway.fleet.machines.all()]).toMatchObject([{ uuid, boot: 1 }]);
  });

  it('the device fails: UNAVAILABLE; the next call finishes the swap and tells of the boot', async () => {
    const gateway = await Gateway.start();
    const [uuid, key, next] = [randomUUID(), newKey(), newKey()];
    const { address } = await gateway.provision({ uuid, key });
    gateway.device.failures = 1;
    expect((await gateway.refusal({ uuid, key: next })).code).toBe(status.UNAVAILABLE);
    expect(gateway.events).toHaveLength(1);
    expect(gateway.fleet.machines.peers()).toEqual([{ publicKey: next, address }]);
    expect((await gateway.provision({ uuid, key: next })).address).toBe(address);
    expect([...gateway.device.peers]).toEqual([[next, address]]);
    expect(gateway.events).toMatchObject([{ kind: 'boot' }, { kind: 'boot', previousBoot: { number: 1 } }]);
    expect(gateway.logged.join('')).toContain('Operation not permitted');
  });

  it('the device fails for two boots in turn: no peer stays behind', async () => {
    const gateway = await Gateway.start();
    const [uuid, one, two, three] = [randomUUID(), newKey(), newKey(), newKey()];
    const { address } = await gateway.provision({ uuid, key: one });
    gateway.device.failures = 2;
    await gateway.refusal({ uuid, key: two });
    await gateway.refusal({ uuid, key: three });
    await gateway.provision({ uuid, key: three });
    expect([...gateway.device.peers]).toEqual([[three, address]]);
    expect(gateway.boots.current(1)).toMatchObject({ number: 3, publicKey: three });
  });

  it('the device fails, and a newcomer comes with the former key: it keeps it when the swap is finished', async () => {
    const gateway = await Gateway.start();
    const [uuid, former, key] = [randomUUID(), newKey(), newKey()];
    const { address } = await gateway.provision({ uuid, key: former });
    gateway.device.failures = 1;
    await gateway.refusal({ uuid, key });
    const newcomer = await gateway.provision({ uuid, key: former });
    expect(newcomer.address).not.toBe(address);
    expect((await gateway.provision({ uuid, key })).address).toBe(address);
    expect(new Map(gateway.device.peers)).toEqual(
      new Map([
        [former, newcomer.address],
        [key, address],
      ]),
    );
  });

  it('the device hangs: UNAVAILABLE after 15 s, and no timer stays behind', async () => {
    const gateway = await Gateway.start();
    const call = { uuid: randomUUID(), key: newKey() };
    gateway.device.gate.close();
    const refused = gateway.refusal(call);
    await gateway.device.gate.arrived(1);
    gateway.clock.advance(15_000);
    expect((await refused).code).toBe(status.UNAVAILABLE);
    const again = gateway.provision(call);
    gateway.device.gate.open();
    await again;
    await gateway.service.stop();
    expect(gateway.clock.waiting).toBe(0);
    expect(gateway.commits).toBe(1);
  });
});

describe('stopping', () => {
  it('waits for what is promised, and for no incumbent: its newcomer tries again', async () => {
    const gateway = await Gateway.start();
    const incumbent = { uuid: randomUUID(), key: newKey() };
    await gateway.provision(incumbent);
    gateway.links.gate.close();
    const newcomer = gateway.refusal({ ...incumbent, key: newKey() });
    await gateway.links.gate.arrived(1);
    gateway.log.gate.close();
    const committing = gateway.begin({ uuid: randomUUID() });
    const stopped = gateway.service.stop();
    expect((await newcomer).code).toBe(status.UNAVAILABLE);
    gateway.log.gate.open();
    await stopped;
    await committing;
    expect([...gateway.device.peers].map(([key]) => key)).toContain(incumbent.key);
    expect(gateway.device.peers.size).toBe(2);
  });
});
