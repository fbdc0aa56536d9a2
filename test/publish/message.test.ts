import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEAST_MESSAGE_BYTES, type Message, messageOf } from '../../src/publish/message.ts';
import type { OutgoingRecord } from '../../src/publish/record.ts';

const OPTIONS = { idPrefix: '0123abcd.1', stream: 'SIDEROLINK' };

function recordOf(body: string, seq = 42): OutgoingRecord {
  const receivedAt = '2026-01-01T00:00:00.000Z';
  return { seq, subject: 'siderolink.acme.u.kmsg.info', machine: 'u', receivedAt, boot: '3', body };
}

/** As a server reads them. */
function headersOf({ head }: Message): readonly (readonly string[])[] {
  const [version, ...lines] = head.split('\r\n');
  expect(version).toBe('NATS/1.0');
  expect(lines.splice(-2)).toEqual(['', '']);
  return lines.map((line) => line.split(': '));
}

it('counts bytes as the server does', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (msg, seq) => {
      const message = messageOf(recordOf(JSON.stringify({ msg }), seq), Number.POSITIVE_INFINITY, OPTIONS);
      expect(message.bytes).toBe(Buffer.byteLength(message.head) + message.payload.length);
      expect(headersOf(message)).toEqual([
        ['Nats-Msg-Id', `0123abcd.1:${seq}`],
        ['Nats-Expected-Stream', 'SIDEROLINK'],
        ['Siderolink-Seq', String(seq)],
        ['Siderolink-Boot', '3'],
        ['Siderolink-Received-At', '2026-01-01T00:00:00.000Z'],
      ]);
      expect(new TextDecoder().decode(message.payload)).toBe(JSON.stringify({ msg }));
      expect(message.isMarker).toBe(false);
    }),
  );
});

it('is never longer than asked, and says what it left out', () => {
  const tag = fc.string({ maxLength: 400 });
  const bodies = fc.record({
    msg: fc.integer({ min: 5000, max: 9000 }).map((length) => 'ä'.repeat(length)),
    server_uuid: tag,
    owner: tag,
  });
  fc.assert(
    fc.property(bodies, fc.integer({ min: LEAST_MESSAGE_BYTES, max: 20_000 }), (body, maxBytes) => {
      const text = JSON.stringify(body);
      const message = messageOf(recordOf(text), maxBytes, OPTIONS);
      expect(message.bytes).toBeLessThanOrEqual(maxBytes);
      const sent = JSON.parse(new TextDecoder().decode(message.payload)) as object;
      if (!message.isMarker) {
        expect(sent).toEqual(body);
        return;
      }
      const original = Buffer.byteLength(text);
      expect(sent).toMatchObject({ truncated: true, original_bytes: original, seq: 42 });
      expect(headersOf(message)).toContainEqual(['Siderolink-Truncated', String(original)]);
      expect(headersOf(message)).toContainEqual(['Nats-Msg-Id', '0123abcd.1:42']);
    }),
  );
});

it('keeps the tags in a marker, and nothing else of the body', () => {
  const tags = { server_uuid: 'u', owner: 'acme', namespace: 'n', cluster: 'c', metal_machine: 'm', machine: 'x' };
  const body = { msg: 'x'.repeat(5000), sent: { owner: 'me' }, ...tags };
  const { payload } = messageOf(recordOf(JSON.stringify(body)), LEAST_MESSAGE_BYTES, OPTIONS);
  const marker = JSON.parse(new TextDecoder().decode(payload)) as object;
  expect(marker).toEqual({ truncated: true, original_bytes: JSON.stringify(body).length, seq: 42, ...tags });
});

it('marks a body that is no JSON, or whose tags are too long themselves', () => {
  const broken = messageOf(recordOf(`{${'x'.repeat(9000)}}`), LEAST_MESSAGE_BYTES, OPTIONS);
  const heavy = messageOf(recordOf(JSON.stringify({ owner: 'x'.repeat(9000) })), LEAST_MESSAGE_BYTES, OPTIONS);
  for (const { payload, bytes, isMarker } of [broken, heavy]) {
    expect(isMarker).toBe(true);
    expect(bytes).toBeLessThanOrEqual(LEAST_MESSAGE_BYTES);
    expect(Object.keys(JSON.parse(new TextDecoder().decode(payload)) as object)).toEqual([
      ...['truncated', 'original_bytes', 'seq'],
    ]);
  }
});
