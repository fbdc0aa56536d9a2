import { events, google, machine } from '../gen/proto.js';

/** An event before it has an id: the message's name without its package, and its bytes. */
export interface EventBody {
  readonly type: string;
  readonly value: Uint8Array;
}

const TYPE_PREFIX = 'type.googleapis.com/machine.';

/** `events.EventRequest` as it goes out; releases without `actor_id` give undefined. */
export function encodeEventRequest(event: EventBody, id: string, actorId: string | undefined): Uint8Array {
  return events.EventRequest.encode({
    data: google.protobuf.Any.fromObject({ type_url: `${TYPE_PREFIX}${event.type}`, value: event.value }),
    id,
    ...(actorId ? { actor_id: actorId } : {}),
  }).finish();
}

export type SequenceAction = keyof typeof machine.SequenceEvent.Action;
export type ServiceAction = keyof typeof machine.ServiceStateEvent.Action;
export type MachineStage = keyof typeof machine.MachineStatusEvent.MachineStage;

/** `error` is a text for a sequence that failed, with the code FATAL. */
export function sequenceEvent(sequence: string, action: SequenceAction, error?: string): EventBody {
  const value = machine.SequenceEvent.encode({
    sequence,
    ...nonZero('action', machine.SequenceEvent.Action[action]),
    ...(error === undefined ? {} : { error: { message: error } }),
  }).finish();
  return { type: 'SequenceEvent', value };
}

export function phaseEvent(phase: string, action: 'START' | 'STOP'): EventBody {
  const value = machine.PhaseEvent.encode({ phase, ...nonZero('action', action === 'STOP' ? 1 : 0) }).finish();
  return { type: 'PhaseEvent', value };
}

export function taskEvent(task: string, action: 'START' | 'STOP'): EventBody {
  const value = machine.TaskEvent.encode({ task, ...nonZero('action', action === 'STOP' ? 1 : 0) }).finish();
  return { type: 'TaskEvent', value };
}

/** Go's zero time, which Talos sends for a health that never changed. */
const NEVER_SECONDS = -62_135_596_800;

/** `healthy` undefined: not checked yet. */
export function serviceEvent(service: string, action: ServiceAction, message: string, healthy?: boolean): EventBody {
  const value = machine.ServiceStateEvent.encode({
    service,
    ...nonZero('action', machine.ServiceStateEvent.Action[action]),
    message,
    health: {
      ...(healthy === undefined ? { unknown: true } : {}),
      ...(healthy === true ? { healthy: true } : {}),
      last_change: { seconds: NEVER_SECONDS },
    },
  }).finish();
  return { type: 'ServiceStateEvent', value };
}

export function addressEvent(hostname: string, addresses: readonly string[]): EventBody {
  return { type: 'AddressEvent', value: machine.AddressEvent.encode({ hostname, addresses: [...addresses] }).finish() };
}

/** `unmet` are names and reasons of conditions; ready without any. */
export function statusEvent(stage: MachineStage, unmet: readonly (readonly [string, string])[]): EventBody {
  const value = machine.MachineStatusEvent.encode({
    ...nonZero('stage', machine.MachineStatusEvent.MachineStage[stage]),
    status: {
      ...(unmet.length === 0 ? { ready: true } : {}),
      unmet_conditions: unmet.map(([name, reason]) => ({ name, reason })),
    },
  }).finish();
  return { type: 'MachineStatusEvent', value };
}

/** Linux' magic numbers of reboot(2). */
export const RESTART_COMMANDS = { restart: 0x01234567, kexec: 0x45584543, powerOff: 0x4321fedc } as const;

export function restartEvent(cmd: number): EventBody {
  return { type: 'RestartEvent', value: machine.RestartEvent.encode({ cmd }).finish() };
}

export function configLoadErrorEvent(error: string): EventBody {
  return { type: 'ConfigLoadErrorEvent', value: machine.ConfigLoadErrorEvent.encode({ error }).finish() };
}

/** proto3 leaves a zero value off the wire; the encoder writes what it is given. */
function nonZero<K extends string>(key: K, value: number): { [key in K]?: number } {
  return value === 0 ? {} : ({ [key]: value } as { [key in K]: number });
}
