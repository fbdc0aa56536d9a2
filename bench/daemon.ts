import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `BENCH_MAIN`: another build than that of this checkout. `BENCH_NODE_OPTIONS`: Node's in place of those of the product. */
const MAIN = process.env['BENCH_MAIN'] ?? fileURLToPath(new URL('../dist/daemon/main.js', import.meta.url));
const API_PORT = 8081;
/** Also on a host that is busy with other things. */
const START_MS = 120_000;

/** The address of a module of the daemon's, by its path in the build. */
export function moduleOfDaemon(path: string): string {
  return pathToFileURL(join(dirname(MAIN), '..', path)).href;
}

/** The real daemon, as built, over a state directory of its own. */
export class BenchDaemon {
  readonly directory = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'siderolinkd-bench-'));
  readonly api = `127.0.0.1:${API_PORT}`;
  /** The store's file. */
  readonly database = join(this.directory, 'state', 'siderolinkd.db');
  readonly #socket = join(this.directory, 'control.sock');
  #process: ChildProcess | undefined;

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error('the daemon does not run');
    return pid;
  }

  get log(): string {
    return readFileSync(join(this.directory, 'log'), 'utf8');
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.spawn(settings);
    await this.#until(
      'the daemon answers',
      START_MS,
      async () => (await this.control('GET', '/v1/status')) !== undefined,
    );
    const overlay = (await this.status()).overlay;
    const { status, stderr } = spawnSync('ip', ['-6', 'route', 'replace', 'local', overlay.prefix, 'dev', 'lo'], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
  }

  /** Starts the process and waits for nothing. */
  spawn(settings: Readonly<Record<string, string>> = {}): void {
    const log = openSync(join(this.directory, 'log'), 'a');
    const nodeOptions = (process.env['BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((option) => option !== '');
    const launcher = join(dirname(MAIN), 'siderolinkd.sh');
    const [file, ...before] =
      nodeOptions.length > 0 || !existsSync(launcher) ? [process.execPath, ...nodeOptions, MAIN] : [launcher];
    this.#process = spawn(file, [...before, 'run'], {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        SIDEROLINKD__STATE_DIR: join(this.directory, 'state'),
        SIDEROLINKD__CONTROL__SOCKET: this.#socket,
        // Simulated machines speak from local addresses: their packets arrive on lo.
        SIDEROLINKD__OVERLAY__FIREWALL: 'false',
        SIDEROLINKD__LOG__LEVEL: 'warn',
        // A machine's budget is accounted, and none is over it.
        SIDEROLINKD__SINKS__MACHINE_BYTES_PER_SECOND: '1GiB',
        ...settings,
      },
    });
    closeSync(log);
  }

  status(): Promise<{ overlay: { prefix: string; server: string }; records: { head: number } }> {
    return this.control('GET', '/v1/status');
  }

  async newToken(): Promise<string> {
    const { secret } = await this.control<{ secret: string }>('POST', '/v1/join-tokens', { name: 'bench' });
    return secret;
  }

  control<T>(method: string, path: string, body?: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = request(
        { socketPath: this.#socket, method, path, headers: { 'content-type': 'application/json' } },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(parts).toString();
            const ok = response.statusCode !== undefined && response.statusCode < 300;
            if (ok) resolve(JSON.parse(text) as T);
            else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
          });
        },
      );
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** A live `GET` over the control socket; the caller reads and ends it. */
  openStream(path: string, onData: (part: Buffer) => void): () => void {
    const call = request(
      { socketPath: this.#socket, path, headers: { accept: 'application/x-ndjson' } },
      (response) => {
        response.on('data', onData);
        response.on('error', () => {});
      },
    );
    call.on('error', () => {});
    call.end();
    return () => call.destroy();
  }

  /** Resolves when the newest committed record has at least this seq. */
  async committed(seq: number, timeoutMs: number): Promise<void> {
    await this.#until(`${seq} records committed`, timeoutMs, async () => (await this.status()).records.head >= seq);
  }

  /** The text of an answer of the metrics listener (`/metrics`, `/readyz`). @throws if it is not 200, or nobody listens */
  async http(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:9596${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text;
  }

  /** Ends the daemon and starts it again; gives the milliseconds from its start to its first answer. */
  async restart(settings: Readonly<Record<string, string>> = {}): Promise<number> {
    await this.end();
    const started = performance.now();
    await this.start(settings);
    return performance.now() - started;
  }

  /** As after a reboot of the host. The daemon must be stopped. */
  removeDevice(): void {
    spawnSync('ip', ['link', 'delete', 'siderolink']);
  }

  async stop(): Promise<void> {
    await this.end();
    this.removeDevice();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Ends the process; the device stays, as under systemd. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async #until(what: string, timeoutMs: number, done: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + timeoutMs;
    let last: unknown;
    while (performance.now() < end) {
      if (this.#process?.exitCode !== null) throw new Error(`the daemon ended: ${this.log}`);
      try {
        if (await done()) return;
      } catch (error) {
        last = error;
      }
      await sleep(10);
    }
    throw new Error(`not within ${timeoutMs} ms: ${what}; its log: ${this.log}`, { cause: last });
  }
}
