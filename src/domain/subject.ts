import type { Stream, Tags } from './record.ts';

/** The token that stands where a record has no owner or no machine. No encoded text is equal to it. */
const NO_TOKEN = '_';

const UNSAFE = /[^A-Za-z0-9-]/;
const encoder = new TextEncoder();

/** One subject token: every byte of the text's UTF-8 outside `[A-Za-z0-9-]` becomes `_` and two hex digits. */
export function subjectToken(text: string): string {
  if (!UNSAFE.test(text)) return text;
  let token = '';
  for (const byte of encoder.encode(text)) {
    token += isSafe(byte) ? String.fromCharCode(byte) : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

function isSafe(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x2d
  );
}

export function ownerToken({ ownership: { owner } }: Tags): string {
  return owner === undefined || owner === '' ? NO_TOKEN : subjectToken(owner);
}

export function machineToken({ server_uuid }: Tags): string {
  return server_uuid === '' ? NO_TOKEN : server_uuid;
}

/** What all subjects of a chunk begin with: `<prefix>.<owner>.<server_uuid>.<stream>`. */
export function subjectHead(prefix: string, tags: Tags, stream: Stream): string {
  return `${prefix}.${ownerToken(tags)}.${machineToken(tags)}.${stream}`;
}

/** A whole subject; `detail` holds the tokens after the stream, or nothing. */
export function subjectOf(head: string, detail: string): string {
  return detail === '' ? head : `${head}.${detail}`;
}
