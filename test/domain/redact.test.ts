import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../src/domain/errors.ts';
import { readObjectLine } from '../../src/domain/json-text.ts';
import { Redactor, SECRET_HINTS } from '../../src/domain/redact.ts';

const redactor = new Redactor();
const CANARY = 'cAnArY.s3cret-token_x';

function stored(line: string, by = redactor): string {
  const result = readObjectLine(line, by);
  if (typeof result === 'string') throw new Error(result);
  JSON.parse(result.text);
  return result.text;
}

describe('Redactor', () => {
  it.each([
    ['the API URL as Talos logs it', `endpoint: grpc://192.0.2.1:8081?jointoken=${CANARY}`],
    ['in the middle of a query', `https://x/?a=b&jointoken=${CANARY}&grpc_tunnel=true`],
    ['the kernel command line', `Kernel command line: a=b siderolink.api=grpc://x:1?jointoken=${CANARY} console=ttyS0`],
    ['url-encoded', `next=https%3A%2F%2Fx%2F%3Fjointoken%3D${CANARY}%26a%3Db`],
    ['url-encoded twice', `next=x%253Fjointoken%253D${CANARY}%2526a%253Db`],
    ['a value with encoded characters', `?jointoken=%2B%26${CANARY}&x=y`],
    ['as JSON in text', `{"jointoken": "${CANARY}", "x": 1}`],
    ['as escaped JSON in text', `{\\"jointoken\\":\\"${CANARY}\\",\\"x\\":1}`],
    ['after an escape that was escaped again', `x?a=b\\u0026jointoken\\u003d${CANARY}\\u0026c=d`],
    ['an early configuration', `quiet talos.config.early=${CANARY}== console=tty0`],
    ['an inline configuration', `quiet talos.config.inline=${CANARY}== console=tty0`],
    ['an OAuth client secret', `talos.config.oauth.client_secret=${CANARY} x`],
    ['another OAuth value', `talos.config.oauth.extra_variable=key=${CANARY} x`],
    ['two of them', `jointoken=${CANARY} jointoken=${CANARY}`],
  ])('takes out %s', (_, msg) => {
    expect(redactor.text(msg)).not.toContain(CANARY);
    expect(redactor.text(msg)).toContain('[redacted]');
    // As Go writes it, and with every character that may be escaped escaped.
    const go = JSON.stringify({ msg }).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c');
    expect(stored(go)).not.toContain(CANARY);
    const escaped = [...msg].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    expect(stored(`{"msg":"${escaped}"}`)).not.toContain(CANARY);
    expect(redactor.text(redactor.text(msg))).toBe(redactor.text(msg));
  });

  it('keeps what stands around a secret', () => {
    expect(redactor.text(`a jointoken=${CANARY}&x=y z`)).toBe('a jointoken=[redacted]&x=y z');
    expect(redactor.text(`%3Fjointoken%3D${CANARY}%26a`)).toBe('%3Fjointoken%3D[redacted]%26a');
    expect(redactor.text(`talos.config.early=${CANARY} console=tty0`)).toBe(
      'talos.config.early=[redacted] console=tty0',
    );
    expect(redactor.text(`{"u":"x?jointoken=${CANARY}","y":1}`)).toBe('{"u":"x?jointoken=[redacted]","y":1}');
  });

  it('takes the virtual address out of the line in which Talos logs it, beside the URL with the token', () => {
    const line = (peer: string) => `{"endpoint": "grpc://x:1?jointoken=${CANARY}", "next_peer_endpoint": "${peer}"}`;
    const virtual = '[fdae:41e4:649b:9304:1:2:3:4]:50888';
    for (const text of [redactor.text(line(virtual)), stored(JSON.stringify({ msg: line(virtual) }))]) {
      expect(text).not.toContain('9304');
      expect(text).toContain('[redacted]');
    }
    expect(Buffer.from(redactor.bytes(Buffer.from(line(virtual)))).toString()).not.toContain('9304');
    expect(redactor.text(line('192.0.2.1:50888'))).toContain('192.0.2.1:50888');
    expect(redactor.text(line('[2001:db8::1]:51821'))).toContain('[2001:db8::1]:51821');
  });

  it.each([
    [
      'as its tunnel begins',
      'updating tunnel relay {"component": "controller-runtime", "old_endpoint": "", "old_node_address": "invalid AddrPort", "new_endpoint": "gw.example:8081", "new_node_address": "VIRTUAL"}',
    ],
    [
      'as it gets another one',
      'updating tunnel relay {"old_endpoint": "gw.example:8081", "old_node_address": "VIRTUAL", "new_endpoint": "gw.example:8081", "new_node_address": "VIRTUAL"}',
    ],
    [
      'as it fails',
      'tunnel relay failed, retrying {"timeout": "5s", "endpoint": "gw.example:8081", "node_address": "VIRTUAL", "error": "EOF"}',
    ],
  ])('takes the virtual address out where no token is beside it, %s', (_, line) => {
    const virtual = '[fdae:41e4:649b:9304:1:2:3:4]:50888';
    const msg = line.replaceAll('VIRTUAL', virtual);
    const clean = line.replaceAll('VIRTUAL', '[redacted]');
    expect(redactor.text(msg)).toBe(clean);
    expect(JSON.parse(stored(JSON.stringify({ msg })))).toEqual({ msg: clean });
    const escaped = JSON.stringify({ msg }).replaceAll(']:5', '\\u005d\\u003a\\u0035');
    expect(JSON.parse(stored(escaped))).toEqual({ msg: clean });
    expect(redactor.isSuspicious(Buffer.from(msg))).toBe(true);
    expect(Buffer.from(redactor.bytes(Buffer.from(msg))).toString()).toBe(
      msg.replaceAll(virtual, '*'.repeat(virtual.length)),
    );
  });

  it('leaves other text as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(redactor.text(text)).toBe(text);
        expect(redactor.literal(JSON.stringify(text))).toBe(JSON.stringify(text));
      }),
    );
    const plain = 'talos.config=http://x/ jointoken talos.config.inline is set';
    expect(redactor.text(plain)).toBe(plain);
  });

  it('takes the whole value under a name of a secret', () => {
    const line = `{"jointoken":"${CANARY}","a":{"talos.config.early":["${CANARY}"]},"b":{"jointoken":null}}`;
    expect(stored(line)).toBe(
      '{"jointoken":"[redacted]","a":{"talos.config.early":"[redacted]"},"b":{"jointoken":null}}',
    );
  });

  it('takes out what the operator adds, in decoded text', () => {
    const extra = new Redactor(['password=\\S+']);
    expect(stored(`{"msg":"p\\u0061ssword=${CANARY} rest","x":"y"}`, extra)).toBe('{"msg":"[redacted] rest","x":"y"}');
    expect(extra.always).toBe(true);
  });

  it('refuses an expression that is none', () => {
    expect(() => new Redactor(['('])).toThrow(/sinks\.redact/);
    try {
      new Redactor(['(']);
    } catch (error) {
      expect(errorCode(error)).toBe('configuration');
    }
  });

  it('overwrites secrets in bytes, of the same length', () => {
    const bytes = Buffer.concat([
      Buffer.from([0, 255, 10]),
      Buffer.from(`x?jointoken=${CANARY}`),
      Buffer.from([26, 1]),
    ]);
    const clean = redactor.bytes(bytes);
    expect(Buffer.from(clean).includes(CANARY)).toBe(false);
    expect(clean.length).toBe(bytes.length);
    expect([...clean.subarray(0, 3), ...clean.subarray(-2)]).toEqual([0, 255, 10, 26, 1]);
    const other = Buffer.from('nothing');
    expect(redactor.bytes(other)).toBe(other);
  });

  it.each([
    ['backslashes', (n: number) => `jointoken=${'\\'.repeat(n)}`],
    ['backslashes before the equals sign', (n: number) => `jointoken${'\\'.repeat(n)}`],
    ['white space', (n: number) => `jointoken${' '.repeat(n)}`],
    ['encoded percent signs', (n: number) => `jointoken%3D%${'25'.repeat(n / 2)}`],
    ['names in names', (n: number) => 'talos.config.oauth.'.repeat(n / 19)],
    ['names in values', (n: number) => 'jointoken='.repeat(n / 10)],
  ])('costs no more than the length of hostile text: %s', (_, textOf) => {
    const cost = (text: string) => {
      const begin = process.cpuUsage();
      redactor.text(text);
      return process.cpuUsage(begin).user;
    };
    // Quadratic cost would be minutes here; the bound only tells the two apart.
    expect(cost(textOf(2_000_000))).toBeLessThan(5_000_000);
  });
});

