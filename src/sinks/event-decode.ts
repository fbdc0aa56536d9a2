import type { MachineEvent, ReceivedEvent } from '../domain/event.ts';
import { common, events, type google, machine } from '../gen/proto.js';

/** Why an event is kept as it came. */
export type EventFault = 'unknown' | 'broken' | 'no_data' | 'oversized';

export interface DecodedEvent extends ReceivedEvent {
  readonly fault: EventFault | null;
}

type Long = google.protobuf.Timestamp['seconds'];

/** Go's zero time, 0001-01-01: what Talos sends for never. */
const GO_ZERO_SECONDS = -62_135_596_800;
/** 9999-12-31T23:59:59Z, the last that RFC 3339 can say. */
const MAX_SECONDS = 253_402_300_799;

/**
 * Decodes an `EventRequest`. It never throws: what cannot be read is kept as it came, because an error would hold up
 * everything behind it in the machine's queue (facts/talos-client.md section 4.2).
 */
export function decodeEvent(bytes: Buffer, options: { readonly maxEventBytes: number }): DecodedEvent {
  let request: events.EventRequest;
  try {
    request = events.EventRequest.decode(bytes);
  } catch {
    return raw('', bytes, { id: '', actorId: '' }, 'broken');
  }
  const about = { id: request.id, actorId: request.actor_id };
  const data = request.data ?? null;
  if (data === null) return raw('', new Uint8Array(), about, 'no_data');
  const typeUrl = data.type_url ?? '';
  const value = data.value ?? new Uint8Array();
  if (bytes.length > options.maxEventBytes) return raw(typeUrl, value, about, 'oversized');
  const decode = DECODERS.get(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (decode === undefined) return raw(typeUrl, value, about, 'unknown');
  try {
    return { event: decode(value), ...about, typeUrl, fault: null };
  } catch {
    return raw(typeUrl, value, about, 'broken');
  }
}

/** An event of which only the length is known: of the whole message, as its sender announced it. */
export function unreadEvent(length: number): DecodedEvent {
  const event = { message: 'raw', typeUrl: '', raw: new Uint8Array(), length } as const;
  return { event, id: '', actorId: '', typeUrl: '', fault: 'oversized' };
}

function raw(
  typeUrl: string,
  value: Uint8Array,
  about: { readonly id: string; readonly actorId: string },
  fault: EventFault,
): DecodedEvent {
  return { event: { message: 'raw', typeUrl, raw: value }, ...about, typeUrl, fault };
}

/** Field numbers and names: facts/talos-client.md section 4.3. */
const DECODERS: ReadonlyMap<string, (value: Uint8Array) => MachineEvent> = new Map<
  string,
  (value: Uint8Array) => MachineEvent
>([
  [
    'machine.SequenceEvent',
    (value) => {
      const { sequence, action, error } = machine.SequenceEvent.decode(value);
      return {
        message: 'SequenceEvent',
        sequence,
        action: nameOf(machine.SequenceEvent.Action, action),
        error: error === null || error === undefined ? null : errorOf(error),
      };
    },
  ],
  [
    'machine.PhaseEvent',
    (value) => {
      const { phase, action } = machine.PhaseEvent.decode(value);
      return { message: 'PhaseEvent', phase, action: nameOf(machine.PhaseEvent.Action, action) };
    },
  ],
  [
    'machine.TaskEvent',
    (value) => {
      const { task, action } = machine.TaskEvent.decode(value);
      return { message: 'TaskEvent', task, action: nameOf(machine.TaskEvent.Action, action) };
    },
  ],
  [
    'machine.ServiceStateEvent',
    (value) => {
      const { service, action, message, health } = machine.ServiceStateEvent.decode(value);
      return {
        message: 'ServiceStateEvent',
        service,
        action: nameOf(machine.ServiceStateEvent.Action, action),
        text: message,
        health: health === null || health === undefined ? null : healthOf(health),
      };
    },
  ],
  [
    'machine.RestartEvent',
    (value) => ({ message: 'RestartEvent', cmd: BigInt(machine.RestartEvent.decode(value).cmd.toString()) }),
  ],
  [
    'machine.ConfigLoadErrorEvent',
    (value) => ({ message: 'ConfigLoadErrorEvent', error: machine.ConfigLoadErrorEvent.decode(value).error }),
  ],
  [
    'machine.ConfigValidationErrorEvent',
    (value) => ({
      message: 'ConfigValidationErrorEvent',
      error: machine.ConfigValidationErrorEvent.decode(value).error,
    }),
  ],
  [
    'machine.AddressEvent',
    (value) => {
      const { hostname, addresses } = machine.AddressEvent.decode(value);
      return { message: 'AddressEvent', hostname, addresses };
    },
  ],
  [
    'machine.MachineStatusEvent',
    (value) => {
      const { stage, status } = machine.MachineStatusEvent.decode(value);
      return {
        message: 'MachineStatusEvent',
        stage: nameOf(machine.MachineStatusEvent.MachineStage, stage),
        ready: status?.ready ?? false,
        unmetConditions: (status?.unmet_conditions ?? []).map(({ name, reason }) => ({
          name: name ?? '',
          reason: reason ?? '',
        })),
      };
    },
  ],
]);

function errorOf(error: common.Error.$Properties): Extract<MachineEvent, { message: 'SequenceEvent' }>['error'] {
  return {
    code: nameOf(common.Code, error.code ?? 0),
    text: error.message ?? '',
    details: (error.details ?? []).map((detail) => ({
      typeUrl: detail.type_url ?? '',
      value: detail.value ?? new Uint8Array(),
    })),
  };
}

function healthOf(
  health: machine.ServiceHealth.$Properties,
): Extract<MachineEvent, { message: 'ServiceStateEvent' }>['health'] {
  return {
    unknown: health.unknown ?? false,
    healthy: health.healthy ?? false,
    lastMessage: health.last_message ?? '',
    lastChange: timeOf(health.last_change ?? null),
  };
}

/** RFC 3339 in UTC with as many digits as the nanoseconds need; null for never and for what it cannot say. */
function timeOf(timestamp: google.protobuf.Timestamp.$Properties | null): string | null {
  if (timestamp === null) return null;
  const seconds = numberOf(timestamp.seconds ?? 0);
  const nanos = timestamp.nanos ?? 0;
  if (seconds <= GO_ZERO_SECONDS || seconds > MAX_SECONDS || nanos < 0 || nanos > 999_999_999) return null;
  const whole = new Date(seconds * 1_000).toISOString().slice(0, 19);
  const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
  return `${whole}${fraction}Z`;
}

function numberOf(value: Long): number {
  return Number(value.toString());
}

/** An enum's name, or the number in decimal where a newer Talos has a value that we do not know. */
function nameOf(names: Readonly<Record<number | string, string | number>>, value: number): string {
  return String(names[value] ?? value);
}
