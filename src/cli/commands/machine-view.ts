import type { Machine } from '../../client/api.ts';
import type { ControlClient } from '../../client/client.ts';
import { errorCode } from '../../domain/errors.ts';
import { asNodeUuid, isJunkUuid } from '../../domain/uuid.ts';
import type { Context } from '../context.ts';
import { nameOf } from '../resolve.ts';
import { type Cell, formatFields, formatTable } from '../table.ts';
import { ago, formatBytes, labelText, printable, type Style } from '../text.ts';
import { detailFields, type Field, missingFields, statusFields } from './machine-status.ts';

/** The machines that claim to be one: of a provisional one the incumbent, of an incumbent the newcomers. */
export interface Conflict {
  readonly incumbent: Machine | undefined;
  readonly newcomers: readonly Machine[];
}

/** Which machines call themselves the same. */
export async function conflictOf(client: ControlClient, machine: Machine): Promise<Conflict> {
  if (machine.state === 'provisional') {
    const asked = asNodeUuid(machine.made_for ?? '');
    return { incumbent: asked === undefined ? undefined : await find(client, asked), newcomers: [] };
  }
  const newcomers: Machine[] = [];
  for await (const other of client.machines({ state: ['provisional'] })) {
    if (asNodeUuid(other.made_for ?? '') === machine.server_uuid) newcomers.push(other);
  }
  return { incumbent: undefined, newcomers };
}

async function find(client: ControlClient, uuid: string): Promise<Machine | undefined> {
  try {
    return await client.machine(uuid);
  } catch (error) {
    if (errorCode(error) === 'not_found') return undefined;
    throw error;
  }
}

export function machineTable(machines: readonly Machine[], context: Context): string {
  const wide = context.format === 'wide';
  const header = ['UUID', 'HOSTNAME', 'STATE', 'LINK', 'STAGE', 'READY', 'TALOS', 'OWNER', 'SEEN'];
  const more = ['ADDRESS', 'ENDPOINT', 'BOOT', 'JOINED', 'RX', 'TX', 'CALLS ITSELF', 'LABELS'];
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
    stageCell(machine, style),
    machine.ready === null ? '-' : machine.ready ? 'yes' : 'no',
    machine.talos_version ?? '-',
    machine.owner ?? '-',
    ago(machine.last_seen, clock.now()),
  ];
}

/** A machine that went and did not come back is not in the stage that it reported last. */
function stageCell({ stage, lost_after_upgrade: lost, stage_regression: regression }: Machine, style: Style): Cell {
  if (lost !== null) return { text: `${stage ?? '-'}, lost`, paint: style.red };
  return regression === null ? (stage ?? '-') : { text: `${stage ?? '-'}, regressed`, paint: style.yellow };
}

function wideRow(machine: Machine, { clock }: Context): Cell[] {
  return [
    machine.address,
    machine.link.endpoint ?? '-',
    String(machine.boot),
    ago(machine.joined_at, clock.now()),
    formatBytes(machine.link.rx_bytes),
    formatBytes(machine.link.tx_bytes),
    machine.made_for ?? '-',
    labelText(machine.labels),
  ];
}

export function machineFields(machine: Machine, conflict: Conflict, { clock }: Context): string {
  const now = clock.now();
  const { link } = machine;
  const since = (time: string | null) => (time === null ? 'never' : `${time} (${ago(time, now)} ago)`);
  // Of a machine that joined the device may have forgotten what was; one without a peer has nothing to tell.
  const linkTime = (time: string | null, forgotten: string) => {
    if (time !== null || machine.joined_at === null) return since(time);
    return link.state === 'never' ? '-' : forgotten;
  };
  const ownership = (['owner', 'namespace', 'cluster', 'metal_machine', 'machine'] as const).flatMap((name) =>
    machine[name] === undefined ? [] : [[name.replace('_', ' '), machine[name]] as const],
  );
  const fields: Field[] = [
    ['uuid', machine.server_uuid],
    ['hostname', machine.hostname ?? '-'],
    ['state', stateText(machine)],
    ...conflictFields(machine, conflict),
    ...ownership,
    ['labels', labelText(machine.labels)],
    ['address', machine.address],
    ...(machine.aliases.length > 0 ? [['also joins as', machine.aliases] as const] : []),
    ['talos', machine.talos_version ?? '-'],
    ...statusFields(machine, now),
    ...detailFields(machine, now),
    ['addresses', machine.addresses],
    ['last seen', since(machine.last_seen)],
    ['first seen', since(machine.first_seen)],
    ['link', `${link.state} (${link.mode})${link.endpoint === null ? '' : ` from ${link.endpoint}`}`],
    ...(machine.tunnel === null ? [] : [['tunnel', machine.tunnel] as const]),
    ...(link.hint === null ? [] : [['link hint', link.hint] as const]),
    ...refusalFields(machine, now),
    ...waitFields(machine, now),
    ['last received', linkTime(link.last_rx, 'not since the daemon started')],
    ['last handshake', linkTime(link.last_handshake, 'not with the WireGuard device that is there now')],
    ['traffic', `${formatBytes(link.rx_bytes)} received, ${formatBytes(link.tx_bytes)} sent`],
    ['public key', machine.public_key ?? '-'],
    ['unique token', UNIQUE_TOKEN[machine.unique_token]],
    ...tokenWriteFields(machine, now),
    ['boot', String(machine.boot)],
    ...missingFields(machine),
    ['joined', since(machine.joined_at)],
    ['known since', since(machine.created_at)],
    ['version', String(machine.version)],
  ];
  return formatFields(fields.map(([name, value]) => [name, [value].flat().map(printable).join('\n') || '-'] as const));
}

