import type { Machine } from '../../client/api.ts';
import type { MachineFilter } from '../../client/client.ts';
import { type Context, printJson } from '../context.ts';
import { resolveMachine } from '../resolve.ts';
import { type Cell, formatFields, formatTable } from '../table.ts';
import { ago, formatBytes, printable } from '../text.ts';
import { follow, renderer } from './follow.ts';

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
  context.out(machineFields(machine, context));
}

/** The table, and then a line for each change of a machine or its link. */
export async function machineWatch(context: Context): Promise<void> {
  const { prefix } = await context.client.status();
  const filter = ['machine.>', 'link.>', 'event.MachineStatusEvent'].map((rest) => `${prefix}.*.*.${rest}`);
  const lines = renderer(context, prefix);
  if (context.format !== 'json') {
    const machines: Machine[] = [];
    for await (const machine of context.client.machines()) {
      machines.push(machine);
      lines.know(machine);
    }
    context.out(machineTable(machines, context));
  }
  await follow(context, { filter }, {}, (record) => lines.render(record));
}

function machineTable(machines: readonly Machine[], context: Context): string {
  const wide = context.format === 'wide';
  const header = ['UUID', 'HOSTNAME', 'STATE', 'LINK', 'STAGE', 'READY', 'TALOS', 'OWNER', 'SEEN'];
  const more = ['ADDRESS', 'ENDPOINT', 'BOOT', 'JOINED', 'RX', 'TX', 'LABELS'];
  const rows = machines.map((machine) => [...row(machine, context), ...(wide ? wideRow(machine, context) : [])]);
  return formatTable(wide ? [...header, ...more] : header, rows);
}

function row(machine: Machine, { style, clock }: Context): Cell[] {
  const link = { up: style.green, down: style.red, never: style.dim }[machine.link.state];
  return [
    machine.server_uuid,
    machine.hostname ?? '-',
    machine.state,
    { text: machine.link.state, paint: link },
    machine.stage ?? '-',
    machine.ready === null ? '-' : machine.ready ? 'yes' : 'no',
    machine.talos_version ?? '-',
    machine.owner ?? '-',
    ago(machine.last_seen, clock.now()),
  ];
}

function wideRow(machine: Machine, { clock }: Context): Cell[] {
  return [
    machine.address,
    machine.link.endpoint ?? '-',
    String(machine.boot),
    ago(machine.joined_at, clock.now()),
    formatBytes(machine.link.rx_bytes),
    formatBytes(machine.link.tx_bytes),
    labelText(machine.labels),
  ];
}

function machineFields(machine: Machine, { clock }: Context): string {
  const now = clock.now();
  const { link } = machine;
  const since = (time: string | null) => (time === null ? 'never' : `${time} (${ago(time, now)} ago)`);
  const services = Object.entries(machine.services).map(([name, { state, healthy, message }]) => {
    const health = healthy === null ? '' : healthy ? ', healthy' : ', unhealthy';
    return `${name}: ${state}${health}${message && `, ${message}`}`;
  });
  const unmet = machine.unmet_conditions.map(({ name, reason }) => `${name}${reason && ` (${reason})`}`);
  const ownership = (['owner', 'namespace', 'cluster', 'metal_machine', 'machine'] as const).flatMap((name) =>
    machine[name] === undefined ? [] : [[name.replace('_', ' '), machine[name]] as const],
  );
  const ready = machine.ready === null ? '' : machine.ready ? ', ready' : ', not ready';
  const fields: (readonly [string, string])[] = [
    ['uuid', machine.server_uuid],
    ['hostname', machine.hostname ?? '-'],
    ['state', machine.state],
    ...ownership,
    ['labels', labelText(machine.labels)],
    ['address', machine.address],
    ['talos', machine.talos_version ?? '-'],
    ['stage', `${machine.stage ?? '-'}${ready}`],
    ['unmet', unmet.join('\n') || '-'],
    ['sequence', machine.sequence === null ? '-' : `${machine.sequence.name} ${machine.sequence.action}`],
    ['services', services.join('\n') || '-'],
    ['addresses', machine.addresses.join('\n') || '-'],
    ['last seen', since(machine.last_seen)],
    ['link', `${link.state} (${link.mode})${link.endpoint === null ? '' : ` from ${link.endpoint}`}`],
    ['last received', since(link.last_rx)],
    ['last handshake', since(link.last_handshake)],
    ['traffic', `${formatBytes(link.rx_bytes)} received, ${formatBytes(link.tx_bytes)} sent`],
    ['public key', machine.public_key ?? '-'],
    ['unique token', machine.unique_token],
    ['boot', String(machine.boot)],
    ['joined', since(machine.joined_at)],
    ['known since', since(machine.created_at)],
    ['version', String(machine.version)],
  ];
  const safe = (text: string) => text.split('\n').map(printable).join('\n');
  return formatFields(fields.map(([name, value]) => [name, safe(value)] as const));
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return (
    Object.entries(labels)
      .map(([name, value]) => (value === '' ? name : `${name}=${value}`))
      .join(',') || '-'
  );
}
