/**
 * Debian's nats-server with JetStream, for tests: real, on loopback, on a port and with files of its own.
 *
 *     const server = await startNatsServer();                    // no authentication
 *     const server = await startNatsServer({ auth: { user: 'a', password: 'b' }, maxPayload: 4096 });
 *     const nc = await connect({ servers: server.url });
 *     await server.kill();                                       // SIGKILL, as a crash
 *     await server.start();                                      // again, same port and directory
 *     server.pause(); server.resume();                           // SIGSTOP, SIGCONT
 *     await server.restart({ auth: { token: 't' } });            // with other options
 *     await server.reload({ auth: { token: 't' } });             // the same without an end of its connections
 *     await server.dispose();                                    // in afterEach: process and directory are gone
 *     const cluster = await startNatsCluster(3);                 // an array of servers that know each other
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Who may connect. */
export type NatsAuth =
  | { readonly user: string; readonly password: string; readonly permissions?: object }
  | { readonly token: string }
  /** The public key, `U…`. */
  | { readonly nkey: string }
  /** Trusted operator and its accounts, as JWTs (`test/helpers/nats-jwt.ts` makes them). */
  | {
      readonly operator: string;
      readonly accounts: Readonly<Record<string, string>>;
      readonly systemAccount: string;
    };

export interface NatsServerOptions {
  readonly auth?: NatsAuth;
  /** PEM files. With `ca`, clients must show a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Longest payload in bytes; the server's default is 1 MiB. */
  readonly maxPayload?: number;
  /** Bytes that all streams together may take on disk. */
  readonly maxFileStore?: number;
  readonly jetStream?: boolean;
  /** Put before its command, to run it in a namespace. */
  readonly prefix?: readonly string[];
  /** Members of a cluster: name, port for the others, and the ports of all. */
  readonly cluster?: { readonly name: string; readonly port: number; readonly routes: readonly number[] };
}

const READY_MS = 60_000;
const KEPT_LOG = 64 * 1024;
const RELOADED = /Reloaded server configuration/g;

/** Starts a server and waits until it takes connections. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = new NatsServer(await freePort(), options);
  await server.start();
  return server;
}

/** Starts servers that are one cluster, and waits until JetStream has a leader. */
export async function startNatsCluster(size: number, options: NatsServerOptions = {}): Promise<readonly NatsServer[]> {
  const routes = await freePorts(size);
  const ports = await freePorts(size);
  const servers = ports.map((port, index) => {
    const cluster = { name: `n${index}`, port: routes[index] ?? 0, routes };
    return new NatsServer(port, { ...options, cluster });
  });
  await Promise.all(servers.map((server) => server.start()));
  await Promise.race(servers.map((server) => server.said(/JetStream cluster new metadata leader/)));
  return servers;
}

export class NatsServer {
  readonly port: number;
  /** `nats://127.0.0.1:PORT`, or `tls://…`. */
  readonly url: string;
  /** Its files: JetStream's among them. */
  readonly directory: string;
  #options: NatsServerOptions;
  #child: ChildProcess | undefined;
  #log = '';
  readonly #listeners = new Set<() => void>();
  readonly #killed = (): void => void this.#child?.kill('SIGKILL');

