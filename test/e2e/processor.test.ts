import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));

const gateway = new Gateway();
beforeAll(async () => {
  await gateway.create();
  // As Node sees a virtual machine whose processor is a kvm64: a default of old.
  gateway.daemon = [process.execPath, '--no-enable-sse4-1', MAIN];
}, 240_000);
afterAll(() => gateway.dispose());

it('keeps the log of a machine on a processor that has not what the scanner of kernel lines needs', async () => {
  await gateway.start();
  const guest = await Guest.create(gateway, { quiet: false });
  await guest.on();
  const lines = () => gateway.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'] });
  await gateway.until('its boot is stored', async () => {
    const { nextSeq, counters } = await guest.state();
    return counters.kmsgSent > 0 && nextSeq > 0 && (await lines()).length >= nextSeq;
  });
  expect((await lines()).map(({ body }) => body['seq'])).toEqual((await lines()).map((_, seq) => seq));
}, 120_000);

it('ends when it cannot start, whatever it was that failed', async () => {
  await gateway.end('SIGTERM');
  // No configuration can be wrong in this way: it stands for any defect of ours between two parts.
  const preload = 'data:text/javascript,WebAssembly.validate = () => { throw new Error("not on this processor") }';
  gateway.daemon = [process.execPath, '--import', preload, MAIN];
  await expect(gateway.start()).rejects.toThrow('the daemon ended with 70');
  expect(gateway.log).toContain('not on this processor');
}, 120_000);
