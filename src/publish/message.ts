import { TAG_NAMES } from '../domain/record.ts';
import type { OutgoingRecord } from './record.ts';

/** What is sent for a record. */
export interface Message {
  readonly subject: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly payload: Uint8Array;
  /** Headers and payload as the server counts them, in bytes. */
  readonly bytes: number;
  /** Whether a marker stands for a body that was too large. */
  readonly isMarker: boolean;
}

export interface MessageOptions {
  /** What `Nats-Msg-Id` begins with: the installation's short id, and how often it was restored. */
  readonly idPrefix: string;
  /** The stream that must take it. */
  readonly stream: string;
}

/** The least that a server must take: a marker with all tags is shorter. */
export const LEAST_MESSAGE_BYTES = 4096;

const encoder = new TextEncoder();
/** `NATS/1.0`, and the empty line at the end. */
const FRAME_BYTES = 12;
/** `: ` and the end of the line. */
const HEADER_BYTES = 4;

/**
 * The message of a record (DESIGN section 5.3): the body alone, the rest in headers. A body that makes it longer than
 * `maxBytes` is replaced by a marker that says where the whole record is to be had.
 */
export function messageOf(record: OutgoingRecord, maxBytes: number, options: MessageOptions): Message {
  const payload = encoder.encode(record.body);
  const whole = framed(record, payload, headersOf(record, options), false);
  if (whole.bytes <= maxBytes) return whole;
  const headers = [...headersOf(record, options), ['Siderolink-Truncated', String(payload.length)] as const];
  const full = framed(record, encoder.encode(markerOf(record, payload.length, true)), headers, true);
  if (full.bytes <= maxBytes) return full;
  return framed(record, encoder.encode(markerOf(record, payload.length, false)), headers, true);
}

function headersOf(record: OutgoingRecord, { idPrefix, stream }: MessageOptions): Message['headers'] {
  const { seq, boot, receivedAt } = record;
  return [
    ['Nats-Msg-Id', `${idPrefix}:${seq}`],
    ['Nats-Expected-Stream', stream],
    ['Siderolink-Seq', String(seq)],
    ['Siderolink-Boot', boot],
    ['Siderolink-Received-At', receivedAt],
  ];
}

function framed(
  { subject }: OutgoingRecord,
  payload: Uint8Array,
  headers: Message['headers'],
  isMarker: boolean,
): Message {
  let bytes = FRAME_BYTES + payload.length;
  // Names and values are ASCII: their length is their size.
  for (const [name, value] of headers) bytes += name.length + value.length + HEADER_BYTES;
  return { subject, headers, payload, bytes, isMarker };
}

/** `{"truncated":true,"original_bytes":…,"seq":…}` and the tags of the body. */
function markerOf({ seq, body }: OutgoingRecord, originalBytes: number, withTags: boolean): string {
  const marker: Record<string, unknown> = { truncated: true, original_bytes: originalBytes, seq };
  if (withTags) Object.assign(marker, tagsOf(body));
  return JSON.stringify(marker);
}

function tagsOf(body: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A line that a machine sent broken is kept as it came.
    return {};
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const fields = new Map(Object.entries(parsed));
  const tags: Record<string, unknown> = {};
  for (const name of TAG_NAMES) {
    if (name !== 'sent' && typeof fields.get(name) === 'string') tags[name] = fields.get(name);
  }
  return tags;
}
