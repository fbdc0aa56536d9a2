import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { genuineClient, withoutGo } from './genuine.ts';

const UUID = '71233efd-7a07-43f8-b6ba-da90fae0e88b';
const EVENTS = [
  'AddressEvent',
  'ConfigLoadErrorEvent',
  'ConfigValidationErrorEvent',
  'MachineStatusEvent',
  'PhaseEvent',
  'RestartEvent',
  'SequenceEvent',
  'ServiceStateEvent',
  'TaskEvent',
];

describe.skipIf(withoutGo)('the genuine client', () => {
  const gateway = new Gateway();
  beforeAll(async () => {
    await gateway.create();
    await gateway.start();
  }, 240_000);
  afterAll(() => gateway.dispose());

  it.each([
    { version: 'v1.13.0', uuid: UUID, token: 'a-unique-token' },
    { version: 'v1.6.0', uuid: UUID.replace('7', '8'), token: '' },
  ])(
    'of Talos $version joins, links, sends every event and its lines, and reboots',
    async ({ version, uuid, token }) => {
      const machine = await gateway.network.namespace(`go-${version.replaceAll('.', '')}`);
      const third = version.length + (token === '' ? 10 : 20);
      await gateway.network.connect(gateway.namespace, `10.9.${third}.1/24`, machine, `10.9.${third}.2/24`);
      await machine.run(['ip', 'route', 'add', 'default', 'via', `10.9.${third}.1`]);
      const [api = ''] = (await gateway.kernelArguments()).split(' ');
      const output = await machine.run(
        [
          genuineClient(),
          'join',
          ...['--api', api.replace('siderolink.api=', ''), '--uuid', uuid, '--talos-version', version],
          ...(token === '' ? [] : ['--unique-token', token]),
          ...['--interface', gateway.network.interfaceName(), '--events-each', '--lines', '200', '--reboots', '1'],
        ],
        { timeoutMs: 180_000 },
      );
      const steps = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(steps.at(-1)).toMatchObject({ step: 'done' });
      expect(steps.filter(({ step }) => step === 'handshake')).toHaveLength(2);
      const given = steps.filter(({ step }) => step === 'provisioned');
      expect(given[1]?.['node_address_prefix']).toBe(given[0]?.['node_address_prefix']);

      const seen = await gateway.client.machine(uuid);
      expect(seen).toMatchObject({ boot: 2, talos_version: version, public_key: given[1]?.['public_key'] });
      expect(`${seen.address}/64`).toBe(given[0]?.['node_address_prefix']);
      for (const boot of [1, 2]) {
        const records = (await gateway.records({ machine: uuid })).filter((record) => record.boot === boot);
        const lines = records.filter(({ subject }) => subject.split('.')[3] === 'kmsg');
        expect(lines.map(({ body }) => body['seq'])).toEqual(Array.from({ length: 200 }, (_, seq) => seq));
        const events = records.filter(({ subject }) => subject.split('.')[3] === 'event');
        const known = events.filter(({ body }) => body['raw'] === undefined);
        expect(known.map(({ subject }) => subject.split('.').at(-1)).sort()).toEqual(EVENTS);
        expect(events).toHaveLength(EVENTS.length + 1);
      }
    },
    240_000,
  );

  it('is refused with a wrong token', async () => {
    const machine = await gateway.network.namespace('go-wrong');
    await gateway.network.connect(gateway.namespace, '10.9.99.1/24', machine, '10.9.99.2/24');
    await machine.run(['ip', 'route', 'add', 'default', 'via', '10.9.99.1']);
    const run = machine.run([
      ...[genuineClient(), 'join', '--api', 'grpc://192.0.2.1:8081?jointoken=wrong', '--uuid', UUID.replace('7', '9')],
      ...['--interface', gateway.network.interfaceName()],
    ] as [string, ...string[]]);
    await expect(run).rejects.toThrow();
    await expect(gateway.client.machine(UUID.replace('7', '9'))).rejects.toMatchObject({ code: 'not_found' });
  });
});
