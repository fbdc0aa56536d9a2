import fc from 'fast-check';

const encoder = new TextEncoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

type Values = Partial<Record<'clock' | 'facility' | 'msg' | 'priority' | 'seq' | 'level' | 'time', string>>;

/** A kernel line as machines send it, with these values in their places. */
export function line(values: Values): string {
  const { clock, facility, msg, priority, seq, level, time } = {
    clock: '1234567',
    facility: 'kern',
    msg: 'a message\\n',
    priority: 'info',
    seq: '17',
    level: 'info',
    time: '2026-01-02T03:04:05.123456789Z',
    ...values,
  };
  return `{"clock":${clock},"facility":"${facility}","msg":"${msg}","priority":"${priority}","seq":${seq},"talos-level":"${level}","talos-time":"${time}"}\n`;
}

/** Numbers as senders write them, and as they do not. */
const number = fc.oneof(
  fc.nat().map(String),
  fc.bigInt(0n, 10n ** 18n).map(String),
  fc.constantFrom(
    '0',
    '00',
    '01',
    '-1',
    '-0',
    '1e3',
    '1.0',
    '',
    '999999999999999',
    '1000000000000000',
    '18446744073709551616',
    '99999999999999999999',
    '000000000000001',
  ),
);
const time = fc.oneof(
  fc
    .tuple(fc.date({ noInvalidDate: true, min: new Date('0000-01-01'), max: new Date('9999-12-31') }), fc.nat(999_999))
    .map(([date, rest]) => `${date.toISOString().slice(0, -1)}${String(rest).padStart(6, '0')}`.replace(/\.?0+$/, ''))
    .map((text) => `${text}Z`),
  fc
    .tuple(fc.integer({ min: 0, max: 3e12 }), fc.stringMatching(/^(\.[0-9]{1,10})?$/))
    .map(([ms, fraction]) => `${new Date(ms).toISOString().slice(0, 19)}${fraction}Z`),
  fc.constantFrom(
    '0001-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2024-02-29T23:59:59.999999999Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05.120Z',
    '2026-01-02T03:04:05.1234567891Z',
    '2026-01-02T03:04:05+01:00',
    '2026-01-02t03:04:05z',
    '2026-01-02 03:04:05Z',
    '1969-12-31T23:59:59.5Z',
    '1900-01-01T00:00:00Z',
    '2099-12-31T23:59:59.999999999Z',
    '2x26-01-02T03:04:05Z',
    '',
  ),
);
const word = fc.oneof(
  fc.constantFrom('kern', 'daemon', 'user', 'info', 'warning', 'warn', '', 'a'.repeat(200)),
  fc.string({ unit: 'binary' }),
);
const message = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\\"', '"', '","priority":"', '\\', ',', '{"clock":1', 'x', ' ', '\\u003c'))
    .map((parts) => parts.join('')),
);
const usual = fc
  .record({
    clock: fc.nat().map(String),
    msg: message,
    seq: fc.nat().map(String),
    level: fc.constantFrom('info', 'warn'),
  })
  .map(line);
const unusual = fc
  .record({ clock: number, facility: word, msg: message, priority: word, seq: number, level: word, time })
  .map(line);
const part = fc.oneof(
  usual.map(bytesOf),
  unusual.map(bytesOf),
  fc.uint8Array({ maxLength: 20 }),
  // What machines never send.
  fc.constantFrom('\n', '\r\n', '{\n', '}', '{"clock":', line({ msg: 'x'.repeat(5000) })).map(bytesOf),
  usual.map((text) => bytesOf(text.replace('\n', '\r\n'))),
  fc.tuple(usual, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
    const bytes = bytesOf(text);
    return bytes.with(at % bytes.length, byte);
  }),
  unusual.chain((text) => fc.nat(text.length).map((length) => bytesOf(text.slice(0, length)))),
);

/** Any bytes at all; most of them are lines, of the form or nearly. */
export const anyBlock = fc.array(part, { maxLength: 40 }).map((parts) => Uint8Array.from(Buffer.concat(parts)));