it.each([
  ['value', (n: number) => `jointoken=${'x'.repeat(n)}`],
  ['encoded value', (n: number) => `jointoken%3D${'%2B'.repeat(n / 3)}`],
  ['run of escapes', (n: number) => `jointoken=x ${'\\n'.repeat(n / 2)}`],
])('takes a very long %s, in text, in JSON and in bytes', (_, textOf) => {
  // Patterns that keep a place for each character they passed would end the process here.
  const text = textOf(16_000_000);
  expect(redactor.text(text)).toContain('[redacted]');
  expect(stored(`{"msg":"${text}"}`)).toContain('[redacted]');
  expect(redactor.bytes(Buffer.from(text)).length).toBe(text.length);
  // An operator's expression may be like that.
  const greedy = new Redactor(['(?:(?!y)[^])+z']);
  expect(greedy.text(textOf(16_000_000))).not.toContain('xxx');
});

it('looks closer at every text with a name, and each name has letters that the scanner of lines looks for', () => {
  const piece = fc.constantFrom('jointoken', 'talos.config.', 'x', '\n', 'join', 'talos.config');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const text = pieces.join('');
      const hasName = ['jointoken', 'talos.config.'].some((name) => text.includes(name));
      expect(redactor.isSuspicious(Buffer.from(text))).toBe(hasName);
      if (hasName) expect(SECRET_HINTS.some((hint) => text.includes(hint))).toBe(true);
    }),
  );
  expect(new Redactor(['x']).isSuspicious(Buffer.from('y'))).toBe(true);
});
