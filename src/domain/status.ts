import { type Conditions, foldConditions } from './conditions.ts';
import type { MachineEvent } from './event.ts';
import { type Ending, foldEnding, type LastReboot, NO_ENDING, rebootKind, rebootOf } from './reboot.ts';

/** What is known of a machine from its events, without when it was seen: last known, never the truth. */
export interface EventStatus {
  /** The boot that all of it is of, but for hostname, addresses and conditions, which stay; 0 before the first event. */
  readonly boot: number;
  readonly stage: string | null;
  /** When it was reported first, milliseconds since the epoch, as are all times here. */
  readonly stageSince: number | null;
  readonly ready: boolean | null;
  readonly unmetConditions: readonly { readonly name: string; readonly reason: string }[];
  readonly hostname: string | null;
  readonly addresses: readonly string[];
  readonly services: Readonly<Record<string, ServiceStatus>>;
  /** The sequence that was begun or ended last. */
  readonly sequence: SequenceStatus | null;
  /** The phase of it that runs. */
  readonly phase: string | null;
  /** The tasks that run; those of a phase run at once. */
  readonly tasks: readonly string[];
  readonly conditions: Conditions;
  readonly ending: Ending;
  /** Null for a first boot. */
  readonly lastReboot: LastReboot | null;
  /** When it reported the stage RUNNING last, in whichever boot. */
  readonly ranAt: number | null;
}

export interface SequenceStatus {
  readonly name: string;
  /** `START` while it runs, `STOP` when it has ended, `NOOP` when it has failed or ended in a reboot. */
  readonly action: string;
  /** Why it failed. */
  readonly error: string | null;
  /** Null where it is not known: a row of an older release. */
  readonly since: number | null;
}

export interface ServiceStatus {
  /** The last action's name, e.g. `RUNNING`. */
  readonly state: string;
  /** Null while Talos has not checked it. */
  readonly healthy: boolean | null;
  readonly message: string;
}

export const NO_STATUS: EventStatus = {
  boot: 0,
  stage: null,
  stageSince: null,
  ready: null,
  unmetConditions: [],
  hostname: null,
  addresses: [],
  services: {},
  sequence: null,
  phase: null,
  tasks: [],
  conditions: [],
  ending: NO_ENDING,
  lastReboot: null,
  ranAt: null,
};

/** Bounds of one machine's status: a machine may say anything, and the whole is stored with each of its events. */
const MAX_SERVICES = 128;
const MAX_ADDRESSES = 256;
const MAX_CONDITIONS = 64;
const MAX_TASKS = 64;
const MAX_ADDRESS = 64;
const MAX_NAME = 128;
const MAX_TEXT = 256;
const MAX_ERROR = 1024;

/** How an event was heard. */
export interface Hearing {
  /** The boot that it is of. */
  readonly boot: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly keepAddress: (address: string) => boolean;
}

/**
 * The status after an event. The first event of a newer boot ends what was known of the former one. An event of a former
 * boot that comes late changes nothing, but that it may tell why that boot ended.
 */
export function foldStatus(status: EventStatus, event: MachineEvent, hearing: Hearing): EventStatus {
  const { boot, now, keepAddress } = hearing;
  if (boot < status.boot) return boot === status.boot - 1 ? foldLate(status, event) : status;
  const base = beginBoot(status, boot, now);
  return {
    ...base,
    ...effectOf(base, cutNames(event), now, keepAddress),
    conditions: foldConditions(base.conditions, event, now),
    ending: foldEnding(base.ending, cutNames(event)),
  };
}

/** The status when a boot begins at `at`, before its first event; the same one for the boot that it is of already. */
export function beginBoot(status: EventStatus, boot: number, at: number): EventStatus {
  if (boot <= status.boot) return status;
  const { hostname, addresses, conditions, lastReboot, ending } = status;
  return {
    ...NO_STATUS,
    boot,
    hostname,
    addresses,
    conditions,
    // Of a boot that nothing was heard of nobody knows how it ended.
    lastReboot: boot === 1 ? null : { at, ending: status.boot === boot - 1 ? ending : NO_ENDING },
    ranAt: wiped(lastReboot, status.ranAt) ? null : status.ranAt,
  };
}

/** A stage that a machine that ran should not be in again. */
export interface StageRegression {
  readonly from: 'RUNNING';
  readonly to: string;
  readonly since: number;
}

/**
 * A machine that ran is to be installed again, and nobody had reset it: its disk or its META is gone, or it boots from
 * elsewhere (facts/users.md E12).
 */
export function stageRegression({ stage, stageSince, ranAt, lastReboot }: EventStatus): StageRegression | null {
  if (stage !== 'MAINTENANCE' && stage !== 'INSTALLING') return null;
  if (ranAt === null || stageSince === null || wiped(lastReboot, ranAt)) return null;
  return { from: 'RUNNING', to: stage, since: stageSince };
}

