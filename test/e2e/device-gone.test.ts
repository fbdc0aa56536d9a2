import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamespacedMachine } from '../../src/simulate/namespaced-machine.ts';
import { Gateway } from './gateway.ts';

const gateway = new Gateway();
let machine: NamespacedMachine;
let uuid: string;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  machine = await gateway.machine();
  uuid = (await machine.state()).uuid;
  await machine.start();
}, 60_000);
afterAll(() => gateway.dispose());

describe('the WireGuard device is deleted under the running daemon', () => {
  it('is made again, and the machine goes on: same boot, same listeners, no line lost', async () => {
    await gateway.until('the machine runs', async () => (await gateway.client.machine(uuid)).stage === 'RUNNING');
    const { nextSeq } = await machine.state();
    await gateway.namespace.run(['ip', 'link', 'del', 'dev', gateway.interface]);
    const said = await machine.log('said while there was no device');
    expect(said).toBeGreaterThanOrEqual(nextSeq);
    const records = { machine: uuid, filter: ['*.*.*.kmsg.>'] };
    await gateway.until(
      'the line that was said meanwhile',
      async () => (await gateway.records(records)).some(({ body }) => body['seq'] === said),
      60_000,
    );
    const seqs = (await gateway.records(records)).map(({ body }) => body['seq']);
    expect(seqs).toEqual(seqs.map((_, seq) => seq));
    // The device is read every 5 s.
    await gateway.until('all is well again', async () => {
      const { link } = await gateway.client.machine(uuid);
      return link.state === 'up' && (await gateway.client.status()).ready;
    });
    expect((await gateway.client.machine(uuid)).boot).toBe(1);
  }, 90_000);
});
