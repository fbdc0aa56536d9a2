/** RFC 7541 section 5.1. @param first what stands in the bits before the number */
function number(first: number, prefix: number, value: number): number[] {
  const most = (1 << prefix) - 1;
  if (value < most) return [first | value];
  const bytes = [first | most];
  let left = value - most;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([Buffer.from(number(0, 7, bytes.length)), bytes]);
}

/** `:status` has index 8 in the static table, there with the value 200. */
const STATUS_200 = Buffer.of(0x88);
const STATUS = Buffer.of(0x08);

/**
 * A header block of fields that no table keeps, neither ours nor the peer's (RFC 7541 section 6.2.2): what we answer is
 * short, and a table would be memory on both sides.
 * @param status of HTTP; none in trailers
 * @param fields names in lower case, and values of bytes as characters
 */
export function headerBlock(status: number | undefined, fields: readonly (readonly [string, string])[]): Buffer {
  const parts = fields.map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)]));
  if (status === undefined) return Buffer.concat(parts);
  const first = status === 200 ? STATUS_200 : Buffer.concat([STATUS, text(String(status))]);
  return Buffer.concat([first, ...parts]);
}
