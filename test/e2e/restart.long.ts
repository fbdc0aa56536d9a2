import { afterAll, beforeAll, it } from 'vitest';
import { Gateway } from './gateway.ts';
import { DirectMachines, expectExplained, restartUnderLoad } from './restart-story.ts';
import { SocketHolder } from './socket-holder.ts';

const MACHINES = 100;
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

it('lets a hundred machines and all callers wait while it restarts, and tells of every line that is lost', async () => {
  const machines = await DirectMachines.start(gateway, MACHINES, LINES_PER_SECOND);
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGTERM', times: 3 });
  await restartUnderLoad(gateway, holder, machines, { signal: 'SIGKILL', times: 3 });
  await machines.cut();
  await expectExplained(gateway, machines);
});
