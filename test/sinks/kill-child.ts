/** The kernel log sink over a real store, steered by lines on stdin, to be killed. Argument: the store's path. */
import { createInterface } from 'node:readline';
import { GAP_AGE } from '../../src/domain/gap.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { GapReporter } from '../../src/sinks/gap-reporter.ts';
import { KmsgServer } from '../../src/sinks/kmsg-server.ts';
import { openRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { newKey, world } from './fakes.ts';

const MACHINE = 1;
const w = world();
const machine = w.machines.add(MACHINE, '127.0.0.5');
const base = { clock: systemClock, logger: w.logger, health: new Health(Date.now), metrics: w.registry };
const log = await openRecordLog({ path: process.argv[2] ?? '', prefix: 'siderolink' }, base);
// The clock of holes is moved by hand.
const boots = new BootTable({}, { image: log.image, clock: w.clock });
const { id, server_uuid } = machine.tags;
await log.commit({ ops: [{ op: 'putTags', id, server_uuid: server_uuid as never, ownership: {} }], records: [] });
const sinks = { ...w, log, boots };
const kmsg = new KmsgServer({ host: '127.0.0.1', port: 0, udp: false }, { ...sinks, clock: systemClock });
const gaps = new GapReporter({}, sinks);

async function join() {
  // A machine that boots takes longer than we to accept what it dialled before.
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  const former = boots.current(MACHINE);
  const { boot, ops } = boots.begin(MACHINE, newKey());
  const last = former?.lastSeq ?? null;
  await log.commit({ ops, records: [] });
  boots.activate(MACHINE);
  const joined = w.machines.change(MACHINE, { boot: boot.number });
  w.machines.emit({ kind: 'boot', machine: joined, previousBoot: former });
  return { boot: boot.number, last };
}

async function settle() {
  await log.flush();
  w.clock.advance(GAP_AGE);
  await gaps.report();
  return {};
}

async function dump() {
  const records = [];
  for (let after = 0; ; ) {
    const page = await log.read({ filters: [], after, limit: 5_000 });
    records.push(...page.records.map(({ json }) => json));
    after = page.next;
    if (page.end) return { records };
  }
}

const { port } = await kmsg.start();
w.machines.change(MACHINE, { boot: boots.current(MACHINE)?.number ?? 0 });
process.stdout.write(`${JSON.stringify({ port })}\n`);
const commands: Readonly<Record<string, () => Promise<unknown>>> = { join, settle, dump };
for await (const command of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await commands[command]?.())}\n`);
}
