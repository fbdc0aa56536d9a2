import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlServerDeps, ControlServerOptions } from '../../src/control/server.ts';
import { controlTokenDigest, controlTokenLine, newControlToken, type Role } from '../../src/domain/control-token.ts';
import { CertificateHolder } from '../../src/lib/certificate.ts';
import { selfSigned } from '../../src/simulate/certificate.ts';
import { type Answer, type Harness, startControl } from './harness.ts';

export const ROLE_NAMES = ['reader', 'operator', 'admin'] as const;

/** A certificate for `names`, signed by itself, that holds today. */
export function certificateFor(...names: string[]) {
  return selfSigned({ commonName: names[0] ?? 'control', subjects: names, now: Date.now() });
}

export function tokenLine(token: string, role: Role, name: string): string {
  return `${controlTokenLine({ role, name, hash: controlTokenDigest(token).toString('hex') })}\n`;
}

export interface TcpHarness extends AsyncDisposable {
  readonly control: Harness;
  /** `https://127.0.0.1:port`, or http without TLS. */
  readonly url: string;
  readonly port: number;
  readonly tokensFile: string;
  readonly tokens: Readonly<Record<Role, string>>;
  readonly certificate: CertificateHolder | undefined;
  readonly ca: string | undefined;
  /** As `call` of the harness, on TCP; without a role no token is sent. */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  open(path: string, options?: AskOptions): Promise<IncomingMessage>;
}

export interface AskOptions {
  /** Of `open`; GET if not said. */
  readonly method?: string;
  readonly role?: Role;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly agent?: RequestOptions['agent'];
}

export interface TcpOptions extends Omit<ControlServerOptions, 'socket' | 'tcp'> {
  readonly tls?: boolean;
  readonly hosts?: readonly string[];
  readonly listen?: string;
  /** 0, any free one, if not said. */
  readonly port?: number;
}

/** A control server with a token of each role, on a free port of loopback. */
export async function startTcp(options: TcpOptions = {}, extra: Partial<ControlServerDeps> = {}): Promise<TcpHarness> {
  const { tls = true, hosts = [], listen = '127.0.0.1', port: wanted = 0, ...rest } = options;
  const directory = await mkdtemp(join(tmpdir(), 'siderolink-tcp-'));
  const tokensFile = join(directory, 'tokens');
  const tokens = { reader: newControlToken(), operator: newControlToken(), admin: newControlToken() };
  const lines = ROLE_NAMES.map((role) => tokenLine(tokens[role], role, `the-${role}`));
  await writeFile(tokensFile, `# of a test\n\n${lines.join('')}`, { mode: 0o600 });
  const pair = tls ? certificateFor('control.test', '127.0.0.1') : undefined;
  const certificate = pair && new CertificateHolder(pair);
  const tcp = { listen: { host: listen, port: wanted }, hosts, tokens: { path: tokensFile, pollMs: 20 } };
  const control = await startControl({ ...rest, tcp }, undefined, { certificate, ...extra });
  const address = await control.server.listen().catch(async (error: unknown) => {
    await control[Symbol.asyncDispose]();
    throw error;
  });
  const port = address?.port ?? 0;
  const send = (method: string, path: string, ask: AskOptions = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const body = ask.body === undefined ? undefined : JSON.stringify(ask.body);
      const headers = {
        ...(ask.role !== undefined && { authorization: `Bearer ${tokens[ask.role]}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...ask.headers,
      };
      const common = { host: '127.0.0.1', port, method, path, headers, agent: ask.agent ?? false };
      const made =
        pair === undefined
          ? httpRequest(common, resolve)
          : httpsRequest({ ...common, ca: pair.cert, servername: 'control.test' }, resolve);
      made.on('error', reject);
      made.end(body);
    });
  return {
    control,
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    tokensFile,
    tokens,
    certificate,
    ca: pair?.cert,
    ask: async (method, path, ask) => {
      const response = await send(method, path, ask);
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      const isJson = /json/.test(response.headers['content-type'] ?? '');
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? JSON.parse(text) : undefined,
      };
    },
    open: (path, ask) => send(ask?.method ?? 'GET', path, ask),
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
