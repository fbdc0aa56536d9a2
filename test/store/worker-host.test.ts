import { expect, test } from 'vitest';
import { WorkerHost } from '../../src/store/worker-host.ts';

const open = (data: unknown) => new WorkerHost('testing', new URL('./dying-worker.ts', import.meta.url), data, {});
const never = new AbortController().signal;

test('requests are answered or refused, one by one', async () => {
  const host = open('state');
  expect(await host.ready()).toBe('state');
  const answers = await Promise.allSettled(['a', 'refuse', 'b'].map((kind) => host.request({ kind })));
  expect(answers).toMatchObject([{ value: 'a' }, { reason: { code: 'internal', message: 'not so' } }, { value: 'b' }]);
  await host.close({ kind: 'close' }, never);
});

test('a thread that cannot start says why', async () => {
  const host = open('broken');
  await expect(host.ready()).rejects.toMatchObject({ message: 'cannot open' });
  await host.close({ kind: 'close' }, never);
});

test('the death of a thread rejects what waits and what comes, and is told', async () => {
  const host = open('state');
  const died = new Promise((resolve) => host.onDeath(resolve));
  await host.ready();
  const waiting = [host.request({ kind: 'die' }), host.request({ kind: 'a' })];
  for (const request of waiting) await expect(request).rejects.toMatchObject({ code: 'storage' });
  expect(await died).toMatchObject({ message: expect.stringContaining('testing thread') });
  await expect(host.request({ kind: 'a' })).rejects.toMatchObject({ code: 'storage' });
  await host.close({ kind: 'close' }, never);
});

test('closing is no death', async () => {
  const host = open('state');
  let deaths = 0;
  host.onDeath(() => deaths++);
  await host.close({ kind: 'close' }, never);
  expect(deaths).toBe(0);
  const forced = open('state');
  forced.onDeath(() => deaths++);
  await forced.close({ kind: 'no such' }, AbortSignal.abort());
  expect(deaths).toBe(0);
});
