/** gRPC's message prefix: one byte that tells whether it is compressed, four of length. */
const PREFIX_BYTES = 5;

/** A message as the body of a unary request, uncompressed. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** The message of a unary answer; undefined unless the body is exactly one, whole and uncompressed. */
export function unframe(body: Buffer): Uint8Array | undefined {
  if (body.length < PREFIX_BYTES || body[0] !== 0) return undefined;
  return body.length === PREFIX_BYTES + body.readUInt32BE(1) ? body.subarray(PREFIX_BYTES) : undefined;
}
