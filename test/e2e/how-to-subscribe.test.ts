import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newControlToken } from '../../src/domain/control-token.ts';
import { ctl } from '../cli/harness.ts';
import { certificateFor, tokenLine } from '../control/tcp-harness.ts';
import { startNatsServer } from '../helpers/nats-server.ts';
import { Gateway } from './gateway.ts';
import type { Guest } from './guest.ts';
import { running, uuid } from './how-to-machines.ts';
import { HowToPage } from './how-to-page.ts';
import { Program, writePrograms } from './how-to-programs.ts';

// docs/how-to/subscribe.md: its commands are typed, and its programs run, as they are written there.

const PAGE = 'subscribe.md';
const FILTERS = ['siderolink.acme.>', 'siderolink._._.gap.*'];

const gateway = new Gateway();
const home = join(gateway.directory, 'home');
const at = (name: string) => join(home, name);
let guest: Guest;

beforeAll(async () => {
  await gateway.create();
  await gateway.start();
  guest = await running(gateway, { uuid: uuid(1), hostname: 'cp-1' });
}, 60_000);
afterAll(() => gateway.dispose());

/** What the consumer has, in order. */
function kept(file: string): readonly string[] {
  if (!existsSync(at(file))) return [];
  const db = new Database(at(file), { readonly: true });
  try {
    return db.prepare('SELECT json FROM records ORDER BY seq').pluck().all() as string[];
  } finally {
    db.close();
  }
}

/** The same of the file that curl writes; its positions are no records. */
function written(file: string): readonly string[] {
  if (!existsSync(at(file))) return [];
  const lines = readFileSync(at(file), 'utf8').split('\n').slice(0, -1);
  return lines.filter((line) => !line.startsWith('{"position"'));
}

/** What the daemon has, in order. */
async function stored(filter: readonly string[]): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { json } of gateway.client.allRecords({ filter })) all.push(json);
  return all;
}

/** That the first of ours are theirs; ours may have more, which came later. */
function expectSame(ours: readonly string[], theirs: readonly string[]): void {
  const at = theirs.findIndex((json, index) => json !== ours[index]);
  // A thousand lines say less than the first that differs.
  expect({ at, ours: ours[at], theirs: theirs[at] }).toEqual({ at: -1, ours: undefined, theirs: undefined });
}

it('the built-in stream: consumers that are killed, and a daemon that is, lose and repeat nothing', async () => {
  const page = new HowToPage(gateway, PAGE);
  await page.section('Look at it');
  page.finish();

  expect(writePrograms(PAGE, home)).toEqual(['follow.sh', 'follow.ts', 'consume.ts']);
  const { namespace } = gateway;
  const files = { tokens: at('tokens'), token: at('reader.token'), cert: at('ca.pem'), key: at('key.pem') };
  const token = newControlToken();
  const pair = certificateFor('127.0.0.1');
  writeFileSync(files.tokens, tokenLine(token, 'reader', 'subscriber'), { mode: 0o600 });
  writeFileSync(files.token, `${token}\n`, { mode: 0o600 });
  writeFileSync(files.cert, pair.cert);
  writeFileSync(files.key, pair.key, { mode: 0o600 });

  const local = { SIDEROLINK_SOCKET: join(gateway.directory, 'control.sock') };
  const remote = {
    SIDEROLINK_URL: 'https://127.0.0.1:8443',
    SIDEROLINK_TOKEN_FILE: files.token,
    NODE_EXTRA_CA_CERTS: files.cert,
  };
  const node = (database: string) => [process.execPath, 'follow.ts', database, ...FILTERS] as [string, ...string[]];
  const curl = ['sh', 'follow.sh', 'lines', 'siderolink.acme.>'] as [string, ...string[]];
  const programs = [
    new Program({ command: curl, namespace, cwd: home, env: local }),
    new Program({ command: node('local.db'), namespace, cwd: home, env: local }),
    // Its listener comes with the daemon's next start.
    new Program({ command: node('remote.db'), namespace, cwd: home, env: remote }),
  ].map((program) => program.start());
  const [sh, onSocket, overTcp] = programs as [Program, Program, Program];

  await gateway.client.claimMachine(guest.uuid, { owner: 'acme' });
  let words = 0;
  const talk = async () => {
    await Promise.all(Array.from({ length: 40 }, () => guest.machine.log(`word ${words++}`)));
    await gateway.client.patchMachine(guest.uuid, { labels: { set: { words: String(words) } } });
  };
  const beyond = (count: number, has: () => number) => gateway.until(`more than ${count} came`, () => has() > count);

  for (let round = 0; round < 3; round += 1) {
    const before = [written('lines').length, kept('local.db').length] as const;
    await talk();
    // As soon as one record has come, wherever in the rest of them it then is.
    await Promise.all([
      beyond(before[0], () => written('lines').length).then(() => sh.restart()),
      beyond(before[1], () => kept('local.db').length).then(() => onSocket.restart()),
    ]);
    await talk();
  }
  expect(await gateway.end('SIGKILL')).toBeNull();
  await gateway.start({
    'control.listen': '127.0.0.1:8443',
    'control.tls.cert_file': files.cert,
    'control.tls.key_file': files.key,
    'control.tokens_file': files.tokens,
  });
  await talk();
  await beyond(0, () => kept('remote.db').length);
  await overTcp.restart();
  await talk();

  // Lines that never come, between two that do.
  const hole = Array.from({ length: 2 }, (_, index) => kernelLine(1_000_000 + index * 10)).join('');
  await guest.inside(process.execPath, '-e', SEND, (await gateway.client.status()).overlay.server, hole);
  const gap =
    /gap: siderolink\.acme\.71233efd-\S+\.gap\.kmsg, boot 1: .*"from":1000001,"to":1000009,"count":9,"reason":"missing"/;
  await gateway.until('the hole is told', () => gap.test(onSocket.said) && gap.test(overTcp.said));

  const theirs = await stored(FILTERS);
  await gateway.until('all have all', () => {
    return [written('lines'), kept('local.db'), kept('remote.db')].every(({ length }) => length >= theirs.length);
  });
  for (const ours of [written('lines'), kept('local.db'), kept('remote.db')]) expectSame(ours, theirs);
  expect(theirs.length).toBeGreaterThan(words / 2);

  // Who asks for what he may not is told so, and does not ask again.
  writeFileSync(files.token, newControlToken());
  await overTcp.restart();
  await gateway.until('it gives up', () => overTcp.exitCode !== null);
  expect(overTcp.said).toMatch(/Refused.*401 unauthenticated/);
  await Promise.all([sh.kill(), onSocket.kill()]);
}, 120_000);

