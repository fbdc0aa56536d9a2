import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { DirectMachines, expectExplained, restartUnderLoad, runningMachines } from './restart-story.ts';
import { SocketHolder } from './socket-holder.ts';

// A hundred machines are for `npm run test:long`.
const MACHINES = 20;
const LINES_PER_SECOND = 100;

const gateway = new Gateway();
let holder: SocketHolder;

beforeAll(async () => {
  await gateway.create();
  holder = await SocketHolder.create(gateway, { SIDEROLINKD__OVERLAY__FIREWALL: 'false' });
  await holder.start();
}, 240_000);
afterAll(async () => {
  await holder.stop();
  await gateway.dispose();
}, 240_000);

it('takes the sockets over, and hands them to nobody', () => {
  expect(gateway.logged('systemd listens for us')).toMatchObject([{ sockets: ['api', 'kmsg', 'kmsg-udp', 'events'] }]);
  const inodes = (pid: number | string) => {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return new Set(links.filter((link) => link.startsWith('socket:')));
  };
  const own = inodes(holder.pid);
  const children = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === holder.pid);
  expect(children.length).toBeGreaterThan(0);
  for (const child of children) expect([...inodes(child)].filter((link) => own.has(link))).toEqual([]);
});

it('lets callers wait while it restarts, under load, and tells of every line that is lost', async () => {
  const machines = await DirectMachines.start(gateway, MACHINES, LINES_PER_SECOND);
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGTERM', times: 1 });
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGKILL', times: 2 });
  await machines.cut();
  await expectExplained(gateway, machines);
}, 240_000);

it('takes the datagrams that came while there was no daemon', async () => {
  const [uuid = ''] = await runningMachines(gateway);
  const { address } = await gateway.client.machine(uuid);
  const { host, port } = holder.address('kmsg-udp');
  const sender = gateway.namespace.spawn([process.execPath, '-e', DATAGRAMS, address, host, String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const sent = once(sender, 'exit');
  if (sender.stdout === null) throw new Error('no output');
  await once(sender.stdout, 'data');
  await holder.restart('SIGKILL', async () => {
    sender.stdin?.end();
    await sent;
  });
  const received = async () => {
    const records = await gateway.records({ machine: uuid, filter: ['*.*.*.log.>'] });
    return records.map(({ body }) => body['msg']).filter((msg) => String(msg).startsWith('datagram '));
  };
  await gateway.until('all datagrams', async () => (await received()).length >= 10);
  expect(await received()).toEqual(Array.from({ length: 10 }, (_, index) => `datagram ${index}`));
}, 240_000);

/** Sends ten service log lines over UDP as soon as its standard input ends. Arguments: from, to, port. */
const DATAGRAMS = `
  const [from, to, port] = process.argv.slice(1);
  const socket = require('node:dgram').createSocket('udp6');
  socket.bind(0, from, () => {
    console.log('ready');
    process.stdin.resume().once('end', async () => {
      for (let i = 0; i < 10; i++) {
        const line = JSON.stringify({ msg: 'datagram ' + i, 'talos-level': 'info', 'talos-service': 'probe' });
        await new Promise((resolve) => socket.send(line, Number(port), to, resolve));
      }
      socket.close();
    });
  });
`;

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}