  constructor(port: number, options: NatsServerOptions) {
    this.port = port;
    this.#options = options;
    this.url = `${options.tls === undefined ? 'nats' : 'tls'}://127.0.0.1:${port}`;
    this.directory = mkdtempSync(join(tmpdir(), 'siderolinkd-nats-'));
    // A test run that ends in the middle leaves no server behind.
    process.on('exit', this.#killed);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The end of what it has logged since its last start. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process, again if it was killed, with the same port and files. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('nats-server runs already');
    const config = this.#configure();
    this.#log = '';
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    const [file = '', ...args] = [...(this.#options.prefix ?? []), 'nats-server', '-c', config];
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-KEPT_LOG);
      for (const listener of [...this.#listeners]) listener();
    });
    const gone = () => {
      if (this.#child === child) this.#child = undefined;
      for (const listener of [...this.#listeners]) listener();
    };
    child.once('error', (error) => {
      this.#log += `\n${error.message}`;
      gone();
    });
    child.once('exit', gone);
    await this.said(/Server is ready/);
  }

  /** Waits until its log since the last start has a match. @throws if it ends before */
  async said(pattern: RegExp): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (pattern.test(this.#log)) resolve();
      else if (this.#child === undefined) reject(new Error(`nats-server ended:\n${this.#log}`));
    };
    const late = setTimeout(() => reject(new Error(`nats-server never said ${pattern}:\n${this.#log}`)), READY_MS);
    this.#listeners.add(look);
    try {
      look();
      await promise;
    } finally {
      clearTimeout(late);
      this.#listeners.delete(look);
    }
  }

  /** Ends it as a crash does. What it acknowledged is in its files, unless the host crashes too. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Stops it and starts it with other options on the same port and files. */
  async restart(options: NatsServerOptions = this.#options): Promise<void> {
    await this.stop();
    this.#options = options;
    await this.start();
  }

  /** Has it read other options while it runs: connections that may stay do. */
  async reload(options: NatsServerOptions): Promise<void> {
    this.#options = options;
    this.#configure();
    const before = this.#log.match(RELOADED)?.length ?? 0;
    this.#child?.kill('SIGHUP');
    await this.said(new RegExp(`(?:${RELOADED.source}[^]*){${before + 1}}`));
  }

  /** It answers nothing until `resume`, and its connections stay. */
  pause(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    process.kill(pid, 'SIGSTOP');
    // The signal reaches its threads one by one, and those that are at work a little later.
    const tasks = `/proc/${pid}/task`;
    const isStill = (task: string) => / T /.test(readFileSync(`${tasks}/${task}/stat`, 'latin1'));
    while (!readdirSync(tasks).every(isStill));
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async dispose(): Promise<void> {
    await this.kill();
    process.off('exit', this.#killed);
    rmSync(this.directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    this.#child = undefined;
  }

  /** The path of its configuration, written anew. */
  #configure(): string {
    const path = join(this.directory, 'server.json');
    writeFileSync(path, JSON.stringify(this.#config(), undefined, 2));
    return path;
  }

  #config(): object {
    const { auth, tls, maxPayload, maxFileStore, jetStream = true, cluster } = this.#options;
    return {
      server_name: cluster?.name ?? `n${this.port}`,
      listen: `127.0.0.1:${this.port}`,
      logtime: false,
      ...(maxPayload !== undefined && { max_payload: maxPayload }),
      ...(jetStream && {
        jetstream: {
          store_dir: join(this.directory, 'jetstream'),
          ...(maxFileStore !== undefined && { max_file_store: maxFileStore }),
        },
      }),
      ...(auth !== undefined && authConfig(auth)),
      ...(tls !== undefined && {
        tls: { cert_file: tls.cert, key_file: tls.key, ...(tls.ca !== undefined && { ca_file: tls.ca, verify: true }) },
      }),
      ...(cluster !== undefined && {
        cluster: {
          name: 'siderolink-test',
          listen: `127.0.0.1:${cluster.port}`,
          routes: cluster.routes.filter((port) => port !== cluster.port).map((port) => `nats://127.0.0.1:${port}`),
        },
      }),
    };
  }
}

function authConfig(auth: NatsAuth): object {
  if ('token' in auth) return { authorization: { token: auth.token } };
  if ('nkey' in auth) return { authorization: { users: [{ nkey: auth.nkey }] } };
  if ('operator' in auth) {
    const { operator, accounts, systemAccount } = auth;
    return { operator, resolver: 'MEMORY', resolver_preload: accounts, system_account: systemAccount };
  }
  return { authorization: { users: [auth] } };
}

async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port ?? 0;
}

/** Ports that nobody has: all are held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const holders = await Promise.all(
    Array.from({ length: count }, async () => {
      const holder = createServer().listen(0, '127.0.0.1');
      await once(holder, 'listening');
      return holder;
    }),
  );
  return await Promise.all(
    holders.map(async (holder) => {
      const address = holder.address();
      holder.close();
      await once(holder, 'close');
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