/** Why it may not come in. */
function refusalFields({ last_refusal: refusal }: Machine, now: number): readonly Field[] {
  if (refusal === null) return [];
  const { at, reason, source, count } = refusal;
  const often = count === 1 ? '' : `, ${count} times since it was let in`;
  return [['refused', `${reason}, ${ago(at, now)} ago, from ${source}${often}`]];
}

/** Why nothing happens although a machine calls. Nothing from a daemon that does not tell. */
function waitFields({ join_wait: wait }: Machine, now: number): readonly Field[] {
  if (wait == null) return [];
  const { since, until, reason, source } = wait;
  const left = Math.ceil((Date.parse(until) - now) / 1000);
  const why =
    reason === 'asked'
      ? 'until it is known whether this machine answers'
      : 'the WireGuard device was made anew, and this machine may be there without knowing of it';
  const when = left > 0 ? `${left} s at most` : 'it is known with its next call';
  return [['join waits', `${source} calls itself the same, since ${ago(since, now)}: ${why}; ${when}`]];
}

const UNIQUE_TOKEN: Readonly<Record<Machine['unique_token'], string>> = {
  none: 'none',
  offered: 'offered: made for it, and not seen to come back',
  bound: 'bound: it came back with it',
  proven: 'proven: it came back with it after a reboot; without it nobody joins in its place',
};

/** What a state means for whoever has to decide, where that does not say itself. */
function stateText({ state, server_uuid }: Machine): string {
  const accept = `\`siderolinkctl machine accept ${server_uuid}\` lets it in`;
  switch (state) {
    case 'known':
      return 'known: it has not joined yet';
    case 'pending':
      return `pending: ${accept}`;
    case 'provisional':
      return 'provisional: it has a link and an identity made for it';
    case 'rejected':
      return `rejected: it may not join; ${accept}`;
    case 'removed':
      return `removed: it may not join; \`siderolinkctl machine readmit ${server_uuid}\` lets it in again`;
    case 'expired':
      return 'expired: it was provisional and has not been heard for a day; it may join again, with its address';
    case 'accepted':
      return state;
  }
}

function conflictFields(machine: Machine, { incumbent, newcomers }: Conflict): readonly Field[] {
  if (newcomers.length > 0) {
    const lines = newcomers.map((other) => `${nameOf(other)} calls itself the same, link ${other.link.state}`);
    return [['conflict', [...lines, 'this machine is left alone; `machine get` of the other says what to do']]];
  }
  const { made_for: asked, server_uuid, state } = machine;
  if (asked === null) return [];
  const called: Field = ['calls itself', asked === '' ? '(nothing)' : asked];
  if (state !== 'provisional') return [called];
  const why =
    incumbent !== undefined
      ? `with ${nameOf(incumbent)}, ${incumbent.state}, link ${incumbent.link.state}, which keeps its UUID and address`
      : isJunkUuid(asked)
        ? 'its UUID is none that tells machines apart'
        : 'with a machine that is not there any more';
  // It brings its unique token back, which is written to it together with its UUID.
  const knowsItself = machine.unique_token === 'bound' || machine.unique_token === 'proven';
  const steps = [
    'it is another machine: give it a UUID of its own in its firmware, or let it in under the one assigned:',
    `  siderolinkctl machine accept ${server_uuid}`,
    ...(knowsItself
      ? []
      : [
          'and tell it that UUID, or it is a stranger again at its next boot (in maintenance that is done for you):',
          // Not by its hostname: a stranger's may be another machine's, or more of a command than a name.
          `  talosctl -n ${machine.address} meta write 0x0f ${server_uuid}`,
        ]),
    ...(incumbent === undefined
      ? []
      : [
          'it takes the place of the other (new disk, same board): remove this identity, and switch the other off or reset it:',
          `  siderolinkctl machine remove ${server_uuid}`,
          `  siderolinkctl machine reset-token ${incumbent.server_uuid}`,
        ]),
    'it is not wanted:',
    `  siderolinkctl machine remove ${server_uuid}`,
  ];
  return [called, ['conflict', why], ['what to do', steps]];
}

function tokenWriteFields({ token_write: write }: Machine, now: number): readonly Field[] {
  if (write === null) return [];
  const tries = `${write.tries} ${write.tries === 1 ? 'try' : 'tries'} in this boot`;
  const state = `${write.state.replace('_', ' ')} for ${ago(write.at, now)}, ${tries}`;
  return [['token write', write.last_error === null ? state : [state, write.last_error]]];
}
