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
}, 240_000);
afterAll(() => gateway.dispose());

/** Where the machine is gets stored with the record of its link: with the device's first reading that shows a packet of it. */
async function linkIsStored(): Promise<void> {
  const ups = { machine: uuid, filter: ['*.*.*.link.up'] };
  await gateway.until('its link is stored', async () => (await gateway.records(ups)).length > 0);
}

describe('the WireGuard device is deleted under the running daemon', () => {
  it('is made again, and the machine goes on: same boot, same listeners, no line lost', async () => {
    await gateway.until('the machine runs', async () => (await gateway.client.machine(uuid)).stage === 'RUNNING');
    const records = { machine: uuid, filter: ['*.*.*.kmsg.>'] };
    const isStored = async (seq: number | undefined) =>
      (await gateway.records(records)).some(({ body }) => body['seq'] === seq);
    // Of more than the machine's socket holds, Talos drops what it could not send within 5 s: a whole boot would be more.
    await gateway.until('its boot is stored', async () => await isStored((await machine.state()).nextSeq - 1));
    await linkIsStored();
    const { nextSeq } = await machine.state();
    await gateway.namespace.run(['ip', 'link', 'del', 'dev', gateway.interface]);
    const said = await machine.log('said while there was no device');
    expect(said).toBeGreaterThanOrEqual(nextSeq);
    await gateway.until('the line that was said meanwhile', () => isStored(said));
    const seqs = (await gateway.records(records)).map(({ body }) => body['seq']);
    expect(seqs).toEqual(seqs.map((_, seq) => seq));
    // The device is read every 5 s, or every 15 s where it takes long.
    await gateway.until('all is well again', async () => {
      const { link } = await gateway.client.machine(uuid);
      return link.state === 'up' && (await gateway.client.status()).ready;
    });
    expect((await gateway.client.machine(uuid)).boot).toBe(1);
  }, 300_000);
});

describe('the host was rebooted: no daemon and no device, and then both anew', () => {
  /** What the gateway's device shows of the machine's endpoint once the daemon serves again, without a word of it. */
  async function endpointAfterReboot(settings: Readonly<Record<string, string>>): Promise<string | null | undefined> {
    await gateway.end('SIGKILL');
    await gateway.namespace.run(['ip', 'link', 'del', 'dev', gateway.interface]);
    await machine.setOutage('all');
    await gateway.start(settings);
    const [peer] = [...(await gateway.peers()).values()];
    expect(peer).toMatchObject({ latestHandshake: 0, rxBytes: 0 });
    return peer?.endpoint;
  }

  /** The machine's port 50000 as the gateway finds it now. */
  async function reach(): Promise<void> {
    const stream = await gateway.client.connect(uuid, 50_000);
    stream.destroy();
  }

  it('the machine has its last endpoint back, and is reached before it says a word', async () => {
    await linkIsStored();
    const [before] = [...(await gateway.peers()).values()];
    expect(before?.endpoint).toMatch(/^198\.\d+\.\d+\.\d+:\d+$/);
    expect(await endpointAfterReboot({})).toBe(before?.endpoint);
    // Nobody is declared down who only was not heard yet.
    expect((await gateway.client.machine(uuid)).link.state).not.toBe('down');
    await machine.setOutage('none');
    await reach();
    await gateway.until('the link is up', async () => (await gateway.client.machine(uuid)).link.state === 'up');
    const down = await gateway.records({ machine: uuid, filter: ['*.*.*.link.down'] });
    expect(down).toEqual([]);
  }, 300_000);

  it('not where that is switched off', async () => {
    expect(await endpointAfterReboot({ 'wireguard.restore_endpoints': 'false' })).toBeNull();
    await machine.setOutage('none');
  }, 300_000);
});
