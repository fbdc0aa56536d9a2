import type { NewRecord } from '../domain/record.ts';
import type { LinkState } from '../wireguard/types.ts';
import type { Machine, MachineView } from './types.ts';
import { linkJson, machineRecordBody } from './view.ts';

export type MachineDetail = 'discovered' | 'accepted' | 'rebooted' | 'changed' | 'conflict';

/** A `machine.*` record: the view, who did it, and what only this kind of record says. */
export function machineRecord(
  detail: MachineDetail,
  view: MachineView,
  by: string,
  more: Readonly<Record<string, unknown>> = {},
): NewRecord {
  return record(view.machine, 'machine', detail, { ...machineRecordBody(view), by, ...more });
}

/** A `link.*` record of the machine's current boot. */
export function linkRecord(
  detail: 'provisioned' | 'up' | 'down' | 'moved',
  machine: Machine,
  link: LinkState,
): NewRecord {
  return record(machine, 'link', detail, { public_key: machine.key, address: machine.address, ...linkJson(link) });
}

function record(machine: Machine, stream: 'machine' | 'link', detail: string, body: object): NewRecord {
  return {
    machine: machine.id,
    stream,
    boot: machine.boot,
    tags: machine.tags,
    detail,
    body: JSON.stringify(body),
  };
}
