import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { DirectMachines, expectExplained, restartUnderLoad } from './restart-story.ts';
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
}, 60_000);
afterAll(async () => {
  await holder.stop();
  await gateway.dispose();
}, 60_000);

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
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGTERM', times: 2 });
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGKILL', times: 2 });
  await machines.cut();
  await expectExplained(gateway, machines);
}, 240_000);

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}
