import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestAuthority } from '../lib/certificates.ts';
import type { Gateway } from './gateway.ts';
import { networkBlock } from './how-to-network.ts';

/** Where the page has the certificate's files. */
const TLS_DIRECTORY = '/etc/nginx/tls';
/** Settings that Debian's nginx.conf has outside of what the page adds. */
const MAIN = 'worker_processes 1;\nevents { worker_connections 1024; }\n';

export interface NginxOptions {
  /** Where it listens, in place of the page's 443. Default: that. */
  readonly port?: number;
  /** What becomes of the page's recipe before it is used. Default: nothing. */
  readonly alter?: (recipe: string) => string;
}

/** Debian's nginx on the host of a gateway, in front of the API. The package's own service has no part in it. */
export class Nginx {
  readonly port: number;
  /** The root that machines must trust. */
  readonly ca: string;
  readonly #gateway: Gateway;
  readonly #directory: string;
  readonly #file: string;
  #child: ChildProcess | undefined;

  constructor(gateway: Gateway, host: string, { port = 443, alter = (text) => text }: NginxOptions = {}) {
    this.port = port;
    this.#gateway = gateway;
    this.#directory = join(gateway.directory, `nginx-${port}`);
    this.#file = join(this.#directory, 'nginx.conf');
    const authority = new TestAuthority();
    this.ca = authority.root.cert;
    const { chain, key } = authority.leaf({ hosts: [host] });
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(join(this.#directory, 'fullchain.pem'), chain);
    writeFileSync(join(this.#directory, 'privkey.pem'), key, { mode: 0o600 });
    const site = alter(networkBlock('nginx'))
      .replaceAll(TLS_DIRECTORY, this.#directory)
      .replaceAll(/\b443\b/g, String(port));
    const own = (name: string) => join(this.#directory, name);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${own(name)};`)
      .join('\n');
    const files = `pid ${own('pid')};\nerror_log ${own('error.log')} info;\n`;
    writeFileSync(
      this.#file,
      `user root;\n${files}${MAIN}http {\naccess_log ${own('access.log')};\n${temporary}\n${site}}\n`,
    );
  }

  /** Resolves when it listens. */
  async start(): Promise<this> {
    const { namespace } = this.#gateway;
    await namespace.run(['nginx', '-t', '-q', '-c', this.#file, '-e', join(this.#directory, 'error.log')]);
    const child = namespace.spawn(
      ['nginx', '-c', this.#file, '-e', join(this.#directory, 'error.log'), '-g', 'daemon off;'],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    this.#child = child;
    await this.#gateway.until('nginx serves or has ended', () => {
      return child.exitCode !== null || readFileSync(join(this.#directory, 'pid'), 'utf8').trim() === String(child.pid);
    });
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}\n${this.errors}`);
    return this;
  }

  get errors(): string {
    return readFileSync(join(this.#directory, 'error.log'), 'utf8');
  }

  /** A line for each call that has ended. */
  get accesses(): string {
    return readFileSync(join(this.#directory, 'access.log'), 'utf8');
  }

  /** Resolves when workers with the configuration as it is now have taken over. */
  async reload(): Promise<void> {
    const started = () => this.errors.split('start worker process ').length;
    const before = started();
    this.#child?.kill('SIGHUP');
    await this.#gateway.until('nginx has new workers', () => started() > before);
  }

  /** Ends it and its workers, which cuts what goes through it. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
}
