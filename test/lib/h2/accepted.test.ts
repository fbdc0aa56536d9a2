import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import * as raw from './raw-peer.ts';
import { EchoEdge } from './raw-peer.ts';

/** What the system says of the sockets that a port of ours has accepted. */
function accepted(port: number): string {
  const { status, stdout, stderr } = spawnSync('ss', ['-Htno', 'state', 'established', `sport = :${port}`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

it('the system asks after silent peers, as on every socket that Node accepts', async () => {
  await using echo = await EchoEdge.start();
  const peer = echo.peer().hello().send(raw.call(1));
  expect(await peer.answer(1)).toBe('0 hello');
  // After a minute of silence; what is said meanwhile begins it anew.
  expect(accepted(echo.port)).toMatch(/timer:\(keepalive,(1min|\d+)/);
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
