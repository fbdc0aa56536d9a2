import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { closeGateways, Gateway } from './gateway.ts';

afterEach(closeGateways);

/** Ends of calls, in the order in which they come. */
function ends(calls: readonly Promise<unknown>[]): string[] {
  const seen: string[] = [];
  for (const call of calls) {
    call.then(
      () => seen.push('joined'),
      (error: { code?: number }) => seen.push(status[error.code ?? 0] ?? ''),
    );
  }
  return seen;
}

async function waiting(gateway: Gateway): Promise<number | undefined> {
  return (await gateway.metric('siderolinkd_join_refusals_waiting'))[''];
}

describe('refusals that come too fast', () => {
  it('are answered later, while who may join is answered at once', async () => {
    const gateway = await Gateway.start({
      policy: { requireToken: true },
      provision: { refusalsPerSecond: 2, maxRefusalDelayMs: 1_000 },
    });
    const { secret } = await gateway.fleet.tokens.create({ name: 'good' }, 'test');
    const bad = Array.from({ length: 8 }, () => gateway.provision({ uuid: randomUUID(), joinToken: 'wrong.wrong' }));
    const seen = ends(bad);
    await gateway.provision({ uuid: randomUUID(), joinToken: secret });
    const denied = () => seen.length;
    // Two at once, one more that is due now; the others wait for their turns, which the clock has not reached.
    await expect.poll(() => waiting(gateway)).toBe(5);
    await expect.poll(denied).toBe(3);
    await gateway.clock.advance(500);
    await expect.poll(denied).toBe(4);
    await gateway.clock.advance(500);
    await expect.poll(denied).toBe(8);
    expect(new Set(seen)).toEqual(new Set(['PERMISSION_DENIED']));
  });

  it('are all answered at once when the daemon stops', async () => {
    const gateway = await Gateway.start({ policy: { requireToken: true }, provision: { refusalsPerSecond: 1 } });
    const seen = ends(
      Array.from({ length: 6 }, () => gateway.provision({ uuid: randomUUID(), joinToken: 'wrong.wrong' })),
    );
    await expect.poll(() => waiting(gateway)).toBe(4);
    await gateway.service.stop();
    await expect.poll(() => seen.length).toBe(6);
    expect(await waiting(gateway)).toBe(0);
  });

  it('are counted when there are too many to wait', async () => {
    const gateway = await Gateway.start({
      policy: { requireToken: true },
      provision: { refusalsPerSecond: 1, maxRefusalsWaiting: 1 },
    });
    const seen = ends(
      Array.from({ length: 6 }, () => gateway.provision({ uuid: randomUUID(), joinToken: 'wrong.wrong' })),
    );
    await expect.poll(() => seen.length).toBe(5);
    expect(await gateway.metric('siderolinkd_join_refusals_hurried_total')).toEqual({ '': 3 });
  });
});

it('counts what is no protobuf message, and what cannot be a machine', async () => {
  const gateway = await Gateway.start();
  await expect(gateway.send(Buffer.from('0a7f00', 'hex'))).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    message: 'the request is not the protobuf message of this method',
  });
  await expect(gateway.provision({ key: 'no key' })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  expect(await gateway.metric('siderolinkd_join_failed_total')).toEqual({ invalid_argument: 2 });
  expect(gateway.logged).toEqual([]);
});
