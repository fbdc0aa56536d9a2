import { afterAll, describe, expect, it } from 'vitest';
import { META_UUID_OVERRIDE } from '../../src/domain/token-write.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { running, settled, shown, token, uuid } from './how-to-machines.ts';
import { HowToPage } from './how-to-page.ts';

// The pages of docs/how-to on machines that change or share their identity, done as it is written: the pages say what is typed and seen, this says what the machines do meanwhile.

// Both at once: most of their time is spent waiting for machines that do not answer.

/** What the pages call the UUIDs that are assigned in them. */
const ASSIGNED = 'e6cd6875-1709-4343-af37-9d9aa8d522ef';
const NAMELESS = '955e27f3-e28c-4e7f-8717-a8b3f2f85515';

const gateways: Gateway[] = [];
afterAll(() => Promise.all(gateways.map((gateway) => gateway.dispose())));

async function newGateway(): Promise<Gateway> {
  const gateway = new Gateway();
  gateways.push(gateway);
  return await gateway.create();
}

describe('how-to pages', { concurrent: true, timeout: 300_000 }, () => {
  it('resolve a UUID conflict', async () => {
    const gateway = await newGateway();
    await gateway.start();
    const page = new HowToPage(gateway, 'resolve-a-uuid-conflict.md');
    const incumbent = await running(gateway, { uuid: uuid(1), hostname: 'cp-1' });
    const newcomer = await running(gateway, { uuid: uuid(1), hostname: 'cp-9' });
    const before = await gateway.client.machine(incumbent.uuid);
    await page.section('What you see');

    await page.block('It is a machine of its own');
    await newcomer.machine.setMeta(META_UUID_OVERRIDE, page.actual(ASSIGNED));
    await gateway.until('it knows its UUID', async () => (await newcomer.state()).counters.provisions >= 2);
    await newcomer.reboot();
    await settled(gateway, newcomer);
    await page.section('It is a machine of its own');

    const heir = await running(gateway, { uuid: uuid(1), hostname: 'cp-9b' });
    await page.block('It is to take the place of the other');
    await incumbent.off();
    await heir.reboot();
    const { server_uuid, address } = await settled(gateway, heir);
    expect({ server_uuid, address }).toEqual({ server_uuid: uuid(1), address: before.address });
    await page.section('It is to take the place of the other');

    const junk = { uuid: '03000200-0400-0500-0006-000700080009', hostname: 'nuc-4', loseMeta: true, quiet: false };
    const nameless = await Guest.create(gateway, { ...junk, maintenance: true });
    await nameless.on();
    await shown(gateway, (machine) => machine.hostname === 'nuc-4' && machine.unique_token === 'bound');
    await page.block('Machines without a usable UUID');
    await nameless.reboot({ abrupt: true });
    await shown(gateway, (machine) => {
      const { hostname, unique_token, server_uuid } = machine;
      return hostname === 'nuc-4' && unique_token === 'bound' && server_uuid !== page.actual(NAMELESS);
    });
    await page.section('Machines without a usable UUID');
    await nameless.off();
    // The arguments of its next boot name it.
    const assigned = page.actual(NAMELESS);
    const named = await Guest.create(gateway, { ...junk, meta: new Map([[META_UUID_OVERRIDE, assigned]]) });
    await named.on();
    expect(await gateway.client.machine(assigned)).toMatchObject({ boot: 2, state: 'accepted' });
    page.finish();
  });

  it('replace a machine', async () => {
    const gateway = await newGateway();
    await gateway.start();
    const page = new HowToPage(gateway, 'replace-a-machine.md');
    const old = await running(gateway, { uuid: uuid(1), hostname: 'cp-1', meta: token('on its disk') });
    await gateway.client.claimMachine(old.uuid, { owner: 'acme' });
    await gateway.client.patchMachine(old.uuid, { labels: { set: { rack: 'r7' } } });
    await old.reboot({ mode: 'kexec' });
    const { address } = await settled(gateway, old);

    const heading = 'New disk, or installed anew';
    await old.machine.reboot({ abrupt: true, loseMeta: true });
    expect(await old.refused()).toMatch(/unauthorized/);
    await page.block(heading);
    expect(gateway.logged('join refused')).toMatchObject([{ uuid: old.uuid, reason: 'unique_token', row: 13 }]);
    await page.block(heading);
    await settled(gateway, old);
    await page.section(heading);

    await page.block('Another machine');
    await page.block('Another machine');
    await old.machine.reboot({ abrupt: true });
    expect(await old.refused()).toMatch(/unauthorized/);
    await running(gateway, { uuid: uuid(2), hostname: 'cp-2' });
    await page.section('Another machine');
    await page.section('The old one comes back');
    expect(await old.linked()).toBe(address);
    page.finish();
  });
});
