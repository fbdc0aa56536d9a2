import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TIMES } from '../../src/cli/line-time.ts';
import { Lines } from '../../src/cli/lines.ts';
import { createStyle } from '../../src/cli/text.ts';
import { cells } from '../../src/cli/wrap.ts';
import { uuidOf } from '../control/fakes.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('漢字 '.repeat(40), '\u202e\t\u001b[2J\r\n x'),
);
const value = fc.oneof(text, fc.jsonValue());
const body = fc.record(
  {
    msg: value,
    clock: fc.oneof(fc.double(), value),
    priority: fc.oneof(fc.constantFrom('err', 'emerg', 'debug'), value),
    facility: value,
    'talos-time': fc.oneof(fc.constant('2026-11-21T11:59:58.1Z'), value),
    'talos-service': value,
    from: value,
    to: value,
    count: value,
    reason: value,
    error: value,
    raw: value,
  },
  { requiredKeys: [] },
);
const rests = [
  'kmsg.info',
  'kmsg.other',
  'log.a.error',
  'gap.kmsg',
  'event.AddressEvent',
  'event.SequenceEvent',
  'event.ServiceStateEvent',
  'event.X',
];

describe('whatever a machine sends', () => {
  it('becomes lines that fit the terminal and hold nothing that it obeys', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...rests), body, fc.nat({ max: 3 })), { maxLength: 4 }),
        fc.constantFrom(...TIMES),
        fc.integer({ min: 30, max: 200 }),
        fc.boolean(),
        text,
        (records, time, columns, wide, hostname) => {
          const lines = new Lines({
            prefix: 'siderolink',
            style: createStyle(false),
            time,
            named: true,
            wide,
            services: true,
            columns: () => columns,
          });
          lines.know([{ server_uuid: uuidOf(1), hostname } as never]);
          for (const [rest, body, boot] of records) {
            const subject = `siderolink._.${uuidOf(1)}.${rest}`;
            const out = lines.render({ seq: 1, subject, received_at: '2026-11-21T12:00:00.000Z', boot, body });
            expect(out).toMatch(/\n$/);
            expect(out).not.toMatch(/[^\P{Cc}\n]|[\u2028\u202e\u2066]/u);
            // On a narrower terminal time and names alone may be wider than it is.
            if (columns < 110) continue;
            for (const line of out.split('\n')) expect(cells(line)).toBeLessThanOrEqual(columns);
          }
        },
      ),
    );
  });
});
