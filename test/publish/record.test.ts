import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Envelopes } from '../../src/domain/envelope.ts';
import { cutEnvelope } from '../../src/publish/record.ts';
import { tagsOf } from '../stream/harness.ts';

it('cuts every envelope that the renderer makes into what parsing finds', () => {
  const prefix = fc.constantFrom('siderolink', 'a.b', 'x-1');
  const body = fc.dictionary(fc.string(), fc.jsonValue());
  const owner = fc.option(fc.string({ minLength: 1, maxLength: 12 }), { nil: undefined });
  const detail = fc.constantFrom('', 'info', 'apid.error', 'AddressEvent');
  const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
  const boot = fc.nat(1000);
  fc.assert(
    fc.property(prefix, body, owner, detail, seq, boot, (prefix, body, owner, detail, seq, boot) => {
      const context = {
        stream: 'kmsg',
        boot,
        tags: tagsOf(7, owner),
        time: 1_790_000_000_123,
        names: [detail],
      } as const;
      const json = new Envelopes(prefix, context).render(seq, 0, JSON.stringify(body));
      const record = cutEnvelope({ seq, json }, prefix.length);
      const parsed = JSON.parse(json) as { subject: string; received_at: string; boot: number; body: object };
      expect(record).toEqual({
        ...{ seq, subject: parsed.subject, receivedAt: parsed.received_at, boot: String(parsed.boot) },
        machine: context.tags.server_uuid,
        body: record.body,
      });
      expect(JSON.parse(record.body)).toEqual(parsed.body);
      expect(json.endsWith(`,"body":${record.body}}`)).toBe(true);
    }),
  );
});

it('cuts an envelope of no machine', () => {
  const json =
    '{"seq":1,"subject":"siderolink._._.gap.restore","received_at":"2026-01-01T00:00:00.000Z","boot":0,"body":{"a":1}}';
  expect(cutEnvelope({ seq: 1, json }, 'siderolink'.length)).toMatchObject({
    machine: '_',
    boot: '0',
    body: '{"a":1}',
  });
});
