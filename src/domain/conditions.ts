import type { MachineEvent } from './event.ts';

/**
 * The conditions that Sidero Metal keeps of a machine, by its names (facts/sidero-metal.md section 4). The first three
 * follow from events; only the control plane knows the last.
 */
export const CONDITION_TYPES = ['ProviderSet', 'TalosConfigLoaded', 'TalosConfigValidated', 'TalosInstalled'] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

export const SEVERITIES = ['Error', 'Warning', 'Info'] as const;

/** A condition without its time. One that is true has no severity, reason or message. */
export interface ConditionState {
  readonly status: 'True' | 'False';
  readonly severity: (typeof SEVERITIES)[number] | null;
  readonly reason: string | null;
  readonly message: string | null;
}

export interface Condition extends ConditionState {
  readonly type: ConditionType;
  /** Milliseconds since the epoch, whole seconds: when anything of it changed last. */
  readonly lastTransitionTime: number;
}

/** One of each type at most, sorted by type. */
export type Conditions = readonly Condition[];

export const TRUE: ConditionState = { status: 'True', severity: null, reason: null, message: null };

/** Messages come from the machine, and the whole is stored with each of its events. */
const MAX_MESSAGE = 1024;

/** The conditions with one set; the same list if it says so already. `now` is milliseconds since the epoch. */
export function setCondition(
  conditions: Conditions,
  type: ConditionType,
  state: ConditionState,
  now: number,
): Conditions {
  const before = conditions.find((condition) => condition.type === type);
  if (before !== undefined && sameState(before, state)) return conditions;
  const { status, severity, reason, message } = state;
  const condition = { type, status, severity, reason, message, lastTransitionTime: now - (now % 1000) };
  const others = conditions.filter((other) => other.type !== type);
  return [...others, condition].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** The conditions after an event (facts/sidero-metal.md section 3.3); the same list if it says nothing of them. */
export function foldConditions(conditions: Conditions, event: MachineEvent, now: number): Conditions {
  return Object.entries(effectOf(event)).reduce(
    (all, [type, state]) => setCondition(all, type as ConditionType, state, now),
    conditions,
  );
}

export interface ConfigError {
  readonly kind: 'load' | 'validation';
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** What is wrong with the machine's configuration: until the machine has loaded one that is right. */
export function configErrors(conditions: Conditions): readonly ConfigError[] {
  return conditions.flatMap(({ type, status, message, lastTransitionTime: since }) => {
    if (status === 'True' || (type !== 'TalosConfigLoaded' && type !== 'TalosConfigValidated')) return [];
    return [{ kind: type === 'TalosConfigLoaded' ? 'load' : 'validation', message: message ?? '', since } as const];
  });
}

type Effect = Readonly<Partial<Record<ConditionType, ConditionState>>>;

function effectOf(event: MachineEvent): Effect {
  switch (event.message) {
    case 'ConfigLoadErrorEvent':
      return { TalosConfigLoaded: failed('Error', 'TalosConfigLoadFailed', event.error) };
    case 'ConfigValidationErrorEvent':
      return { TalosConfigValidated: failed('Error', 'TalosConfigValidationFailed', event.error) };
    case 'PhaseEvent':
      if (event.action !== 'START') return {};
      if (event.phase === 'install') return { TalosInstalled: failed('Info', 'TalosInstallationInProgress', '') };
      return event.phase === 'saveConfig' ? { TalosConfigLoaded: TRUE, TalosConfigValidated: TRUE } : {};
    case 'SequenceEvent':
      return effectOfSequence(event);
    default:
      return {};
  }
}

function effectOfSequence({ sequence, action, error }: Extract<MachineEvent, { message: 'SequenceEvent' }>): Effect {
  if (sequence === 'boot' && action === 'START') {
    return { TalosConfigLoaded: TRUE, TalosConfigValidated: TRUE, TalosInstalled: TRUE };
  }
  // The installation ends in a reboot, which the sequencer reports as an error of the sequence. A NOOP without an error
  // would count as failed in Sidero Metal, by a zero value; Talos sends none.
  if (sequence !== 'install' || action !== 'NOOP' || error?.code !== 'FATAL') return {};
  if (error.text.includes('unix.Reboot')) return { TalosInstalled: TRUE };
  return { TalosInstalled: failed('Error', 'TalosInstallationFailed', error.text) };
}

function failed(severity: 'Error' | 'Info', reason: string, message: string): ConditionState {
  return { status: 'False', severity, reason, message: message.slice(0, MAX_MESSAGE) };
}

function sameState(a: ConditionState, b: ConditionState): boolean {
  return a.status === b.status && a.severity === b.severity && a.reason === b.reason && a.message === b.message;
}
