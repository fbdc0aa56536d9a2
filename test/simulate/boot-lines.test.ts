import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillTemplate, type MachineFacts } from '../../src/simulate/boot-script.ts';
import { BootScripts } from '../../src/simulate/boot-scripts.ts';
import { KernelLog } from '../../src/simulate/kernel-log.ts';
import { formatKernelLine, goString, rfc3339Nano } from '../../src/simulate/kmsg-line.ts';
import { talosProfile } from '../../src/simulate/profile.ts';
import { seededRandom } from '../../src/simulate/random.ts';

const KEYS = ['clock', 'facility', 'msg', 'priority', 'seq', 'talos-level', 'talos-time'];
const scripts = new BootScripts();

function factsOf(seed: number, boot = 1): MachineFacts {
  return {
    seed,
    boot,
    uuid: '71233efd-7a07-43f8-b6ba-da90fae0e88b',
    hostname: 'talos-a1-b2',
    commandLine: 'console=tty0 siderolink.api=grpc://192.0.2.1:8081?jointoken=canary&grpc_tunnel=n',
    kernel: '6.18.24-talos',
    tag: 'v1.13.0',
    addresses: ['198.18.0.2'],
  };
}

function wholeBoot(seed: number, boot = 1, version = '1.13'): string[] {
  const script = scripts.script(talosProfile(version), seed, 'running');
  const log = new KernelLog({ script, facts: factsOf(seed, boot) });
  log.advance(Number.POSITIVE_INFINITY);
  return Array.from({ length: log.next }, (_, seq) => {
    const record = log.read(seq);
    if (record === undefined) throw new Error(`no record ${seq}`);
    return formatKernelLine(record, seq, { seconds: 1_790_000_000, nanos: 123_456_789 });
  });
}

test.each(['1.0', '1.5', '1.6', '1.13'])(
  'the lines of a boot of Talos %s are well-formed, in order and varied',
  (version) => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const lines = wholeBoot(seed, 1, version);
      expect(lines.length).toBeGreaterThan(650);
      let clock = -1;
      const texts = new Set<string>();
      lines.forEach((line, seq) => {
        const object = JSON.parse(line) as Record<string, string | number>;
        expect(Object.keys(object)).toEqual(KEYS);
        expect(object['seq']).toBe(seq);
        expect(Number(object['clock'])).toBeGreaterThanOrEqual(clock);
        clock = Number(object['clock']);
        expect(object['msg']).toMatch(/\n$/);
        // A place that nobody fills would stand in the text.
        expect(object['msg']).not.toMatch(/\{(n|x|ms|pid|mac|serial|pick|uuid|host|cmdline|kernel|tag|ip)[:}]/);
        texts.add(String(object['msg']));
      });
      expect(texts.size / lines.length).toBeGreaterThan(0.95);
    }
  },
);

test('a boot has the variety of a real one: facilities, levels, lines with device lines, escapes', () => {
  const lines = wholeBoot(1).concat(wholeBoot(2), wholeBoot(3), wholeBoot(4));
  const priorities = new Set(lines.map((line) => (JSON.parse(line) as { priority: string }).priority));
  expect([...priorities].sort()).toEqual(['debug', 'info', 'notice', 'warning']);
  expect(lines.some((line) => line.includes('\\n SUBSYSTEM='))).toBe(true);
  expect(lines.some((line) => line.includes('\\u003e'))).toBe(true);
  expect(lines.filter((line) => line.includes('jointoken=canary\\u0026')).length).toBeGreaterThanOrEqual(2);
});

test('machines and boots differ, and a line is the same whenever it is read', () => {
  const first = wholeBoot(1);
  expect(wholeBoot(1)).toEqual(first);
  expect(wholeBoot(1, 2)).not.toEqual(first);
  const other = wholeBoot(9);
  expect(first.filter((line) => other.includes(line)).length).toBeLessThan(first.length / 2);
});

test('the ring loses its oldest records, and own lines keep their place among the others', () => {
  const script = scripts.script(talosProfile('1.13'), 1, 'running');
  const log = new KernelLog({ script, facts: factsOf(1), capacity: 50 });
  log.append({ clock: 0, facility: 'user', priority: 'warning', msg: 'own\n' });
  log.advance(0);
  const atZero = log.next;
  expect(log.read(0)).toBeUndefined();
  log.append({ clock: 7, facility: 'user', priority: 'warning', msg: 'later\n' });
  log.advance(Number.POSITIVE_INFINITY);
  for (let i = 0; i < 200; i++) log.chat(1e9 + i);
  expect(log.next).toBe(script.lines.length + 202);
  expect(log.first).toBe(log.next - 50);
  expect(log.read(atZero)).toBeUndefined();
  expect(log.read(log.next - 1)?.clock).toBe(1e9 + 199);
  expect(log.read(log.next - 50)?.clock).toBe(1e9 + 150);
  expect(log.read(log.next)).toBeUndefined();
});

test('JSON strings are Go’s: the same text, and nothing that Go would escape', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = goString(text);
      expect(JSON.parse(json)).toBe(text.toWellFormed());
      expect(json).not.toMatch(/[<>&\u2028\u2029]/);
    }),
  );
  expect(goString('a\\b\b\f<')).toBe('"a\\\\b\\u0008\\u000c\\u003c"');
});

test('times are RFC 3339 with the fraction cut at its last digit', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000_000), fc.nat(999_999_999), fc.nat(100_000_000), (seconds, nanos, clock) => {
      const text = rfc3339Nano({ seconds, nanos }, clock);
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z$/);
      const fraction = /\.(\d+)Z/.exec(text)?.[1] ?? '';
      const micros = Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(fraction.padEnd(9, '0').slice(0, 6));
      expect(micros).toBe(seconds * 1_000_000 + Math.floor(nanos / 1000) + clock);
    }),
  );
});

test('a template keeps what it does not know', () => {
  expect(fillTemplate('{"error": {x:2} {unknown}', factsOf(1), seededRandom(1))).toMatch(
    /^\{"error": [0-9a-f]{2} \{unknown\}$/,
  );
});
