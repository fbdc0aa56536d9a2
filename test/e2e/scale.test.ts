import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Machine } from '../../src/client/api.ts';
import { run } from './canary-host.ts';
import { Gateway } from './gateway.ts';

// What it costs is measured by `npm run bench -- registry`; here it is right.

const CTL = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const MACHINES = 10_000;
const AT_ONCE = 200;

const gateway = new Gateway();
const uuids = Array.from({ length: MACHINES }, () => randomUUID());
const rackOf = (n: number) => `r${Math.floor(n / 40)}`;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  let next = 0;
  const worker = async () => {
    while (next < MACHINES) {
      const n = next++;
      await gateway.client.registerMachine(uuids[n] ?? '', {
        owner: `tenant-${n % 20}`,
        labels: { rack: rackOf(n), slot: String(n % 40), ...(n % 2 === 0 && { even: '' }) },
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}, 240_000);
afterAll(() => gateway.dispose());

async function listed(selector?: string, owner?: string): Promise<string[]> {
  const found: Machine[] = [];
  for await (const machine of gateway.client.machines({ selector, owner })) found.push(machine);
  return found.map(({ server_uuid }) => server_uuid).sort();
}

function expected(passes: (n: number) => boolean): string[] {
  return uuids.filter((_, n) => passes(n)).sort();
}

it('finds among ten thousand machines those that a selector means, over all pages', async () => {
  expect(await listed()).toEqual(expected(() => true));
  expect(await listed('rack=r17')).toEqual(expected((n) => rackOf(n) === 'r17'));
  expect(await listed('!even,slot>37')).toEqual(expected((n) => n % 2 === 1 && n % 40 > 37));
  expect(await listed('even,rack notin (r0,r1)', 'tenant-4')).toEqual(
    expected((n) => n % 20 === 4 && n % 2 === 0 && n >= 80),
  );
  expect(await listed('rack=r17,slot=40')).toEqual([]);
}, 240_000);

it('knows them all after a restart, in the order in which they became known', async () => {
  const before: string[] = [];
  for await (const { server_uuid } of gateway.client.machines()) before.push(server_uuid);
  await gateway.end('SIGTERM');
  await gateway.start();
  const after: string[] = [];
  for await (const { server_uuid } of gateway.client.machines()) after.push(server_uuid);
  expect(after).toEqual(before);
  const { machines } = await gateway.client.status();
  expect(machines).toMatchObject({ total: MACHINES, by_state: { known: MACHINES }, by_link: { never: MACHINES } });
}, 240_000);

it('lists them all on a terminal', async () => {
  const socket = `${gateway.directory}/control.sock`;
  const { code, said } = await run(gateway.namespace.name, [CTL, '--socket', socket, 'machine', 'list', '-o', 'json']);
  expect(code).toBe(0);
  const shown = [...said.matchAll(/"server_uuid": *"([^"]+)"/g)].map(([, uuid]) => uuid);
  expect(shown.sort()).toEqual(expected(() => true));
}, 240_000);
