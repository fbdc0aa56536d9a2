import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEVELS, NO_TAGS } from '../../src/domain/record.ts';
import { Redactor } from '../../src/domain/redact.ts';
import { BootTable } from '../../src/fleet/boots.ts';
import { KmsgServer } from '../../src/sinks/kmsg-server.ts';
import { LineSink, lineOrigin } from '../../src/sinks/line-sink.ts';
import { FakeLog, kernelLine, ManualClock, newKey, startBoot, world } from './fakes.ts';

const CANARY = 'cAnArY-1.s3cret_x';

/** As Talos, the kernel and their users write secrets. */
const secret = fc.constantFrom(
  `https://192.0.2.1:8081/?grpc_tunnel=true&jointoken=${CANARY}&x=y`,
  `grpc://h:8081?jointoken=${CANARY}`,
  `ro talos.config.early=${CANARY}== console=ttyS0`,
  `talos.config.inline=${CANARY}`,
  `talos.config.oauth.client_secret=${CANARY} quiet`,
  JSON.stringify({ jointoken: CANARY, x: 1 }),
);

const goEscapes = (text: string) =>
  text.replace(/[<>&]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
/** What a text goes through before it is a log message. */
const wrapping = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => `level=info url="${text}" x=1`,
  encodeURIComponent,
  (text) => JSON.stringify(text),
  (text) => goEscapes(JSON.stringify({ url: text })),
);

/** A JSON string with some of its characters escaped that need not be, in either case. */
const escaping = fc.array(fc.constantFrom('as is', 'lower', 'upper'), { minLength: 1, maxLength: 7 });
function literal(text: string, how: readonly string[]): string {
  let literal = '';
  for (let i = 0; i < text.length; i += 1) {
    const mode = how[i % how.length];
    const hex = text.charCodeAt(i).toString(16).padStart(4, '0');
    literal +=
      mode === 'as is' ? JSON.stringify(text[i]).slice(1, -1) : `\\u${mode === 'upper' ? hex.toUpperCase() : hex}`;
  }
  return `"${literal}"`;
}

const around = fc.constantFrom('', 'é ', '\u{1f600} ', '\ud83d', '\n\tx ', '\\', '\u2028');
const said = fc
  .tuple(around, secret, fc.array(wrapping, { maxLength: 2 }), around)
  .map(
    ([before, text, wrappings, after]) => `${before}${wrappings.reduce((inner, wrap) => wrap(inner), text)} ${after}`,
  );

/** A line with the text somewhere in it. */
const place = fc.constantFrom<(text: string, seq: number) => string>(
  (text, seq) => kernelLine(seq).replace(/"msg":"[^"]*"/, () => `"msg":${text}`),
  (text, seq) => ` ${kernelLine(seq).replace(/"msg":"[^"]*"/, () => `"msg":${text}`)}`,
  (text) => `{"msg":"x","talos-service":"apid","talos-level":"info","tag":${text}}`,
  (text) => `{"msg":"x","talos-service":${text}}`,
  (text) => `{"msg":"x","talos-service":"kubelet","talos-level":${text}}`,
  (text, seq) => `{"seq":${seq},"clock":1,"nested":{"list":[1,[${text}],{"deep":${text}}]}}`,
  (text, seq) => `{"seq":${seq},"clock":1,${text}:"value"}`,
  (text) => `{"talos-service":"x","owner":${text},"sent":{"namespace":${text}}}`,
);

it('no secret is stored, however it is written and wherever it stands', () => {
  fc.assert(
    fc.property(said, escaping, place, (text, how, at) => {
      const log = new FakeLog();
      const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
      const origin = lineOrigin(boots.begin(1, newKey()).boot);
      const sink = new LineSink({ maxLineBytes: 65_536 }, { log, redactor: new Redactor() });
      const line = at(literal(text, how), 1);
      const { drops } = sink.take(origin, NO_TAGS, Buffer.from(`${kernelLine(0)}\n${line}\n${kernelLine(2)}\n`));
      expect([...drops]).toEqual([]);
      expect(log.lines).toHaveLength(3);
      const everything = JSON.stringify(log.appended);
      expect(everything).not.toContain(CANARY);
      expect(log.lines.map((stored) => JSON.stringify(JSON.parse(stored))).join()).not.toContain(CANARY);
      // What has none of it stays on the fast path, as it came.
      expect(log.lines[0]).toBe(kernelLine(0));
      expect(log.lines[2]).toBe(kernelLine(2));
    }),
    { numRuns: 2_000 },
  );
});

it('a line with the virtual address of a tunnel leaves the fast path, also where no token is beside it', () => {
  const log = new FakeLog();
  const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
  const origin = lineOrigin(boots.begin(1, newKey()).boot);
  const sink = new LineSink({ maxLineBytes: 65_536 }, { log, redactor: new Redactor() });
  const msg = (address: string) => `updating tunnel relay {"new_node_address": "${address}"}`;
  const others = ['[fdae:41e4:649b:9303::1]:8081', 'udevd[1]: 50888'].map((text, index) =>
    kernelLine(index, { msg: msg(text) }),
  );
  const line = kernelLine(2, { msg: msg('[fdae:41e4:649b:9304:1:2:3:4]:50888') });
  sink.take(origin, NO_TAGS, Buffer.from(`${[...others, line].join('\n')}\n`));
  expect(log.lines).toEqual([...others, kernelLine(2, { msg: msg('[redacted]') })]);
});

it('a block without the names of secrets is handed on as it came', () => {
  const log = new FakeLog();
  const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
  const origin = lineOrigin(boots.begin(1, newKey()).boot);
  const sink = new LineSink({ maxLineBytes: 65_536 }, { log, redactor: new Redactor() });
  const lines = LEVELS.map((level, seq) => kernelLine(seq, { level, msg: 'join token, talos config, =&?%3D\\' }));
  sink.take(origin, NO_TAGS, Buffer.from(`${lines.join('\n')}\n`));
  expect(log.appended).toHaveLength(1);
  expect(log.lines).toEqual(lines);
});

it('a secret that is cut by segments, oversized or sent as a datagram is not stored either, and not logged', async () => {
  const w = world();
  w.machines.add(1, '127.0.0.5');
  startBoot(w.boots, 1);
  const server = new KmsgServer({ host: '127.0.0.1', port: 0, maxLineBytes: 1_000 }, w);
  const { port } = await server.start();
  const line = (seq: number, msg: string) => `${kernelLine(seq, { msg })}\n`;
  const text = Buffer.from(
    line(0, `a grpc://h?jointoken=${CANARY}&b`) + line(1, `${'x'.repeat(1_000)} jointoken=${CANARY}`) + line(2, 'y'),
  );
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.5', noDelay: true }).resume();
  await once(socket, 'connect');
  for (const byte of text) {
    socket.write(Buffer.of(byte));
    if (byte % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  socket.end(`{"msg":"jointoken=${CANARY}`);
  await once(socket, 'close');
  const datagrams = createSocket('udp4');
  await new Promise<void>((resolve) => datagrams.bind(0, '127.0.0.5', resolve));
  datagrams.send(kernelLine(3, { msg: `talos.config.inline=${CANARY}` }), port, '127.0.0.1');
  await w.log.until(() => w.log.seqs.includes(3));
  datagrams.close();
  await server.stop(1_000);
  expect(w.log.seqs).toEqual([0, 2, 3]);
  expect(JSON.stringify([w.log.appended, w.logged])).not.toContain(CANARY);
});
