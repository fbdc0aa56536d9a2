import type { MachineEvent } from './event.ts';

/**
 * Why a machine booted anew. `unannounced`: the boot before did not say that it would end: power loss, a reset button, a
 * crash, or its last events did not reach us.
 */
export const REBOOT_KINDS = ['reboot', 'kexec', 'upgrade', 'reset', 'shutdown', 'install', 'unannounced'] as const;
export type RebootKind = (typeof REBOOT_KINDS)[number];

/** What a boot has said so far of how it will end. */
export interface Ending {
  /** The sequence that began last; null when it has failed, and the machine goes on. */
  readonly sequence: string | null;
  readonly kind: Exclude<RebootKind, 'unannounced'> | null;
  /** The argument of reboot(2): `restart`, `kexec`, `power_off`, `halt`, or the number in decimal. */
  readonly command: string | null;
}

/** The reboot that began the current boot. */
export interface LastReboot {
  /** When the new boot joined, milliseconds since the epoch. */
  readonly at: number;
  /** What the boot before had said. */
  readonly ending: Ending;
}

export const NO_ENDING: Ending = { sequence: null, kind: null, command: null };

/** Linux' magic numbers of reboot(2), as Talos sends them (facts/talos-client.md section 4.3). */
const COMMANDS: ReadonlyMap<bigint, string> = new Map([
  [0x01234567n, 'restart'],
  [0x45584543n, 'kexec'],
  [0x4321fedcn, 'power_off'],
  [0xcdef0123n, 'halt'],
]);

/** Sequences that end the boot, from their beginning. An installation goes on for long and may fail: it counts when it ends. */
const ANNOUNCED: ReadonlyMap<string, Ending['kind']> = new Map([
  ['reboot', 'reboot'],
  ['shutdown', 'shutdown'],
  ['reset', 'reset'],
  ['upgrade', 'upgrade'],
  ['stageUpgrade', 'upgrade'],
  ['maintenanceUpgrade', 'upgrade'],
]);

/** Stages that a boot does not come back from: what is left where the event of the sequence was lost. */
const STAGES: ReadonlyMap<string, Ending['kind']> = new Map([
  ['REBOOTING', 'reboot'],
  ['SHUTTING_DOWN', 'shutdown'],
  ['RESETTING', 'reset'],
  ['UPGRADING', 'upgrade'],
]);

/** The same ending if the event says nothing of it. */
export function foldEnding(ending: Ending, event: MachineEvent): Ending {
  switch (event.message) {
    case 'SequenceEvent':
      return afterSequence(ending, event);
    case 'RestartEvent':
      return commanded(ending, event.cmd);
    case 'MachineStatusEvent': {
      const kind = STAGES.get(event.stage);
      return ending.kind !== null || kind === undefined ? ending : { ...ending, kind };
    }
    default:
      return ending;
  }
}

/** What kind of reboot follows such an ending. */
export function rebootKind({ kind }: Ending): RebootKind {
  return kind ?? 'unannounced';
}

/** Whether the machine says that it is on its way to another boot: it should be heard of again. */
export function comesBack({ kind, command }: Ending): boolean {
  return kind !== null && kind !== 'shutdown' && command !== 'power_off' && command !== 'halt';
}

/**
 * Whether the boot told the call of reboot(2) that ends it: the last thing that Talos does. A sequence that begins anew
 * takes that back.
 */
export function toldItsEnd({ command }: Ending): boolean {
  return command !== null;
}

/** The sequencer tells the end of a sequence in a reboot as an error of it: `sequence failed: unix.Reboot(45584543)`. */
export function rebootOf(text: string): bigint | null | undefined {
  const match = /unix\.Reboot(?:\(([0-9a-f]{1,16})\))?/.exec(text);
  if (match === null) return undefined;
  return match[1] === undefined ? null : BigInt(`0x${match[1]}`);
}

function afterSequence(
  ending: Ending,
  { sequence, action, error }: Extract<MachineEvent, { message: 'SequenceEvent' }>,
): Ending {
  if (action === 'START') return { sequence, kind: ANNOUNCED.get(sequence) ?? null, command: null };
  // LOCKED: another one runs, and this one never began.
  if (error === null || error.code === 'LOCKED') return ending;
  const cmd = rebootOf(error.text);
  if (cmd !== undefined) return commanded({ ...ending, sequence }, cmd);
  return sequence === ending.sequence ? NO_ENDING : ending;
}

function commanded(ending: Ending, cmd: bigint | null): Ending {
  const command = cmd === null ? ending.command : (COMMANDS.get(cmd) ?? cmd.toString());
  const kind = ending.kind ?? (ending.sequence === 'install' ? 'install' : 'reboot');
  if (kind !== 'reboot') return { ...ending, kind, command };
  const off = command === 'power_off' || command === 'halt';
  return { ...ending, kind: command === 'kexec' ? 'kexec' : off ? 'shutdown' : 'reboot', command };
}
