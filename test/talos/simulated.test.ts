import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { newCounters } from '../../src/simulate/counters.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { type ApiFault, type ApiMode, TalosApi } from '../../src/simulate/talos-api.ts';
import { MachineApi } from '../../src/talos/machine-api.ts';

// The simulated machine was written from what Talos does, not from what our client expects: here they meet.

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Simulated {
  readonly api: MachineApi;
  /** What META holds. */
  readonly meta: ReadonlyMap<number, string>;
}

/** The API of a simulated machine on loopback, and a client of ours. */
async function simulated(
  mode: ApiMode,
  options: { readonly version?: string; readonly fault?: ApiFault; readonly anyPeer?: boolean } = {},
): Promise<Simulated> {
  const { version = '1.13', fault = 'none', anyPeer = true } = options;
  const meta = new Map<number, string>();
  const port = Promise.withResolvers<number>();
  const served = new TalosApi(
    { anyPeer },
    {
      profile: talosProfile(version),
      network: {
        listenOverlay: async (_, onConnection) => {
          const server = createServer(onConnection);
          await new Promise<void>((resolve) => server.listen({ host: '::1', port: 0 }, resolve));
          port.resolve((server.address() as AddressInfo).port);
          return server;
        },
      },
      clock: systemClock,
      meta: { write: (key, value) => meta.set(key, value).has(key), remove: (key) => meta.delete(key) },
      counters: newCounters(),
      onListening: () => {},
      onError: port.reject,
    },
  );
  closers.push(() => served.stop());
  await served.setFault(fault);
  await served.linked('::1');
  await served.serve(mode);
  const deadlineMs = fault === 'hang' || fault === 'stall' ? 100 : 5_000;
  return { api: new MachineApi({ localAddress: '::1', port: await port.promise, deadlineMs }), meta };
}

const never = new AbortController().signal;
const fault = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'none',
    (error) => `${error.fault} ${error.status}`,
  );

test('a machine in maintenance takes token and UUID, and tells its version', async () => {
  const { api, meta } = await simulated('maintenance');
  await api.metaWrite('::1', 16, 'token', never);
  await api.metaWrite('::1', 15, 'uuid', never);
  expect([...meta]).toEqual([
    [16, 'token'],
    [15, 'uuid'],
  ]);
  expect(await api.version('::1', never)).toBe('v1.13.0');
});

test('a running machine demands a certificate', async () => {
  const { api, meta } = await simulated('running');
  expect(await fault(api.metaWrite('::1', 16, 'token', never))).toBe('certificate_demanded null');
  expect(meta.size).toBe(0);
});

test('Talos 1.5 has no MetaWrite', async () => {
  const { api } = await simulated('maintenance', { version: '1.5' });
  expect(await fault(api.metaWrite('::1', 16, 'token', never))).toBe('unimplemented 12');
});

test('who does not come over the link may not write', async () => {
  const { api } = await simulated('maintenance', { anyPeer: false });
  expect(await fault(api.metaWrite('::1', 16, 'token', never))).toBe('refused 7');
});

test.each([
  ['hang', 'timeout null', 0],
  ['stall', 'timeout null', 0],
  ['error', 'refused 2', 0],
  ['drop', 'broken null', 1],
  ['flood', 'broken null', 1],
] as const)('the fault %s is told as %s', async (what, told, stored) => {
  const { api, meta } = await simulated('maintenance', { fault: what });
  expect(await fault(api.metaWrite('::1', 16, 'token', never))).toBe(told);
  expect(meta.size).toBe(stored);
});
