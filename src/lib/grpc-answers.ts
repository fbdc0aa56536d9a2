import type { GrpcStatus } from './grpc-options.ts';
import { headerBlock } from './h2/header-encode.ts';

/** gRPC's status codes, as far as the edge itself gives them. */
export const OK = 0;
export const INVALID_ARGUMENT = 3;
export const DEADLINE_EXCEEDED = 4;
export const RESOURCE_EXHAUSTED = 8;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

const CONTENT_TYPE = ['content-type', 'application/grpc'] as const;

/** The headers of a call that is answered by messages. */
export const HEAD = headerBlock(200, [CONTENT_TYPE]);
/** What ends a call that went well. */
export const OK_TRAILERS = headerBlock(undefined, [['grpc-status', '0']]);
/** To who does not speak gRPC. */
export const NO_GRPC = headerBlock(415, []);
export const NO_POST = headerBlock(405, []);

/** What ends a call after its messages. */
export function trailersOf(told: GrpcStatus): Buffer {
  return told.code === OK && told.details === '' ? OK_TRAILERS : headerBlock(undefined, fieldsOf(told));
}

/** The whole answer of a call without a message. */
export function statusOnly(told: GrpcStatus): Buffer {
  return headerBlock(200, [CONTENT_TYPE, ...fieldsOf(told)]);
}

function fieldsOf({ code, details }: GrpcStatus): (readonly [string, string])[] {
  const status = ['grpc-status', String(code)] as const;
  return details === '' ? [status] : [status, ['grpc-message', percentEncoded(details)]];
}

/** UTF-8 in which all but printable ASCII, and `%`, is written as `%XX`. */
function percentEncoded(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
