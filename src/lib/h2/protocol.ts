/** The numbers of HTTP/2 (RFC 9113), and the frames that we write. */

/** Length (3 bytes), type, flags, stream (4 bytes). RFC 9113 section 4.1. */
export const FRAME_HEADER_BYTES = 9;
/** What neither side may exceed unless the other allows more, and we never do. Section 4.2. */
export const MAX_FRAME_BYTES = 16_384;
/** Section 6.9.2. */
export const INITIAL_WINDOW = 65_535;
export const MAX_WINDOW = 2 ** 31 - 1;
/** What a peer may keep in its header table before it has our settings. RFC 7541 section 6.5.2. */
export const INITIAL_TABLE_BYTES = 4_096;

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

/** Of DATA and HEADERS. */
export const END_STREAM = 0x1;
/** Of SETTINGS and PING. */
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
/** Of HEADERS: five bytes of priority come first. */
export const WITH_PRIORITY = 0x20;

export const SETTING_HEADER_TABLE_SIZE = 1;
export const SETTING_ENABLE_PUSH = 2;
export const SETTING_MAX_CONCURRENT_STREAMS = 3;
export const SETTING_INITIAL_WINDOW_SIZE = 4;
export const SETTING_MAX_FRAME_SIZE = 5;

/** Error codes. Section 7. */
export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

/** What a client says first. Section 3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Writes a frame's header and returns where its payload begins. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): number {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  into.writeUInt32BE(id, at + 5);
  return at + FRAME_HEADER_BYTES;
}

export function frameOf(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.set(payload, writeFrameHeader(frame, 0, payload.length, type, flags, id));
  return frame;
}

/** A frame whose payload is one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
export function numberFrame(type: number, id: number, value: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 4);
  frame.writeUInt32BE(value, writeFrameHeader(frame, 0, 4, type, 0, id));
  return frame;
}

export function goAwayFrame(lastId: number, code: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 8);
  const at = writeFrameHeader(frame, 0, 8, GOAWAY, 0, 0);
  frame.writeUInt32BE(lastId, at);
  frame.writeUInt32BE(code, at + 4);
  return frame;
}

/** @param settings identifier and value of each */
export function settingsFrame(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.allocUnsafe(6 * settings.length);
  settings.forEach(([identifier, value], i) => {
    payload.writeUInt16BE(identifier, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  });
  return frameOf(SETTINGS, 0, 0, payload);
}

export const SETTINGS_ACK = frameOf(SETTINGS, ACK, 0, Buffer.alloc(0));