/** Whether the last reboot was a reset, and it has not run since. */
function wiped(lastReboot: LastReboot | null, ranAt: number | null): boolean {
  if (lastReboot === null || rebootKind(lastReboot.ending) !== 'reset') return false;
  return ranAt === null || ranAt <= lastReboot.at;
}

function foldLate(status: EventStatus, event: MachineEvent): EventStatus {
  if (status.lastReboot === null) return status;
  const ending = foldEnding(status.lastReboot.ending, cutNames(event));
  if (ending === status.lastReboot.ending) return status;
  return { ...status, lastReboot: { ...status.lastReboot, ending } };
}

type Effect = Partial<EventStatus>;

function effectOf(
  status: EventStatus,
  event: MachineEvent,
  now: number,
  keepAddress: (address: string) => boolean,
): Effect {
  switch (event.message) {
    case 'MachineStatusEvent': {
      const { stage, ready } = event;
      return {
        stage,
        stageSince: stage === status.stage ? status.stageSince : now,
        ready,
        unmetConditions: event.unmetConditions
          .slice(0, MAX_CONDITIONS)
          .map(({ name, reason }) => ({ name: cut(name, MAX_NAME), reason: cut(reason, MAX_TEXT) })),
        ...(stage === 'RUNNING' && { ranAt: now }),
      };
    }
    case 'AddressEvent':
      return {
        hostname: event.hostname === '' ? null : cut(event.hostname, MAX_TEXT),
        addresses: event.addresses
          .slice(0, MAX_ADDRESSES)
          .filter((address) => address.length <= MAX_ADDRESS && keepAddress(address)),
      };
    case 'ServiceStateEvent':
      return { services: withService(status.services, event) };
    case 'SequenceEvent':
      return afterSequence(status, event, now);
    case 'PhaseEvent':
      if (event.action === 'START') return { phase: event.phase, tasks: [] };
      return event.phase === status.phase ? { phase: null, tasks: [] } : {};
    case 'TaskEvent':
      return { tasks: withTask(status.tasks, event) };
    case 'RestartEvent':
    case 'ConfigLoadErrorEvent':
    case 'ConfigValidationErrorEvent':
    case 'raw':
      return {};
  }
}

function afterSequence(
  status: EventStatus,
  { sequence, action, error }: Extract<MachineEvent, { message: 'SequenceEvent' }>,
  now: number,
): Effect {
  // LOCKED: another sequence runs, and goes on.
  if (action === 'NOOP' && error?.code === 'LOCKED') return {};
  const failure = error === null || rebootOf(error.text) !== undefined ? null : cut(error.text, MAX_ERROR);
  const next = { name: sequence, action, error: failure, since: now };
  return { sequence: next, phase: null, tasks: action === 'START' ? [] : ongoing(status.tasks) };
}

/** Maintenance is told as a task, which goes on when the sequence before has ended. */
const MAINTENANCE_TASK = 'runningMaintenance';

function ongoing(tasks: EventStatus['tasks']): EventStatus['tasks'] {
  return tasks.filter((task) => task === MAINTENANCE_TASK);
}

function withTask(
  tasks: EventStatus['tasks'],
  { task, action }: Extract<MachineEvent, { message: 'TaskEvent' }>,
): EventStatus['tasks'] {
  const others = tasks.filter((other) => other !== task);
  return action === 'START' && others.length < MAX_TASKS ? [...others, task] : others;
}

function withService(
  services: EventStatus['services'],
  event: Extract<MachineEvent, { message: 'ServiceStateEvent' }>,
): EventStatus['services'] {
  const name = cut(event.service, MAX_NAME);
  const known = new Map(Object.entries(services));
  if (!known.has(name) && known.size >= MAX_SERVICES) return services;
  const healthy = event.health === null || event.health.unknown ? null : event.health.healthy;
  known.set(name, { state: event.action, healthy, message: cut(event.text, MAX_TEXT) });
  // Object.fromEntries defines own properties, so a service called `__proto__` is only a name.
  return Object.fromEntries(known);
}

/** The event with the names that are kept cut, so that equal ones stay equal. */
function cutNames(event: MachineEvent): MachineEvent {
  switch (event.message) {
    case 'SequenceEvent':
      return { ...event, sequence: cut(event.sequence, MAX_NAME) };
    case 'PhaseEvent':
      return { ...event, phase: cut(event.phase, MAX_NAME) };
    case 'TaskEvent':
      return { ...event, task: cut(event.task, MAX_NAME) };
    case 'MachineStatusEvent':
      return { ...event, stage: cut(event.stage, MAX_NAME) };
    default:
      return event;
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