interface Consumed {
  readonly id: string;
  readonly seq: number;
  readonly subject: string;
  readonly received_at: string;
  readonly boot: number;
  readonly body: string;
}

/** In the order in which they were stored. */
function consumed(): readonly Consumed[] {
  if (!existsSync(at('consumed.db'))) return [];
  const db = new Database(at('consumed.db'), { readonly: true });
  try {
    return db.prepare('SELECT * FROM records ORDER BY rowid').all() as Consumed[];
  } finally {
    db.close();
  }
}

function envelopeOf({ seq, subject, received_at, boot, body }: Consumed): string {
  return `{"seq":${seq},"subject":"${subject}","received_at":"${received_at}","boot":${boot},"body":${body}}`;
}

it('JetStream: a consumer that is killed, and so are broker and daemon, loses and repeats nothing', async () => {
  const { namespace, client } = gateway;
  const nats = await startNatsServer({ prefix: namespace.prefix });
  try {
    const settings = { 'publish.nats.servers': JSON.stringify([nats.url]) };
    await gateway.end('SIGTERM');
    await gateway.start(settings);
    // What `npm install` would bring.
    symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), at('node_modules'));
    const command = [process.execPath, 'consume.ts', 'consumed.db', 'test', 'siderolink.acme.>'] as const;
    const consumer = new Program({ command: [...command], namespace, cwd: home, env: { NATS_URL: nats.url } }).start();
    const other = await running(gateway, { uuid: uuid(2), hostname: 'cp-2' });
    await client.claimMachine(other.uuid, { owner: 'acme' });
    let words = 0;
    const talk = async () => {
      const lines = Array.from({ length: 30 }, () =>
        [guest, other].map(({ machine }) => machine.log(`say ${words++}`)),
      );
      await Promise.all(lines.flat());
    };
    const beyond = (count: number) => gateway.until(`more than ${count} came`, () => consumed().length > count);

    await beyond(0);
    await consumer.kill();
    await talk();
    consumer.start();
    await beyond(consumed().length);
    await nats.kill();
    await talk();
    await nats.start();
    await talk();
    expect(await gateway.end('SIGKILL')).toBeNull();
    await gateway.start(settings);
    await talk();

    const last = [words - 1, words - 2].map((word) => `"msg":"say ${word}\\n"`);
    let theirs: readonly string[] = [];
    await gateway.until('what both said last is stored', async () => {
      theirs = await stored(['siderolink.acme.>']);
      return last.every((text) => theirs.some((json) => json.includes(text)));
    });
    const wanted = theirs.map((json) => (JSON.parse(json) as { seq: number }).seq);
    // Not by their number: what came meanwhile, of another machine, may be there sooner.
    await gateway.until('it has all', () => {
      const has = new Set(consumed().map(({ seq }) => seq));
      return wanted.every((seq) => has.has(seq));
    });
    const through = wanted.at(-1) ?? 0;
    const ours = consumed().filter(({ seq }) => seq <= through);
    const { installation } = await client.status();
    expect(ours.filter(({ id, seq }) => id !== `${installation}:${seq}`)).toEqual([]);
    expectSame(ours.toSorted((a, b) => a.seq - b.seq).map(envelopeOf), theirs);
    for (const { uuid } of [guest, other]) {
      const seqs = ours.filter(({ subject }) => subject.includes(uuid)).map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(seqs.length).toBeGreaterThan(30);
    }
    expect(consumer.said).toMatch(/gap: siderolink\.acme\.71233efd-\S+, boot 1: .*"from":1000001,"to":1000009/);

    // What comes once more has the ids that it had. Machines go on saying things, so it is told where to end.
    const range = ['republish', 'siderolink.acme.>', '--before', String(through + 1)];
    const { code, out } = await ctl(join(gateway.directory, 'control.sock'), ...range);
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(new RegExp(`^${theirs.length} records republished, through seq ${through}`)),
    });
    await consumer.restart();
    const had = consumed().length;
    await talk();
    await beyond(had + 50);
    expect(new Set(consumed().map(({ seq }) => seq)).size).toBe(consumed().length);
    await consumer.kill();
  } finally {
    await nats.dispose();
  }
}, 120_000);

