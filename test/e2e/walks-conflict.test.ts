import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Envelope } from '../../src/client/api.ts';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { madeFor, told } from './walking.ts';

// A newcomer never harms a machine that answers: what the machine has, says and is called stays as it is.

const GO_CLIENT = fileURLToPath(new URL('../interop/bin/interop', import.meta.url));
// As for the other tests with the genuine client: only where there is no Go to build it with, and never with CI=true.
const withoutGo = process.env['SIDEROLINK_INTEROP'] === 'no' && process.env['CI'] === undefined;

const LINES_PER_SECOND = 100;

const gateway = new Gateway();
let incumbent: Guest;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  incumbent = await Guest.create(gateway, { quiet: false, linesPerSecond: LINES_PER_SECOND });
  await incumbent.on();
  await gateway.until('it has booted', async () => {
    const { stage, ready } = await gateway.client.machine(incumbent.uuid);
    return stage === 'RUNNING' && ready === true;
  });
}, 240_000);
afterAll(() => gateway.dispose(), 240_000);

async function lines(uuid: string): Promise<Envelope[]> {
  return await gateway.records({ machine: uuid, filter: ['*.*.*.kmsg.>'] });
}

/** What a conflict must leave as it is. */
async function untouched() {
  const { publicKey, counters, address, boot } = await incumbent.state();
  const { version, state, link, public_key } = await gateway.client.machine(incumbent.uuid);
  const peer = (await gateway.peers()).get(publicKey ?? '');
  return {
    machine: { publicKey, address, boot, provisions: counters.provisions, kmsgConnections: counters.kmsgConnections },
    view: { version, state, link: link.state, public_key },
    peer: { ...peer, rxBytes: 0, txBytes: 0 },
    links: (await gateway.records({ machine: incumbent.uuid, filter: ['*.*.*.link.>'] })).map(({ subject }) => subject),
  };
}

/** Lets the incumbent talk on for a second, then accounts for every line that it has sent. */
async function expectEveryLine(): Promise<void> {
  const { nextSeq } = await incumbent.state();
  await gateway.until('it talks on', async () => (await lines(incumbent.uuid)).length > nextSeq + LINES_PER_SECOND);
  const records = await lines(incumbent.uuid);
  expect(records.map(({ body }) => body['seq'])).toEqual(records.map((_, seq) => seq));
  expect(new Set(records.map(({ boot }) => boot))).toEqual(new Set([1]));
  expect(await gateway.records({ machine: incumbent.uuid, filter: ['*.*.*.gap.>'] })).toEqual([]);
}

it('a newcomer with its UUID is a machine of its own, and the incumbent talks on as if nobody had come', async () => {
  await gateway.until('its link is told', async () => (await untouched()).links.length === 2);
  const before = await untouched();
  const newcomer = await Guest.create(gateway, { uuid: incumbent.uuid, quiet: false, seed: 4711 });
  const address = await newcomer.on();
  const [made] = await madeFor(gateway, incumbent.uuid);
  const uuid = made?.server_uuid ?? '';
  const { publicKey } = await newcomer.state();
  expect(made).toMatchObject({ state: 'provisional', address, public_key: publicKey, boot: 1 });

  // Whose lines are whose: all of the newcomer's are there, under its own name.
  await gateway.until('the newcomer has said all', async () => {
    const { nextSeq } = await newcomer.state();
    return nextSeq > 500 && (await lines(uuid)).length >= nextSeq;
  });
  const its = await lines(uuid);
  expect(its.map(({ body }) => body['seq'])).toEqual(its.map((_, seq) => seq));
  expect(new Set(its.map(({ body }) => body['server_uuid']))).toEqual(new Set([uuid]));
  await gateway.until('its events came', async () => (await gateway.client.machine(uuid)).hostname !== null);

  await expectEveryLine();
  expect(await untouched()).toEqual(before);

  const conflicts = await gateway.records({ machine: incumbent.uuid, filter: ['*.*.*.machine.conflict'] });
  expect(conflicts.map(({ body }) => body)).toEqual([
    expect.objectContaining({
      server_uuid: incumbent.uuid,
      by: 'join',
      newcomer: expect.objectContaining({ asked: incumbent.uuid, uuid, public_key: publicKey, reason: 'provisional' }),
    }),
  ]);
}, 240_000);

it('accepted, it is a machine like others; its link goes on', async () => {
  const [made] = await madeFor(gateway, incumbent.uuid);
  const { server_uuid: uuid = '', public_key: key = '' } = made ?? {};
  const before = (await gateway.peers()).get(key ?? '');
  expect(await gateway.client.acceptMachine(uuid)).toMatchObject({ state: 'accepted', made_for: incumbent.uuid });
  expect((await gateway.peers()).get(key ?? '')).toMatchObject({
    endpoint: before?.endpoint,
    allowedIps: before?.allowedIps,
    latestHandshake: before?.latestHandshake,
  });
  expect(await told(gateway, uuid)).toEqual(['discovered', 'accepted']);
  const [accepted] = await gateway.records({ machine: uuid, filter: ['*.*.*.machine.accepted'] });
  expect(accepted?.body).toMatchObject({ by: 'admin control socket', previous_state: 'provisional' });
});

describe.skipIf(withoutGo)('the genuine client', () => {
  it('as a newcomer: gets an identity, calls again, and sends its lines', async () => {
    if (!existsSync(GO_CLIENT)) throw new Error('build it first: (cd test/interop && go build -o bin/interop .)');
    const before = await untouched();
    const machine = await gateway.network.namespace('go');
    await gateway.network.connect(gateway.namespace, '10.9.1.1/24', machine, '10.9.1.2/24');
    await machine.run(['ip', 'route', 'add', 'default', 'via', '10.9.1.1']);
    const [api = ''] = (await gateway.kernelArguments()).split(' ');
    const known = (await madeFor(gateway, incumbent.uuid)).map(({ server_uuid }) => server_uuid);
    const output = await machine.run(
      [
        ...([GO_CLIENT, 'join', '--api', api.replace('siderolink.api=', '')] as const),
        ...['--uuid', incumbent.uuid, '--interface', gateway.network.interfaceName()],
        ...['--repeats', '3', '--lines', '100'],
      ],
      { timeoutMs: 180_000 },
    );
    const steps = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(steps.at(-1)).toMatchObject({ step: 'done' });
    const made = (await madeFor(gateway, incumbent.uuid)).find(({ server_uuid }) => !known.includes(server_uuid));
    const given = steps.filter(({ step }) => step === 'provisioned' || step === 'repeated');
    expect(given.map((step) => step['node_address_prefix'])).toEqual(Array(4).fill(`${made?.address}/64`));
    expect(made).toMatchObject({ state: 'provisional', boot: 1, public_key: given[0]?.['public_key'] });
    expect(await lines(made?.server_uuid ?? '')).toHaveLength(100);
    await expectEveryLine();
    expect(await untouched()).toEqual(before);
  }, 240_000);
});
