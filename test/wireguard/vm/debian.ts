/**
 * What the virtual machine is made of: packages of Debian's archive that are never installed here, and programs of this
 * host. What comes from the archive is kept under `.toolchain`, by version.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
export const CACHE = join(PROJECT, '.toolchain', 'kernel-vm');

/** The cloud kernel: small, and its modules are few. The package depends on the one of the day. */
const KERNEL = 'linux-image-cloud-amd64';
/** Static: it needs no library, and the one that is installed may be another. */
const BUSYBOX = 'busybox-static';

/** A kernel, and its modules under `lib/modules`. */
export interface Kernel {
  readonly version: string;
  readonly vmlinuz: string;
  readonly directory: string;
}

/** @throws where this is no amd64 Debian, or the archive cannot be reached and nothing is kept */
export function debianKernel(): Kernel {
  if (process.arch !== 'x64') throw new Error(`the virtual machine is made for amd64; this is ${process.arch}`);
  mkdirSync(CACHE, { recursive: true });
  const directory = unpacked(kernelPackage());
  const [name] = readdirSync(join(directory, 'boot')).filter((file) => file.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error(`no kernel in ${directory}`);
  return { version: name.slice('vmlinuz-'.length), vmlinuz: join(directory, 'boot', name), directory };
}

/** The program itself. @throws as {@link debianKernel} */
export function debianBusybox(): string {
  return join(unpacked(BUSYBOX), 'bin', 'busybox');
}

/** The files of these modules and of those that they need, in the order in which they are loaded. */
export function modulesOf({ directory, version }: Kernel, names: readonly string[]): readonly string[] {
  output('depmod', '-b', directory, version);
  const files = names.flatMap((module) =>
    output('modprobe', '-S', version, '-d', directory, '--show-depends', module)
      .split('\n')
      .filter((line) => line.startsWith('insmod '))
      .map((line) => line.split(' ')[1] ?? ''),
  );
  return [...new Set(files)];
}

/** Where this host has a program. */
export function which(program: string): string {
  const directory = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].find((each) => existsSync(join(each, program)));
  if (directory === undefined) throw new Error(`${program} is not installed; scripts/setup --tests installs it`);
  return join(directory, program);
}

/** The files of the libraries that programs are linked with. */
export function librariesOf(...programs: readonly string[]): readonly string[] {
  const files = output('ldd', ...programs).match(/\/\S+/g) ?? [];
  return [...new Set(files.filter((library) => !library.endsWith(':')))];
}

/** What a command of this host prints. */
export function output(command: string, ...args: readonly string[]): string {
  const env = { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  return execFileSync(command, args, { env, encoding: 'utf8', cwd: CACHE, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The package of the kernel that Debian has now; where its lists are not there, the one that is kept. */
function kernelPackage(): string {
  const named = (text: string) => /Depends: (linux-image-\S+-cloud-amd64)/.exec(text)?.[1];
  const now = named(output('apt-cache', 'depends', KERNEL));
  if (now !== undefined) return now;
  const old = readdirSync(CACHE).find((name) => name.startsWith('linux-image-') && !name.includes('.'));
  if (old !== undefined) return old;
  output('apt-get', 'update', '-qq');
  const then = named(output('apt-cache', 'depends', KERNEL));
  if (then === undefined) throw new Error(`apt knows no ${KERNEL}`);
  return then;
}

/** The directory with what a Debian package holds. Nothing of it is installed. */
function unpacked(name: string): string {
  const directory = join(CACHE, name);
  if (existsSync(directory)) return directory;
  const temporary = `${directory}.${process.pid}`;
  mkdirSync(temporary);
  try {
    output(
      'sh',
      '-c',
      `cd "${temporary}" && { apt-get download -q "${name}" || { apt-get update -qq && apt-get download -q "${name}"; }; }`,
    );
    const [deb = ''] = readdirSync(temporary).filter((file) => file.endsWith('.deb'));
    output('dpkg-deb', '-x', join(temporary, deb), temporary);
    rmSync(join(temporary, deb));
    // Another run may have been faster.
    if (!existsSync(directory)) renameSync(temporary, directory);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return directory;
}
