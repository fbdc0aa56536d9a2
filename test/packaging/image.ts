import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DebianTree, host } from './debian.ts';

/** Where Debian keeps the certificate authorities that this host trusts, its network's own among them. */
const HOST_CA = '/etc/ssl/certs/ca-certificates.crt';
const CA_IN_BUILD = '/run/host-ca.crt';

/** As much of an image's configuration as a container needs to start. */
export interface ImageConfig {
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly StopSignal: NodeJS.Signals;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

/** The image of our Dockerfile, built by buildah on a Debian of our own: no registry is asked, nothing stays. Needs root. */
export class Image {
  readonly #tree: DebianTree;
  readonly #store: readonly string[];
  readonly #base = `localhost/siderolinkd-base:${process.pid}`;
  readonly #name = `localhost/siderolinkd-test:${process.pid}`;

  /** `tree`: a bare Debian; what buildah keeps lies beside it and goes with it. */
  constructor(tree: DebianTree) {
    this.#tree = tree;
    const at = (name: string) => join(tree.directory, name);
    // vfs works on every file system, also in a container.
    this.#store = ['--root', at('images'), '--runroot', at('run'), '--storage-driver', 'vfs'];
  }

  async build(): Promise<void> {
    const base = await this.#buildah('from', 'scratch');
    await this.#buildah('add', '--quiet', base, this.#tree.root, '/');
    await this.#buildah('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', base);
    await this.#buildah('commit', '--quiet', '--rm', base, this.#base);
    const authorities = existsSync(HOST_CA)
      ? [`--volume=${HOST_CA}:${CA_IN_BUILD}:ro`, `--build-arg=NODE_EXTRA_CA_CERTS=${CA_IN_BUILD}`]
      : [];
    await this.#buildah(
      ...['bud', '--isolation', 'chroot', '--network', 'host', '--format', 'docker', ...authorities],
      ...[`--build-arg=BASE=${this.#base}`, '--tag', this.#name, '.'],
    );
  }

  async config(): Promise<ImageConfig> {
    return JSON.parse(await this.#buildah('inspect', '--type', 'image', this.#name)).Docker.config;
  }

  /** A container's file system of this image; gives where it is. */
  async mount(): Promise<string> {
    return await this.#buildah('mount', await this.#buildah('from', this.#name));
  }

  #buildah(...args: string[]): Promise<string> {
    return host('buildah', ...this.#store, ...args);
  }
}

/** The only child of a process, as the host numbers it; undefined before there is one. */
export function childOf(pid: number | undefined): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return /^\d+$/.test(children) ? Number(children) : undefined;
}
