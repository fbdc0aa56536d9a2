/** The DER encodings (ITU-T X.690) that a certificate is made of. Each function returns one whole element. */

const CONSTRUCTED = 0x20;
const CONTEXT = 0x80;

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits = bytesOf(bytes);
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}

/** Big-endian, without leading zeros. */
function bytesOf(value: number): Buffer {
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from(digits);
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(items));
}

export function set(...items: readonly Uint8Array[]): Buffer {
  return element(0x31, Buffer.concat(items));
}

/** A positive integer, most significant byte first. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Buffer.alloc(1) : bytes.subarray(start);
  // A first bit of 1 would make it negative.
  return element(0x02, (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), digits]) : digits);
}

export function boolean(value: boolean): Buffer {
  return element(0x01, Buffer.from([value ? 0xff : 0x00]));
}

export function octets(content: Uint8Array): Buffer {
  return element(0x04, content);
}

/** A bit string; `unused` bits at its end do not count. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return element(0x03, Buffer.concat([Buffer.from([unused]), content]));
}

export function text(value: string): Buffer {
  return element(0x0c, Buffer.from(value, 'utf8'));
}

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(0x06, Buffer.concat([first * 40 + second, ...rest].map(base128)));
}

function base128(value: number): Buffer {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(0x80 | (rest % 128));
  return Buffer.from(digits);
}

/** A time as certificates write it (RFC 5280 section 4.1.2.5): two digits of the year until 2049, four from 2050. */
export function time(ms: number): Buffer {
  const date = new Date(ms);
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? element(0x17, Buffer.from(digits.slice(2), 'ascii'))
    : element(0x18, Buffer.from(digits, 'ascii'));
}

/** `[n]` around whole elements. */
export function explicit(tag: number, ...items: readonly Uint8Array[]): Buffer {
  return element(CONTEXT | CONSTRUCTED | tag, Buffer.concat(items));
}

/** `[n]` in place of a primitive element's own tag. */
export function implicit(tag: number, content: Uint8Array): Buffer {
  return element(CONTEXT | tag, content);
}
