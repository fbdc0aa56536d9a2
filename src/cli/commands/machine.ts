import type { Machine } from '../../client/api.ts';
import type { MachineFilter } from '../../client/client.ts';
import { type Context, printJson } from '../context.ts';
import { allMachines, resolveMachine } from '../resolve.ts';
import { formatTable } from '../table.ts';
import { ago } from '../text.ts';
import { follow, renderer } from './follow.ts';
import { conflictOf, machineFields, machineTable } from './machine-view.ts';

export async function machineList(context: Context, filter: MachineFilter): Promise<void> {
  const machines: Machine[] = [];
  for await (const machine of context.client.machines(filter)) {
    // A line each: a program reads a fleet of any size without holding it.
    if (context.format === 'json') printJson(context, machine);
    else machines.push(machine);
  }
  if (context.format === 'json') return;
  context.out(machineTable(machines, context));
  if (machines.length === 0) {
    context.err('no machines; `siderolinkctl kernel-args` prints what to boot one with\n');
  }
}

export async function machineGet(context: Context, text: string): Promise<void> {
  const machine = await resolveMachine(context.client, text);
  if (context.format === 'json') return printJson(context, machine);
  const conflict = await conflictOf(context.client, machine);
  context.out(machineFields(machine, conflict, context));
}

/** Its boots, the newest first. */
export async function machineBoots(context: Context, text: string): Promise<void> {
  const { server_uuid } = await resolveMachine(context.client, text);
  const boots = await context.client.boots(server_uuid);
  if (context.format === 'json') {
    for (const boot of boots) printJson(context, boot);
    return;
  }
  const now = context.clock.now();
  const wide = context.format === 'wide';
  const rows = boots.map((boot) => [
    String(boot.boot),
    boot.started_at,
    ago(boot.started_at, now),
    boot.last_seq === null ? '-' : String(boot.last_seq),
    boot.last_clock === null ? '-' : (boot.last_clock / 1e6).toFixed(6),
    String(boot.gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)),
    boot.gaps.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',') || '-',
    ...(wide ? [boot.public_key] : []),
  ]);
  const header = ['BOOT', 'STARTED', 'AGE', 'LAST SEQ', 'CLOCK', 'MISSING', 'SEQS', ...(wide ? ['PUBLIC KEY'] : [])];
  context.out(formatTable(header, rows));
  if (boots.length === 0) context.err('no boots: it never joined\n');
}

/** The table, and then a line for each change of a machine or its link. */
export async function machineWatch(context: Context): Promise<void> {
  const { prefix } = await context.client.status();
  const filter = ['machine.>', 'link.>', 'event.MachineStatusEvent'].map((rest) => `${prefix}.*.*.${rest}`);
  const lines = renderer(context, prefix);
  if (context.format !== 'json') {
    const machines = await allMachines(context.client);
    for (const machine of machines) lines.know(machine);
    context.out(machineTable(machines, context));
  }
  await follow(context, { filter }, {}, (record) => lines.render(record));
}
