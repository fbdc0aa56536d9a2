import assert from 'node:assert/strict';
import { META_UNIQUE_TOKEN } from '../../src/domain/token-write.ts';
import { storedLines } from './explained-lines.ts';
import type { Gateway } from './gateway.ts';
import type { Guest } from './guest.ts';

/** What it is told to use, how it comes then, and what the device has for its endpoint. */
const TURNS = [
  { tunnel: 'force', mode: 'tunnel', endpoint: /^127\.64\.0\.\d+:\d+$/ },
  { tunnel: 'off', mode: 'udp', endpoint: /^198\.1[89]\.[\d.]+:\d+$/ },
] as const;

/** A machine that came by UDP is sent into the tunnel and back: it keeps its key, boot and address, and no line is lost. */
export async function intoTheTunnelAndBack(gateway: Gateway, guest: Guest): Promise<void> {
  const { address, public_key, boot } = await gateway.client.machine(guest.uuid);
  for (const { tunnel, mode, endpoint } of TURNS) {
    await gateway.client.patchMachine(guest.uuid, { tunnel });
    const { provisions } = (await guest.state()).counters;
    // META that changed makes Talos call Provision at once, with the key that it has.
    await guest.machine.setMeta(META_UNIQUE_TOKEN, `before ${mode}`);
    await gateway.until('it has called again', async () => (await guest.state()).counters.provisions > provisions);
    const said = await guest.machine.log(`by ${mode}`);
    await gateway.until(`it comes by ${mode}`, async () => {
      const { link } = await gateway.client.machine(guest.uuid);
      const peer = (await gateway.peers()).get(public_key ?? '');
      return link.mode === mode && link.state === 'up' && endpoint.test(peer?.endpoint ?? '');
    });
    const lines = { machine: guest.uuid, filter: ['*.*.*.kmsg.>'], grep: `by ${mode}` };
    await gateway.until(`its line ${said} is stored`, async () => (await gateway.records(lines)).length > 0);
    const machine = await gateway.client.machine(guest.uuid);
    assert.deepEqual([machine.address, machine.public_key, machine.boot], [address, public_key, boot]);
  }
  const { missing, unexplained } = await storedLines(gateway, guest.uuid);
  assert.deepEqual({ missing, unexplained }, { missing: 0, unexplained: [] });
}
