import { TAG_NAMES } from '../domain/record.ts';
import type { OutgoingRecord } from './record.ts';

/** What is sent for a record. */
export interface Message {
  readonly subject: string;
  /** All headers as they go over the wire, in ASCII: from `NATS/1.0` to the empty line. */
  readonly head: string;
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

/**
 * The message of a record (DESIGN section 5.3): the body alone, the rest in headers. A body that makes it longer than
 * `maxBytes` is replaced by a marker that says where the whole record is to be had.
 */
export function messageOf(record: OutgoingRecord, maxBytes: number, options: MessageOptions): Message {
  const whole = framed(record, record.body, headOf(record, options, ''), false);
  if (whole.bytes <= maxBytes) return whole;
  const { length } = whole.payload;
  const head = headOf(record, options, `Siderolink-Truncated: ${length}\r\n`);
  const full = framed(record, markerOf(record, length, true), head, true);
  return full.bytes <= maxBytes ? full : framed(record, markerOf(record, length, false), head, true);
}

/** `Nats-Msg-Id` of a record. */
export function messageId(idPrefix: string, seq: number): string {
  return `${idPrefix}:${seq}`;
}

/** Built as text: the library's own headers take a fifth of all that publishing takes. */
function headOf({ seq, boot, receivedAt }: OutgoingRecord, { idPrefix, stream }: MessageOptions, more: string): string {
  return (
    `NATS/1.0\r\nNats-Msg-Id: ${messageId(idPrefix, seq)}\r\nNats-Expected-Stream: ${stream}\r\n` +
    `Siderolink-Seq: ${seq}\r\nSiderolink-Boot: ${boot}\r\nSiderolink-Received-At: ${receivedAt}\r\n${more}\r\n`
  );
}

function framed({ subject }: OutgoingRecord, body: string, head: string, isMarker: boolean): Message {
  const payload = Buffer.from(body);
  return { subject, head, payload, bytes: head.length + payload.length, isMarker };
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
