import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { Guest } from './guest.ts';
import type { Nginx } from './nginx.ts';
import { NginxGateway } from './nginx-gateway.ts';

// Minutes behind the nginx of docs/how-to/network.md.

const gateway = new NginxGateway({ patienceMs: 120_000 });
const IDLE_MS = 300_000;
let nginx: Nginx;
let guest: Guest;

beforeAll(async () => {
  await gateway.create();
  await gateway.startBehindProxy();
  nginx = await gateway.nginx();
  guest = await gateway.tcpOnly(nginx);
  await guest.on();
});
afterAll(() => gateway.dispose());

it('five idle minutes later a line still comes through the same stream', async () => {
  await gateway.lineArrives(guest, 'before');
  const opened = await gateway.opened();
  await systemClock.sleep(IDLE_MS);
  await gateway.lineArrives(guest, 'after');
  expect(await gateway.opened()).toBe(opened);
  expect(guest.notices('tunnel_ended')).toEqual([]);
  expect(nginx.errors).not.toMatch(/\[(?:warn|error|crit)\]/);
});

it('nginx takes up another configuration, and the stream goes on', async () => {
  const opened = await gateway.opened();
  await nginx.reload();
  await gateway.lineArrives(guest, 'reloaded');
  expect(await gateway.opened()).toBe(opened);
});

it('nginx is started again, and the machine is back by itself', async () => {
  await nginx.stop();
  await nginx.start();
  await gateway.lineArrives(guest, 'nginx started again');
});

it('the daemon is killed and started again, and the machine is back by itself', async () => {
  const { provisions } = (await guest.state()).counters;
  await gateway.end('SIGKILL');
  await gateway.startBehindProxy();
  // The first line after a killed server goes into its dead connection, whatever the link (facts/users.md D1).
  await gateway.until('a line arrives', async () => {
    await guest.machine.log('killed');
    return (await gateway.lines(guest, 'killed')) > 0;
  });
  expect((await guest.state()).counters.provisions).toBe(provisions);
});

it('a machine that went without a word is noticed by client_body_timeout', async () => {
  await guest.off();
  await gateway.until(
    'its stream has ended',
    async () => (await gateway.metrics()).get('siderolinkd_tunnel_streams') === 0,
    150_000,
  );
});
