import type { MachineEvent, ReceivedEvent } from './event.ts';
import { subjectToken } from './subject.ts';

/** A JSON value, or a 64-bit integer that must stay exact. */
type Value = string | number | boolean | null | bigint | readonly Value[] | { readonly [name: string]: Value };

/** Names and type URLs longer than this are cut: they are in every record of the machine. */
const MAX_NAME = 256;

/** The event's id as its record keeps it: what is told apart now is told apart after a restart, too. */
export function eventId({ id }: ReceivedEvent): string {
  return id.slice(0, MAX_NAME);
}

/** What follows `event.` in the subject: the message's name, `other` where there is none. */
export function eventDetail(received: ReceivedEvent): string {
  if (received.event.message !== 'raw') return received.event.message;
  const name = received.typeUrl.slice(0, MAX_NAME).split(/[./]/).at(-1) ?? '';
  return name === '' ? 'other' : subjectToken(name);
}

/**
 * The record's body without tags, in Sidero Metal's shape (facts/sidero-metal.md section 3.2, DESIGN section 5.3).
 *
 * @param received without secrets (`cleanEvent`)
 * @param node the sender as `[address]:port`
 * @param maxRawBytes of bytes kept undecoded so many are kept
 */
export function eventBody(received: ReceivedEvent, node: string, maxRawBytes: number): string {
  const { event } = received;
  const failed = event.message === 'SequenceEvent' && event.error !== null;
  const head: Value = {
    level: failed ? 'error' : 'info',
    msg: event.message === 'ServiceStateEvent' ? `service ${event.text}` : 'incoming event',
    component: 'sink',
    node,
    id: eventId(received),
    actor_id: received.actorId.slice(0, MAX_NAME),
    type: received.typeUrl.slice(0, MAX_NAME),
  };
  return jsonText({ ...head, ...payloadOf(event, maxRawBytes) });
}

function payloadOf(event: MachineEvent, maxRawBytes: number): { readonly [name: string]: Value } {
  switch (event.message) {
    case 'SequenceEvent':
      return {
        sequence: event.sequence,
        action: event.action,
        ...(event.error !== null && {
          error: event.error.text,
          error_code: event.error.code,
          error_details: event.error.details.map(({ typeUrl, value }) => ({
            type_url: typeUrl,
            value: base64(value),
          })),
        }),
      };
    case 'PhaseEvent':
      return { phase: event.phase, action: event.action };
    case 'TaskEvent':
      return { task: event.task, action: event.action };
    case 'ServiceStateEvent':
      return {
        service: event.service,
        action: event.action,
        message: event.text,
        health:
          event.health === null
            ? null
            : {
                unknown: event.health.unknown,
                healthy: event.health.healthy,
                last_message: event.health.lastMessage,
                last_change: event.health.lastChange,
              },
      };
    case 'RestartEvent':
      return { cmd: event.cmd };
    case 'ConfigLoadErrorEvent':
    case 'ConfigValidationErrorEvent':
      return { error: event.error };
    case 'AddressEvent':
      return { hostname: event.hostname, addresses: event.addresses };
    case 'MachineStatusEvent':
      return { stage: event.stage, ready: event.ready, unmet_conditions: event.unmetConditions };
    case 'raw':
      return rawOf(event.raw, event.length ?? event.raw.length, maxRawBytes);
  }
}

function rawOf(raw: Uint8Array, length: number, maxBytes: number): { readonly [name: string]: Value } {
  if (length <= maxBytes && length === raw.length) return { raw: base64(raw) };
  return { raw: base64(raw.subarray(0, maxBytes)), raw_bytes: length };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** JSON text. A bigint is written in decimal: JSON has no limit, only readers have. */
function jsonText(value: Value): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map((item) => jsonText(item)).join(',')}]`;
  const members = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`);
  return `{${members.join(',')}}`;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
