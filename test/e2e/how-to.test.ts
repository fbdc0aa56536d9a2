import { afterAll, describe, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { running, settled, shown, token, uuid } from './how-to-machines.ts';
import { HowToPage } from './how-to-page.ts';

// docs/how-to, done as it is written: the pages say what is typed and seen, this says what the machines do meanwhile.

const gateways: Gateway[] = [];
afterAll(() => Promise.all(gateways.map((gateway) => gateway.dispose())));

async function newGateway(): Promise<Gateway> {
  const gateway = new Gateway();
  gateways.push(gateway);
  return await gateway.create();
}

describe('how-to pages', { timeout: 300_000 }, () => {
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

/** A cluster with the Secret of Sidero Metal's documentation (facts/sidero-metal.md section 1.4). */
const SIDERO_METAL = `
case "$*" in
*installation-id*) text=AKfdafTbmPeEqjtDc3OPGK9FriGO7CCBBIOZG4RjgmY= ;;
*private-key*) text=0M9lxAwrpWHCs8MnmZGtC/Vc+FRPS9S40wnHSM0CwG8= ;;
esac
printf %s "$text" | base64 -w0`;
