import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as raw from './raw-peer.ts';
import { EchoEdge } from './raw-peer.ts';

/** Of a connection that a port of 127.0.0.1 has accepted: which timer of the system runs, and in how many seconds it ends. */
function timerOf(port: number): { readonly kind: number; readonly seconds: number } {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const fields = lines
    .map((line) => line.trim().split(/\s+/))
    .find(([, at, , state]) => at === local && state === '01');
  const [kind = '', when = ''] = fields?.[5]?.split(':') ?? [];
  return { kind: Number.parseInt(kind, 16), seconds: Number.parseInt(when, 16) / TICKS_PER_SECOND };
}

/** proc(5): what it counts in, and the timer that runs when nothing else is to be waited for. */
const TICKS_PER_SECOND = 100;
const KEEP_ALIVE = 2;

it('the system asks after peers that are silent for a minute, as on every socket that Node accepts', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo.peer().hello().send(raw.call(1));
  expect(await peer.answer(1)).toBe('0 hello');
  // While what was written is not acknowledged another timer runs.
  await expect.poll(() => timerOf(echo.port).kind).toBe(KEEP_ALIVE);
  expect(timerOf(echo.port).seconds).toBeLessThanOrEqual(60);
});

it('a connection is gone when its peer has said all, and without a goodbye', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo.peer().hello().send(raw.call(1));
  expect(await peer.answer(1)).toBe('0 hello');
  peer.socket.end();
  await peer.closed;
  await expect.poll(() => echo.edge.connections).toBe(0);
  expect(peer.frames.some(({ type }) => type === raw.GOAWAY)).toBe(false);
  expect(echo.refused).toEqual([]);
});
