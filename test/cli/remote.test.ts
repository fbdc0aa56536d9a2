import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseControlTokens } from '../../src/domain/control-token.ts';
import { startTcp, type TcpHarness } from '../control/tcp-harness.ts';
import { ctl, start } from './harness.ts';

let tcp: TcpHarness;
let machine: Server;
let directory: string;
let files: { readonly operator: string; readonly reader: string; readonly ca: string };
beforeAll(async () => {
  machine = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => {}).pipe(socket));
  await once(machine.listen(0, '127.0.0.1'), 'listening');
  const { port } = machine.address() as AddressInfo;
  tcp = await startTcp({}, { dial: () => connect({ host: '127.0.0.1', port, allowHalfOpen: true }) });
  tcp.control.machines.add({ id: 1, hostname: 'cp-1' }, { id: 2, hostname: 'off', link: 'never' });
  directory = await mkdtemp(join(tmpdir(), 'siderolink-cli-remote-'));
  files = { operator: join(directory, 'operator'), reader: join(directory, 'reader'), ca: join(directory, 'ca.pem') };
  await writeFile(files.operator, `${tcp.tokens.operator}\n`);
  await writeFile(files.reader, tcp.tokens.reader);
  await writeFile(files.ca, tcp.ca ?? '');
});
afterAll(async () => {
  await tcp[Symbol.asyncDispose]();
  machine.close();
  await rm(directory, { recursive: true });
});

/** Options that lead to the daemon over TCP. */
const over = (token = files.operator) => ['--url', tcp.url, '--token-file', token, '--ca-file', files.ca];

describe('the control API over TCP', () => {
  it('is called with --url, a token and a CA', async () => {
    const { code, out, err } = await ctl('/nonexistent', 'machine', 'list', '-o', 'json', ...over());
    expect([code, err]).toEqual([0, '']);
    expect(out.trim().split('\n')).toHaveLength(2);
  });

  it.each([
    ['another CA', () => ['--url', tcp.url, '--token-file', files.operator], 69, /--ca-file/],
    ['no token', () => ['--url', tcp.url], 2, /--url needs --token-file/],
    ['a token file that is not there', () => over('/nonexistent'), 2, /cannot read --token-file/],
    ['a file with no token', () => over(files.ca), 2, /holds no single control token/],
    [
      'plain HTTP to another host',
      () => ['--url', 'http://192.0.2.1:1', '--token-file', files.operator],
      2,
      /in the clear/,
    ],
    ['two daemons', () => [...over(), '--socket', '/x'], 2, /--socket and --url/],
    ['a token for the socket', () => ['--token-file', files.operator], 2, /--join-token-file/],
    ['nobody there', () => ['--url', 'https://127.0.0.1:1', '--token-file', files.operator], 69, /no answer from/],
  ])('%s: says what is wrong', async (_, options, code, words) => {
    const result = await ctl(tcp.control.socket, 'status', ...options());
    expect(result.err).toMatch(words);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).not.toContain(tcp.tokens.operator);
  });

  it('refuses what the role may not', async () => {
    const { code, err } = await ctl('', 'token', 'create', ...over(files.reader));
    expect([code, err]).toEqual([77, expect.stringContaining('needs the role admin; the-reader is reader')]);
  });
});

describe('connect', () => {
  it('listens on a port that leads to the machine until Ctrl-C', async () => {
    const run = start('', 'connect', 'cp-1', ...over());
    await run.untilErr('until Ctrl-C');
    const [address = ''] = run.sofar().out.split('\n');
    expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(run.sofar().err).toContain(`talosctl --insecure -n ${address} `);
    const port = Number(address.split(':')[1]);
    const answers = await Promise.all(['one', 'two'].map((text) => exchange(port, text)));
    expect(answers).toEqual(['one', 'two']);
    const open = connect(port, '127.0.0.1').on('error', () => {});
    await once(open, 'connect');
    run.child.kill('SIGINT');
    const { code } = await run.done;
    expect(code).toBe(130);
    open.destroy();
  });

  it('tells programs where in JSON, and listens where it is told', async () => {
    const run = start(tcp.control.socket, 'connect', 'cp-1', '--listen', '[::1]:0', '-o', 'json');
    await run.untilOut('\n');
    const { address, port } = JSON.parse(run.sofar().out);
    expect([address, port]).toEqual([expect.stringMatching(/^\[::1\]:\d+$/), 50_000]);
    run.child.kill('SIGTERM');
    expect((await run.done).code).toBe(143);
  });

  it.each([
    ['off', [], 5, /has no link yet/],
    ['nobody', [], 4, /no machine is "nobody"/],
    ['cp-1', ['--port', '22'], 2, /query\.port/],
    ['cp-1', ['--listen', 'x'], 2, /neither a port nor host:port/],
    ['cp-1', ['--listen', '192.0.2.1:1'], 69, /cannot listen on 192\.0\.2\.1:1/],
  ])('%s %j says at once that it cannot', async (name, options, code, words) => {
    const result = await ctl('', 'connect', name, ...options, ...over());
    expect(result.err).toMatch(words);
    expect([result.code, result.out]).toEqual([code, '']);
  });

  it('needs an operator', async () => {
    const { code, err } = await ctl('', 'connect', 'cp-1', ...over(files.reader));
    expect([code, err]).toEqual([77, expect.stringContaining('needs the role operator')]);
  });
});

describe('control-token create', () => {
  it('prints the token for a script and its line for the file, without a daemon', async () => {
    const { code, out, err } = await ctl('/nonexistent', 'control-token', 'create', '--role', 'operator', 'ci');
    expect(code).toBe(0);
    expect(out).toMatch(/^slc_[A-Za-z0-9_-]{43}\n$/);
    const line = err.split('\n').find((each) => each.startsWith('operator ')) ?? '';
    expect(parseControlTokens(line)).toMatchObject([{ role: 'operator', name: 'ci' }]);
    expect(err).not.toContain(out.trim());
  });

  it('makes a token that is let in once its line is in the file', async () => {
    await using other = await startTcp();
    const { out } = await ctl('', 'control-token', 'create', '--role', 'reader', 'new', '-o', 'json');
    const { token, line } = JSON.parse(out);
    const status = async () =>
      (await other.ask('GET', '/v1/status', { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await status()).toBe(401);
    await writeFile(other.tokensFile, `${line}\n`);
    await expect.poll(status).toBe(200);
  });

  it.each([
    [['--role', 'root', 'ci'], /reader, operator, admin/],
    [['ci'], /--role/],
    [['--role', 'reader', 'a b'], /cannot be a token's name/],
  ])('%j is wrong', async (args, words) => {
    const { code, out, err } = await ctl('', 'control-token', 'create', ...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(words);
  });
});

async function exchange(port: number, text: string): Promise<string> {
  const socket: Socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.end(text);
  let answer = '';
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk;
  return answer;
}
