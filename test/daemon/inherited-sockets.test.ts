import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url));
const MODULE = fileURLToPath(new URL('../../src/daemon/inherited-sockets.ts', import.meta.url));

let cleanup: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanup.reverse()) undo();
  cleanup = [];
});

async function listening() {
  const server = createServer();
  cleanup.push(() => server.close());
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  return { fd: fdOf(server), port: (server.address() as AddressInfo).port };
}

/** Node has no other word for it. */
function fdOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

/** Runs Node with these sockets, as a service manager does: the shell gives its process id to what replaces it. */
async function runWith(fds: readonly number[], names: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn('sh', ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env: { ...process.env, LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names, ...env },
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('no pipes');
  const [said, complained, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')]);
  return { said, complained, code: code as number | null };
}

/** A process that takes its sockets over and tells what it got, what it warned of and what is left in its environment. */
const TAKER = `
  import { fstatSync } from 'node:fs';
  const [module, port] = process.argv.slice(1);
  const { takeInheritedSockets } = await import(module);
  const warned = [];
  const logger = { info() {}, warn: ({ name }) => warned.push(name) };
  const wanted = [
    { name: 'api', setting: 'api.listen', protocol: 'tcp', address: { host: '127.0.0.1', port: Number(port) } },
  ];
  const deps = { env: process.env, pid: process.pid, logger };
  const fds = [...takeInheritedSockets(wanted, deps)];
  const open = [3, 4].filter((fd) => { try { return fstatSync(fd).isSocket(); } catch { return false; } });
  const left = Object.keys(process.env).filter((name) => name.startsWith('LISTEN_'));
  const again = [...takeInheritedSockets(wanted, deps)];
  console.log(JSON.stringify({ fds, warned, open, left, again }));
`;

describe('takeInheritedSockets', () => {
  it('takes what it has a use for, closes the rest, and leaves no trace for children', async () => {
    const [api, other] = [await listening(), await listening()];
    const { said, complained } = await runWith([api.fd, other.fd], 'api:http', [
      ...['--input-type=module', '-e', TAKER, MODULE, String(api.port)],
    ]);
    expect(complained).toBe('');
    expect(JSON.parse(said)).toEqual({ fds: [['api', 3]], warned: ['http'], open: [3], left: [], again: [] });
  });
});

describe('the daemon', () => {
  it('refuses to start on sockets that are not those of its configuration, and says what to do', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'siderolinkd-sockets-'));
    cleanup.push(() => rmSync(directory, { recursive: true }));
    const { fd, port } = await listening();
    const { complained, code } = await runWith([fd], 'api', [MAIN, 'run'], {
      SIDEROLINKD__STATE_DIR: join(directory, 'state'),
      SIDEROLINKD__CONTROL__SOCKET: join(directory, 'control.sock'),
      SIDEROLINKD__API__LISTEN: `127.0.0.1:${port === 8081 ? 8082 : 8081}`,
    });
    expect(code).toBe(78);
    expect(complained).toContain(`and this is tcp 127.0.0.1:${port}`);
    expect(complained).toContain('siderolinkd init');
  });
});
