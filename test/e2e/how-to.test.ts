import { afterAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { META_UNIQUE_TOKEN, META_UUID_OVERRIDE } from '../../src/domain/token-write.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { HowToPage } from './how-to-page.ts';

// docs/how-to, done as it is written: the pages say what is typed and seen, this says what the machines do meanwhile.

const gateways: Gateway[] = [];
afterAll(() => Promise.all(gateways.map((gateway) => gateway.dispose())));

async function newGateway(): Promise<Gateway> {
  const gateway = new Gateway();
  gateways.push(gateway);
  return await gateway.create();
}

/** The machines of the pages have these UUIDs. */
const uuid = (number: number) => `71233efd-7a07-43f8-b6ba-00000000000${number}`;
const token = (text: string) => new Map([[META_UNIQUE_TOKEN, text]]);

/** A machine that is on; resolves when the registry shows its link and what a whole boot has told. */
async function running(gateway: Gateway, options: Parameters<typeof Guest.create>[1]): Promise<Guest> {
  const guest = await Guest.create(gateway, { quiet: false, ...options });
  await guest.machine.start();
  const { server_uuid } = await settled(gateway, guest);
  await shown(gateway, (machine) => machine.server_uuid === server_uuid && machine.link.state === 'up');
  return guest;
}

/** Resolves when all that the boot tells has been stored. */
async function settled(gateway: Gateway, guest: Guest): Promise<Machine> {
  await guest.linked();
  const { publicKey } = await guest.state();
  return await shown(gateway, ({ public_key, ready }) => public_key === publicKey && ready === true);
}

/** The machine of which this is shown. */
async function shown(gateway: Gateway, is: (machine: Machine) => boolean): Promise<Machine> {
  let found: Machine | undefined;
  await gateway.until('a machine is shown as it should be', async () => {
    found = undefined;
    for await (const machine of gateway.client.machines()) if (is(machine)) found = machine;
    return found !== undefined;
  });
  if (found === undefined) throw new Error('no machine');
  return found;
}

describe('how-to pages', { timeout: 180_000 }, () => {
  it('rotate a join token', async () => {
    const gateway = await newGateway();
    await gateway.start();
    const { id, secret } = await gateway.client.createToken({ name: 'rack 7' });
    const variables = ['k3xT0aVb9QzM', 'p8RfWn2cLd4H', 't5YhGq7vNk3E'];
    const page = new HowToPage(gateway, 'rotate-a-join-token.md', { variables });
    const vouched = { uuid: uuid(1), hostname: 'cp-1', joinToken: secret, meta: token('its own') };
    const first = await running(gateway, vouched);
    const bare = await running(gateway, { uuid: uuid(2), hostname: 'worker-1', joinToken: secret });

    await page.section('Who needs it');
    expect(page.actual('k3xT0aVb9QzM')).toBe(id);
    await page.section('Make the next one');
    await page.section('Put it where the old one is');

    await bare.off();
    const joinToken = page.read('new-token');
    const again = await running(gateway, { uuid: uuid(2), hostname: 'worker-1', joinToken });
    await page.section('End the old one');
    expect(await first.reboot()).toBe((await gateway.client.machine(first.uuid)).address);
    await settled(gateway, first);

    await running(gateway, { uuid: uuid(3), hostname: 'stranger', joinToken });
    await page.section('A token has leaked');
    await again.machine.reboot({ abrupt: true });
    expect(await again.refused()).toMatch(/unauthorized/);
    page.finish();
  });

  it('hand a machine to a tenant', async () => {
    const gateway = await newGateway();
    await gateway.start();
    const page = new HowToPage(gateway, 'hand-a-machine-to-a-tenant.md', { variables: ['k3xT0aVb9QzM'] });
    const machines = await Promise.all([
      running(gateway, { uuid: uuid(1), hostname: 'r7-a' }),
      running(gateway, { uuid: uuid(2), hostname: 'r7-b' }),
    ]);
    await page.section('Find a free one');
    await page.section('Claim it');

    const [handed] = machines;
    await handed.machine.log('hello from r7-a');
    await gateway.until('its line is stored', async () => {
      const records = await gateway.records({ machine: handed.uuid, filter: ['siderolink.acme.*.kmsg.>'] });
      return records.some(({ body }) => String(body['msg']).includes('hello'));
    });
    await page.section('What subscribers see');
    await page.section('So that two cannot both win');
    await page.section('Hand it on');
    await page.section('Take it back');
    await page.section('Whose a machine is before it boots');

    const joinToken = page.read('acme-token');
    const announced = await running(gateway, { uuid: uuid(9), hostname: 'r9-a', quiet: false });
    const byToken = await running(gateway, { uuid: uuid(8), hostname: 'r9-b', joinToken });
    for (const guest of [announced, byToken]) {
      const given = { owner: 'acme', cluster: 'prod', labels: { rack: 'r9' }, state: 'accepted' };
      expect(await gateway.client.machine(guest.uuid)).toMatchObject(given);
    }
    const [first] = await gateway.records({ machine: byToken.uuid });
    expect(first?.subject).toBe(`siderolink.acme.${byToken.uuid}.machine.discovered`);
    page.finish();
  });

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

  it('adopt an existing installation', async () => {
    const gateway = await newGateway();
    const page = new HowToPage(gateway, 'adopt-an-existing-installation.md', { programs: { kubectl: SIDERO_METAL } });
    await page.section('Get id and key');
    await page.section('Give them to siderolinkd');
    const settings = { 'join.require_token': 'false', 'join.unique_tokens': 'legacy' };
    await gateway.start({ ...settings, 'wireguard.endpoints': '["192.0.2.1:51821"]' });
    await page.block('Change over');
    // As Sidero Metal writes them.
    const server = '[fdae:2859:5bb1:7a03::1]';
    const kernelArguments = `siderolink.api=192.0.2.1:8081 talos.events.sink=${server}:4002 talos.logging.kernel=tcp://${server}:4001`;
    await running(gateway, { uuid: uuid(1), hostname: 'cp-1', kernelArguments });
    const old = await Guest.create(gateway, { uuid: uuid(2), hostname: 'old-1', version: '1.0', kernelArguments });
    await old.machine.start();
    await shown(gateway, (machine) => machine.server_uuid === old.uuid && machine.link.state === 'up');
    await page.section('Change over');
    expect(await gateway.records({ machine: old.uuid, filter: ['*.*.*.kmsg.>'] })).not.toHaveLength(0);
    page.finish();
  });
});

/** What the pages call the UUIDs that are assigned in them. */
const ASSIGNED = 'e6cd6875-1709-4343-af37-9d9aa8d522ef';
const NAMELESS = '955e27f3-e28c-4e7f-8717-a8b3f2f85515';

/** A cluster with the Secret of Sidero Metal's documentation (facts/sidero-metal.md section 1.4). */
const SIDERO_METAL = `
case "$*" in
*installation-id*) text=AKfdafTbmPeEqjtDc3OPGK9FriGO7CCBBIOZG4RjgmY= ;;
*private-key*) text=0M9lxAwrpWHCs8MnmZGtC/Vc+FRPS9S40wnHSM0CwG8= ;;
esac
printf %s "$text" | base64 -w0`;