/** Sends a text to the kernel log sink, from where it runs. */
const SEND = `
  const socket = require('node:net').connect(4001, process.argv[1]);
  socket.end(process.argv[2]).once('close', () => process.exit()).resume();
`;

function kernelLine(seq: number): string {
  const line = {
    clock: 1_000_000_000 + seq,
    facility: 'kern',
    msg: `line ${seq}\n`,
    priority: 'info',
    seq,
    'talos-level': 'info',
    'talos-time': '2026-01-02T03:04:05Z',
  };
  return `${JSON.stringify(line)}\n`;
}

it('a place that retention has passed: what is gone is told, once, and nothing else changes', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'siderolinkd-follow-'));
  const kmsg = (seq: number) => `{"seq":${seq},"subject":"siderolink.acme.x.kmsg.info","boot":1,"body":{}}`;
  const gap = (seq: number, series: string) => {
    const body = `{"from":${seq + 1},"to":${seq + 4},"reason":"retention","series":"${series}"}`;
    return `{"seq":${seq},"subject":"siderolink._._.gap.retention","boot":0,"body":${body}}`;
  };
  // What a daemon sends, as it would be hard to have it forget at the right moment. It hangs up in the middle of a line.
  const lives = [
    [kmsg(1), kmsg(2), kmsg(3).slice(0, 20)],
    [gap(2, 'logs'), gap(2, 'others'), kmsg(7), '{"position":9}', ''],
    [gap(2, 'logs'), gap(2, 'others'), kmsg(7), kmsg(10), ''],
  ];
  const places: unknown[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const server = createServer(({ url, headers }, response) => {
    if (url === '/v1/status') return void response.end('{"installation":"0a1b2c3d.2"}');
    const lines = lives[places.push(headers['last-event-id']) - 1];
    if (lines === undefined) return resolve();
    response.write(lines.join('\n'), () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  writePrograms(PAGE, cwd);
  const env = { ...process.env, SIDEROLINK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const child = spawn(process.execPath, ['follow.ts', 'x.db', 'siderolink.acme.>'], { cwd, env, stdio: 'pipe' });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    await done;
    expect(places).toEqual(['0', '2', '9', '10']);
    const db = new Database(join(cwd, 'x.db'), { readonly: true });
    const rows = db.prepare('SELECT installation, json FROM records ORDER BY seq, gap').raw().all();
    db.close();
    const wanted = [kmsg(1), kmsg(2), gap(2, 'logs'), gap(2, 'others'), kmsg(7), kmsg(10)];
    expect(rows).toEqual(wanted.map((json) => ['0a1b2c3d', json]));
    expect(said.match(/^gap: .*$/gm)).toHaveLength(2);
  } finally {
    child.kill();
    server.close();
    rmSync(cwd, { recursive: true });
  }
}, 30_000);
