import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { Guest } from './guest.ts';
import type { Nginx } from './nginx.ts';
import { NginxGateway } from './nginx-gateway.ts';

// Minutes behind the nginx of docs/how-to/network.md, and what the page says of its times.

const gateway = new NginxGateway({ patienceMs: 120_000 });
const IDLE_MS = 300_000;
/** Idle machines behind other times than the page's; whether their streams last. */
const OTHER_TIMES = [
  {
    name: "nginx's own",
    alter: (recipe: string) => recipe.replaceAll(/^.*(?:client_body|grpc_read)_timeout.*\n/gm, ''),
    lasts: true,
  },
  {
    name: 'client_body_timeout 20s',
    alter: (recipe: string) => recipe.replace('client_body_timeout 90s', 'client_body_timeout 20s'),
    lasts: false,
  },
  {
    name: 'grpc_read_timeout 20s',
    alter: (recipe: string) => recipe.replace('grpc_read_timeout 90s', 'grpc_read_timeout 20s'),
    lasts: false,
  },
];

let nginx: Nginx;
let guest: Guest;
let others: readonly { readonly name: string; readonly lasts: boolean; readonly guest: Guest }[];

beforeAll(async () => {
  await gateway.create();
  await gateway.startBehindProxy();
  nginx = await gateway.nginx();
  guest = await gateway.tcpOnly(nginx);
  others = await Promise.all(
    OTHER_TIMES.map(async ({ name, lasts, alter }, index) => {
      const other = await gateway.nginx({ port: 8443 + index, alter });
      return { name, lasts, guest: await gateway.tcpOnly(other) };
    }),
  );
  for (const each of [guest, ...others.map((other) => other.guest)]) {
    await each.on();
    await gateway.lineArrives(each, 'before');
  }
});
afterAll(() => gateway.dispose());

it('five idle minutes later a line still comes through the same stream', async () => {
  await systemClock.sleep(IDLE_MS);
  // Nobody has called again meanwhile, whoever that was.
  expect(guest.notices('tunnel_ended')).toEqual([]);
  expect(nginx.accesses).not.toContain('CreateStream');
  await gateway.lineArrives(guest, 'after');
  expect(guest.notices('tunnel_ended')).toEqual([]);
  expect(nginx.accesses).not.toContain('CreateStream');
  expect(nginx.errors).not.toMatch(/\[(?:warn|error|crit)\]/);
});

it.each(OTHER_TIMES)('with $name it lasts: $lasts', ({ name }) => {
  const other = others.find((each) => each.name === name);
  const ends = other?.guest.notices('tunnel_ended').length;
  if (other?.lasts === true) expect(ends).toBe(0);
  else expect(ends).toBeGreaterThan(0);
});

it('those that are cut stay out of what follows', async () => {
  for (const other of others) await other.guest.off();
  await gateway.until('one stream is left', async () => (await gateway.streams()) === 1);
});

it('nginx takes up another configuration, and the stream goes on', async () => {
  const opened = await gateway.opened();
  await nginx.reload();
  await gateway.lineArrives(guest, 'reloaded');
  expect(await gateway.opened()).toBe(opened);
});

it('nginx is started again, and the machine is back by itself', async () => {
  const opened = await gateway.opened();
  await nginx.stop();
  await nginx.start();
  await gateway.lineArrives(guest, 'nginx started again');
  expect(await gateway.opened()).toBe(opened + 1);
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

it('a machine that went without a word is down, and its next stream takes the place of the one before', async () => {
  /** Streams that we ended ourselves; nginx has ended none. */
  const takenAway = async () => {
    const metrics = await gateway.metrics();
    const of = (reason: string) => metrics.get(`siderolinkd_tunnel_ended_total{reason="${reason}"}`) ?? 0;
    return of('replaced') + of('not_allowed');
  };
  await gateway.lineArrives(guest, 'last words');
  const ended = await takenAway();
  await gateway.until('it is up', async () => (await gateway.client.machine(guest.uuid)).link.state === 'up');
  await guest.machine.setOutage('all');
  await gateway.until('it is down', async () => (await gateway.client.machine(guest.uuid)).link.state === 'down');
  // Power lost and back: whatever its old connection would have said reaches nobody.
  await guest.machine.reboot({ abrupt: true });
  await guest.machine.setOutage('udp');
  await guest.linked();
  await gateway.lineArrives(guest, 'first words');
  await gateway.until('the stream before was ended', async () => (await takenAway()) > ended);
});
