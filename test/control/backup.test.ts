import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { Backup } from '../../src/control/types.ts';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { startControl } from './harness.ts';

const CONTENT = randomBytes(300_000);
const SHA256 = createHash('sha256').update(CONTENT).digest();

/** One that has these bytes, and tells when they are given back. */
function source(read: () => Readable = () => Readable.from([CONTENT])) {
  const back = Promise.withResolvers<void>();
  return {
    given: 0,
    back: back.promise,
    async make(): Promise<Backup> {
      this.given += 1;
      return {
        bytes: CONTENT.length,
        sha256: SHA256,
        read,
        [Symbol.asyncDispose]: async () => {
          back.resolve();
        },
      };
    },
  };
}

it('is one file, with its length and digest before it, and is logged and counted', async () => {
  const backups = source();
  await using control = await startControl({}, undefined, { backups });
  const response = await post(control.socket);
  expect(response.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': String(CONTENT.length),
    'repr-digest': `sha-256=:${SHA256.toString('base64')}:`,
    'cache-control': 'no-store',
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(CONTENT)).toBe(true);
  await backups.back;
  await control.server.stop(2_000);
  expect(backups.given).toBe(1);
  expect(control.logged.join('')).toMatch(/"by":"control socket","bytes":300000,.*"msg":"backup given"/);
  expect(await control.metrics.getSingleMetricAsString('siderolinkd_control_backups_total')).toContain(
    '{result="sent"} 1',
  );
});

it.each([
  ['conflict', 409],
  ['storage', 507],
  ['exhausted', 429],
] as const)('is refused with %s', async (code, status) => {
  const make = async () => {
    throw new SiderolinkError(code, 'why');
  };
  await using control = await startControl({}, undefined, { backups: { make } });
  const { status: answered, json } = await control.call('POST', '/v1/backup');
  expect({ answered, code: json.code }).toEqual({ answered: status, code });
  expect(control.logged.join('')).toMatch(/"error":"why","msg":"no backup was made"/);
});

it('is given up when its caller goes away while it is made', async () => {
  const began = Promise.withResolvers<AbortSignal>();
  const make = async (signal: AbortSignal) => {
    began.resolve(signal);
    await once(signal, 'abort');
    throw new SiderolinkError('unavailable', 'given up');
  };
  await using control = await startControl({}, undefined, { backups: { make } });
  const call = request({ socketPath: control.socket, method: 'POST', path: '/v1/backup' });
  call.on('error', () => {});
  call.end();
  const signal = await began.promise;
  call.destroy();
  if (!signal.aborted) await once(signal, 'abort');
  expect(signal.aborted).toBe(true);
});

it('ends short, and is given back, when its bytes cannot be read', async () => {
  const broken = () =>
    Readable.from(
      (async function* () {
        yield CONTENT.subarray(0, 1000);
        throw new Error('disk');
      })(),
    );
  const backups = source(broken);
  await using control = await startControl({}, undefined, { backups });
  const response = await post(control.socket);
  await expect(
    (async () => {
      for await (const _ of response);
    })(),
  ).rejects.toThrow(/aborted/);
  await backups.back;
  await control.server.stop(2_000);
  expect(backups.given).toBe(1);
  expect(control.logged.join('')).toContain('"msg":"backup broken off"');
});

async function post(socketPath: string) {
  const call = request({ socketPath, method: 'POST', path: '/v1/backup' });
  call.end();
  const [response] = await once(call, 'response');
  return response;
}
