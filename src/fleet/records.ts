import type { NewRecord } from '../domain/record.ts';
import type { Machine, MachineLink, MachineView } from './types.ts';
import { linkJson, machineRecordBody } from './view.ts';

export type MachineDetail =
  | 'registered'
  | 'discovered'
  | 'accepted'
  | 'rejected'
  | 'claimed'
  | 'released'
  | 'labeled'
  | 'token_reset'
  | 'rebooted'
  | 'changed'
  | 'conflict'
  | 'expired'
  | 'removed'
  | 'readmitted';

/** `machine.*` records with one body: the view, who did it, and what only this kind of record says. */
export function machineRecords(
  details: readonly MachineDetail[],
  view: MachineView,
  by: string,
  more: Readonly<Record<string, unknown>> = {},
): NewRecord[] {
  const body = JSON.stringify({ ...machineRecordBody(view), by, ...more });
  return details.map((detail) => record(view.machine, 'machine', detail, body));
}

/** A `link.*` record of the machine's current boot. */
export function linkRecord(
  detail: 'provisioned' | 'up' | 'down' | 'moved',
  machine: Machine,
  link: MachineLink,
): NewRecord {
  const body = JSON.stringify({ public_key: machine.key, address: machine.address, ...linkJson(link) });
  return record(machine, 'link', detail, body);
}

function record(machine: Machine, stream: 'machine' | 'link', detail: string, body: string): NewRecord {
  return { machine: machine.id, stream, boot: machine.boot, tags: machine.tags, detail, body };
}
