import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newControlToken } from '../../src/domain/control-token.ts';
import { certificateFor, tokenLine } from '../control/tcp-harness.ts';
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

it('the built-in stream: consumers that are killed, and a daemon that is, lose and repeat nothing', async () => {
  const page = new HowToPage(gateway, PAGE);
  await page.section('Look at it');
  page.finish();

  expect(writePrograms(PAGE, home)).toEqual(['follow.sh', 'follow.ts']);
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
  const gap = /gap: machine 71233efd-\S+, boot 1: .*"from":1000001,"to":1000009,"count":9,"reason":"missing"/;
  await gateway.until('the hole is told', () => gap.test(onSocket.said) && gap.test(overTcp.said));

  const theirs = await stored(FILTERS);
  await gateway.until('all have all', () => {
    return [written('lines'), kept('local.db'), kept('remote.db')].every(({ length }) => length >= theirs.length);
  });
  for (const ours of [written('lines'), kept('local.db'), kept('remote.db')]) expect(ours).toEqual(theirs);
  expect(theirs.length).toBeGreaterThan(words);

  // Who asks for what he may not is told so, and does not ask again.
  writeFileSync(files.token, newControlToken());
  await overTcp.restart();
  await gateway.until('it gives up', () => overTcp.exitCode !== null);
  expect(overTcp.said).toMatch(/Refused.*401 unauthenticated/);
  await Promise.all([sh.kill(), onSocket.kill()]);
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
