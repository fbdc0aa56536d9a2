import type { Ownership } from '../domain/record.ts';
import type { RegistryOp } from '../domain/registry.ts';
import type { MachineRow } from './machine-row.ts';
import type { MachineTable } from './machine-table.ts';
import type { MachineDetail } from './records.ts';
import type { Machine } from './types.ts';

/** A change of one machine, before it is stored. */
export interface AdminStep {
  /** Its record on `machine.…`. */
  readonly detail: MachineDetail;
  /** What is different, besides the version. */
  readonly machine?: Partial<Machine>;
  readonly row?: Partial<Omit<MachineRow, 'machine'>>;
  /** What only this kind of record says: what was changed from what to what. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Registry changes besides the machine's own row. */
  readonly ops?: readonly RegistryOp[];
  /** Takes back what the plan has done in memory, if it cannot be stored. */
  readonly undo?: () => void;
}

/** The row after a step. */
export function after(before: MachineRow, { machine, row }: AdminStep): MachineRow {
  return { ...before, ...row, machine: { ...before.machine, ...machine, version: before.machine.version + 1 } };
}

/** New tags for a machine: those of records that are stored already never change. */
export function owned(
  { uuid }: Pick<Machine, 'uuid'>,
  ownership: Ownership,
  table: Pick<MachineTable, 'newTags'>,
): Required<Pick<AdminStep, 'ops'>> & { readonly machine: Pick<Machine, 'tags'> } {
  const tags = table.newTags(uuid, ownership);
  return { machine: { tags }, ops: [{ op: 'putTags', id: tags.id, server_uuid: uuid, ownership: tags.ownership }] };
}
