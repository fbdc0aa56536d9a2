import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEVELS, NO_TAGS } from '../../src/domain/record.ts';
import { Redactor } from '../../src/domain/redact.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { LineSink, lineOrigin } from '../../src/sinks/line-sink.ts';
import { FakeLog, kernelLine, ManualClock, newKey } from './fakes.ts';

const vectors = JSON.parse(readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8')) as {
  kmsg_lines: string[];
};

function sinkWorld(options: { maxLineBytes?: number; redact?: string[] } = {}) {
  const log = new FakeLog();
  const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
  const origin = lineOrigin(boots.begin(1, newKey()).boot);
  const redactor = new Redactor(options.redact);
  const sink = new LineSink({ maxLineBytes: options.maxLineBytes ?? 65_536 }, { log, redactor });
  const take = (...lines: (string | Buffer)[]) => {
    const result = sink.take(
      origin,
      NO_TAGS,
      Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.of(10)])),
    );
    return { ...result, drops: Object.fromEntries(result.drops) };
  };
  return { log, origin, sink, take };
}

describe('LineSink', () => {
  it('hands consecutive kernel lines on as one run, as they came', () => {
    const { log, take } = sinkWorld();
    const lines = [0, 1, 2, 3].map((seq) => kernelLine(seq, { level: LEVELS[seq] ?? '' }));
    expect(take(...lines)).toMatchObject({ kmsg: 4, log: 0, drops: {}, writable: true });
    expect(log.appended).toHaveLength(1);
    expect(log.appended[0]).toMatchObject({
      lines,
      details: ['debug', 'info', 'warn', 'error'],
      levels: 0b1111,
      firstKseq: 0,
      lastKseq: 3,
    });
    expect(log.appended[0]?.source).toMatchObject({ machine: 1, stream: 'kmsg', boot: 1, tags: NO_TAGS });
  });

  it('takes the golden lines unchanged', () => {
    const { log, take } = sinkWorld();
    take(...vectors.kmsg_lines);
    expect(log.lines).toEqual(vectors.kmsg_lines);
  });

  it('drops replays and keeps what is new around them, in order', () => {
    const { log, take } = sinkWorld();
    take(kernelLine(0), kernelLine(1), kernelLine(2));
    const result = take(kernelLine(3), kernelLine(1), kernelLine(4), kernelLine(2), kernelLine(5), kernelLine(6));
    expect(result).toMatchObject({ kmsg: 4, drops: { replay: 2 } });
    expect(log.seqs).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(log.appended.at(-1)).toMatchObject({ firstKseq: 5, lastKseq: 6 });
  });

  it('knows a replayed line whatever its talos-time', () => {
    const { take } = sinkWorld();
    const line = kernelLine(0);
    take(line);
    expect(take(line.replace('2026', '1970'))).toMatchObject({ kmsg: 0, drops: { replay: 1 } });
  });

  it('keeps a line under a used seq as a record of its own', () => {
    const { log, take } = sinkWorld();
    const result = take(kernelLine(0), kernelLine(1), kernelLine(1, { clock: 9 }), kernelLine(2));
    expect(result).toMatchObject({ kmsg: 4, reused: 1, drops: {} });
    expect(log.appended.map(({ lines }) => lines.length)).toEqual([2, 1, 1]);
    expect(log.seqs).toEqual([0, 1, 1, 2]);
  });

  it('takes the zero record of old Talos versions for no line of the kernel, wherever it comes', () => {
    const zero =
      '{"clock":0,"facility":"kern","msg":"","priority":"emerg","seq":0,"talos-level":"error","talos-time":"0001-01-01T00:00:00Z"}';
    const first = kernelLine(0, { clock: 0 });
    for (const form of [zero, ` ${zero}`]) {
      const { log, take } = sinkWorld();
      take(first, kernelLine(1));
      expect(take(form, kernelLine(2)).drops).toEqual({ zero_record: 1 });
      expect(log.seqs).toEqual([0, 1, 2]);
      const late = sinkWorld();
      late.take(kernelLine(5), form, kernelLine(6));
      expect(late.log.seqs).toEqual([5, 6]);
      // Line 0 is still missing, and can come.
      expect(late.origin.boot.missing).toBe(5);
      late.take(first);
      expect(late.log.seqs).toEqual([5, 6, 0]);
    }
  });

  it('counts lines that it is to refuse, and knows which are missing for it', () => {
    const { log, origin, sink, take } = sinkWorld();
    take(kernelLine(0), kernelLine(1));
    const odd = ` ${kernelLine(5)}`;
    const block = [kernelLine(1), kernelLine(2), kernelLine(3), '{"talos-service":"apid"}', 'junk', '', odd, '\xff'];
    const result = sink.refuse(origin, Buffer.from(`${block.join('\n')}\n`, 'latin1'), 'rate');
    expect(Object.fromEntries(result.drops)).toEqual({ rate: 7, replay: 1 });
    expect(result).toMatchObject({ kmsg: 0, log: 0, bytes: 0, writable: true });
    expect(log.seqs).toEqual([0, 1]);
    expect(origin.boot).toMatchObject({ lastSeq: 3, missing: 2 });
    const last = sink.refuse(origin, Buffer.from(kernelLine(4)), 'backpressure');
    expect(Object.fromEntries(last.drops)).toEqual({ backpressure: 1 });
    take(kernelLine(6), kernelLine(3));
    expect(log.seqs).toEqual([0, 1, 6, 3]);
    expect(origin.boot.missing).toBe(3);
  });

  it('says how many bytes were handed on: no replays, no junk', () => {
    const { log, take } = sinkWorld();
    const lines = [kernelLine(0), kernelLine(1)];
    const odd = ` ${kernelLine(2)}`;
    expect(take(...lines, 'junk', odd).bytes).toBe(Buffer.byteLength(`${[...lines, kernelLine(2)].join('\n')}\n`));
    expect(take(...lines, 'junk', odd).bytes).toBe(0);
    expect(log.seqs).toEqual([0, 1, 2]);
  });

  it('keeps the order between lines of both paths', () => {
    const { log, take } = sinkWorld();
    const odd = (seq: number) => kernelLine(seq).replace('{"clock"', '{ "clock"');
    take(kernelLine(0), odd(1), odd(2), kernelLine(3), 'junk', odd(4), kernelLine(5));
    expect(log.seqs).toEqual([0, 1, 2, 3, 4, 5]);
    expect(log.appended.map(({ lines }) => lines.length)).toEqual([1, 2, 1, 1, 1]);
  });

  it('makes the same records whichever path a line takes', () => {
    const value = fc.record({ msg: fc.string({ unit: 'grapheme' }), level: fc.constantFrom(...LEVELS, 'x') });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), (values) => {
        const lines = values.map((change, seq) => kernelLine(seq, change));
        const fast = sinkWorld();
        const slow = sinkWorld();
        fast.take(...lines);
        slow.take(...lines.map((line) => ` ${line}`));
        expect(slow.log.lines).toEqual(fast.log.lines);
        expect(slow.log.appended.flatMap(({ details }) => details)).toEqual(
          fast.log.appended.flatMap(({ details }) => details),
        );
        expect(slow.log.appended[0]).toMatchObject({ firstKseq: 0, lastKseq: lines.length - 1 });
      }),
    );
  });

  it('names service logs by service and level', () => {
    const { log, take } = sinkWorld();
    const line = (service: string, level: string) =>
      JSON.stringify({ msg: 'x', 'talos-level': level, 'talos-service': service, namespace: 'kube-system', n: 1 });
    const long = `ext-${'é'.repeat(100)}`;
    const result = take(line('apid', 'info'), line('ext-a.b', 'fatal'), line(long, 'warn'), line('apid', 'info'));
    expect(result).toMatchObject({ kmsg: 0, log: 4 });
    expect(log.appended).toHaveLength(1);
    expect(log.appended[0]?.source.stream).toBe('log');
    expect(log.appended[0]?.details).toEqual([
      'apid.info',
      'ext-a_2Eb.other',
      `ext-${'_C3_A9'.repeat(59)}.warn`,
      'apid.info',
    ]);
    expect(log.appended[0]).toMatchObject({ levels: 0b10110, firstKseq: null, lastKseq: null });
    expect(JSON.parse(log.lines[0] ?? '')).toEqual({
      msg: 'x',
      'talos-level': 'info',
      'talos-service': 'apid',
      n: 1,
      sent: { namespace: 'kube-system' },
    });
  });

  it('begins a new table of names when one is full', () => {
    const { log, take } = sinkWorld();
    const services = Array.from({ length: 600 }, (_, i) => `s${i}`);
    take(...services.map((service) => JSON.stringify({ 'talos-service': service })));
    expect(log.appended.flatMap(({ details }) => details)).toEqual(services.map((service) => `${service}.other`));
    expect(log.appended.map(({ lines }) => lines.length)).toEqual([256, 256, 88]);
  });

  it('counts what is no log line, and goes on', () => {
    const { log, take } = sinkWorld({ maxLineBytes: 300 });
    const deep = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
    const result = take('', 'x', '{"seq":', '[]', 'null', deep, kernelLine(0, { msg: 'y'.repeat(300) }), kernelLine(1));
    expect(result.drops).toEqual({ not_json: 3, not_object: 2, too_deep: 1, oversized: 1 });
    expect(log.seqs).toEqual([1]);
  });

  it('stores valid UTF-8 only', () => {
    const { log, take } = sinkWorld();
    const broken = Buffer.from(kernelLine(0, { msg: '@' }));
    broken[broken.indexOf('@')] = 0xff;
    take(broken, kernelLine(1, { msg: 'é' }));
    expect(log.lines).toEqual([kernelLine(0, { msg: '\ufffd' }), kernelLine(1, { msg: 'é' })]);
  });

  it('never stores a secret, and keeps the lines around it on the fast path', () => {
    const { log, take } = sinkWorld();
    const secret = kernelLine(2, { msg: 'x grpc://h:1?jointoken=CANARY&a=b talos.config.early=CANARY== y' });
    const lines = [kernelLine(0), kernelLine(1), secret.replaceAll('&', '\\u0026'), kernelLine(3), kernelLine(4)];
    take(...lines);
    expect(log.lines.join()).not.toContain('CANARY');
    expect(log.lines[2]).toBe(
      kernelLine(2, { msg: 'x grpc://h:1?jointoken=[redacted]&a=b talos.config.early=[redacted] y' }),
    );
    expect(log.appended.map(({ lines: part }) => part.length)).toEqual([2, 1, 2]);
    expect(log.lines.toSpliced(2, 1)).toEqual(lines.toSpliced(2, 1));
  });

  it('looks at every line when the operator names further secrets', () => {
    const { log, take } = sinkWorld({ redact: ['hunter\\d'] });
    take(kernelLine(0, { msg: 'hunter2 hunts' }), kernelLine(1));
    expect(log.lines).toEqual([kernelLine(0, { msg: '[redacted] hunts' }), kernelLine(1)]);
  });

  it('says when the log has no room, and still hands everything on', () => {
    const { log, take } = sinkWorld();
    log.full();
    expect(take(kernelLine(0), 'junk', kernelLine(1)).writable).toBe(false);
    expect(log.seqs).toEqual([0, 1]);
    log.drained();
    expect(take(kernelLine(2)).writable).toBe(true);
  });

  it('hands a very long run on in parts', () => {
    const { log, take } = sinkWorld();
    take(...Array.from({ length: 9_000 }, (_, seq) => kernelLine(seq)));
    expect(log.appended.length).toBeGreaterThan(2);
    for (const { lines } of log.appended) expect(lines.length).toBeLessThanOrEqual(4_096);
    expect(log.seqs).toEqual(Array.from({ length: 9_000 }, (_, seq) => seq));
  });

  it('takes datagrams of several lines, each for itself', () => {
    const { log, origin, sink } = sinkWorld();
    const text = [kernelLine(0), 'junk', ` ${kernelLine(1)}`, '{"talos-service":"apid"}', kernelLine(0)].join('\n');
    for (const end of ['', '\n']) {
      const result = sink.takeDatagram(origin, NO_TAGS, Buffer.from(text + end));
      expect(result.drops.get('not_json')).toBe(1);
    }
    expect(log.appended.map(({ source }) => source.stream)).toEqual(['kmsg', 'kmsg', 'log', 'log']);
    expect(log.lines.slice(0, 2)).toEqual([kernelLine(0), kernelLine(1)]);
  });

  it('takes datagrams with and without a line feed, and spread over lines', () => {
    const { log, origin, sink } = sinkWorld();
    for (const text of [kernelLine(0), `${kernelLine(1)}\n`, kernelLine(2).replaceAll(',"', ',\n"')]) {
      expect(sink.takeDatagram(origin, NO_TAGS, Buffer.from(text)).kmsg).toBe(1);
    }
    expect(log.lines).toEqual([0, 1, 2].map((seq) => kernelLine(seq)));
    expect(sink.takeDatagram(origin, NO_TAGS, Buffer.from('\n')).drops.get('not_json')).toBe(1);
    expect(sink.takeDatagram(origin, NO_TAGS, Buffer.alloc(0)).drops.get('not_json')).toBe(1);
  });
});
