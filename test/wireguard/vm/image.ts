/**
 * What the virtual machine boots: Debian's kernel, and a root of our own making in memory with the programs that a gateway
 * needs. What comes from the archive or changes seldom is kept under `.toolchain`, by version.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cpio } from './cpio.ts';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const CACHE = join(PROJECT, '.toolchain', 'kernel-vm');
const INIT = fileURLToPath(new URL('./init', import.meta.url));

/** The cloud kernel: small, and its modules are few. The package depends on the one of the day. */
const KERNEL = 'linux-image-cloud-amd64';
/** Static: it needs no library, and the one that is installed may be another. */
const BUSYBOX = 'busybox-static';
const APPLETS = 'sh mount mkdir mknod insmod cat sleep poweroff sysctl kill ping6'.split(' ');
const PROGRAMS = 'wg ip nft getent'.split(' ');
/** What `nft` finds for our rules, and the machines' cables, would else be loaded when first used. */
const MODULES =
  'virtio_pci virtio_console wireguard tun veth bridge nf_tables nft_ct nft_reject_inet nft_masq nft_chain_nat'.split(
    ' ',
  );

export interface VmImage {
  readonly kernel: string;
  readonly initramfs: string;
}

/**
 * Makes the image, from what is kept where it can. `directory`: where to put this run's initramfs.
 *
 * @throws where this is no amd64 Debian, or the archive cannot be reached and nothing is kept
 */
export function vmImage(directory: string): VmImage {
  if (process.arch !== 'x64') throw new Error(`the virtual machine is made for amd64; this is ${process.arch}`);
  mkdirSync(CACHE, { recursive: true });
  const kernelDirectory = unpacked(kernelPackage());
  const busybox = join(unpacked(BUSYBOX), 'bin', 'busybox');
  const [vmlinuz] = readdirSync(join(kernelDirectory, 'boot')).filter((name) => name.startsWith('vmlinuz-'));
  if (vmlinuz === undefined) throw new Error(`no kernel in ${kernelDirectory}`);
  const version = vmlinuz.slice('vmlinuz-'.length);
  const inputs = [version, ...[busybox, ...PROGRAMS.map(which)].map(stamp)];
  const root = kept('system', inputs, () => system(kernelDirectory, version, busybox));
  const initramfs = join(directory, 'initramfs');
  writeFileSync(initramfs, Buffer.concat([root, new Cpio().copy('/init', INIT).bytes()]));
  return { kernel: join(kernelDirectory, 'boot', vmlinuz), initramfs };
}

/** An archive that is made once for these inputs; those made for others are removed. */
function kept(name: string, inputs: readonly string[], make: () => Cpio): Buffer {
  const own = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  const hash = createHash('sha256')
    .update(JSON.stringify([own, ...inputs]))
    .digest('hex')
    .slice(0, 16);
  const file = join(CACHE, `${name}-${hash}.cpio`);
  if (existsSync(file)) return readFileSync(file);
  for (const old of readdirSync(CACHE)) {
    if (old.startsWith(`${name}-`) && old.endsWith('.cpio')) rmSync(join(CACHE, old), { force: true });
  }
  const bytes = make().bytes();
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, file);
  return bytes;
}

/** Changes with the program. */
function stamp(file: string): string {
  return `${file} ${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}

function which(program: string): string {
  const directory = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'].find((each) => existsSync(join(each, program)));
  if (directory === undefined) throw new Error(`${program} is not installed; scripts/setup --tests installs it`);
  return join(directory, program);
}

function output(command: string, ...args: readonly string[]): string {
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

function system(kernelDirectory: string, version: string, busybox: string): Cpio {
  const archive = new Cpio();
  for (const path of ['/dev', '/proc', '/sys', '/run', '/tmp', '/root', '/var/lib']) archive.directory(path);
  archive.copy('/bin/busybox', busybox);
  for (const applet of APPLETS) archive.link(`/bin/${applet}`, 'busybox');
  for (const program of PROGRAMS) withLibraries(archive, `/usr/bin/${program}`, which(program));
  archive.file('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/sh\n');
  archive.file('/etc/group', 'root:x:0:\ndaemon:x:1:\n');
  archive.file('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
  archive.file('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  for (const name of ['/etc/protocols', '/etc/services']) archive.copy(name, name);
  const modules = modulesOf(kernelDirectory, version);
  for (const { name, content } of modules) archive.file(`/lib/modules/${name}`, content);
  archive.file('/lib/modules.list', modules.map(({ name }) => `/lib/modules/${name}\n`).join(''));
  return archive;
}

/** The modules with those that they need, in the order in which they are loaded. */
function modulesOf(directory: string, version: string): readonly { readonly name: string; readonly content: Buffer }[] {
  output('depmod', '-b', directory, version);
  const files = MODULES.flatMap((module) =>
    output('modprobe', '-S', version, '-d', directory, '--show-depends', module)
      .split('\n')
      .filter((line) => line.startsWith('insmod '))
      .map((line) => line.split(' ')[1] ?? ''),
  );
  return [...new Set(files)].map((file) => ({
    name: basename(file).replace(/\.xz$/, ''),
    content: file.endsWith('.xz') ? execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 26 }) : readFileSync(file),
  }));
}

function withLibraries(archive: Cpio, path: string, program: string): Cpio {
  archive.file(path, readFileSync(program), 0o755);
  for (const library of output('ldd', program).match(/\/\S+/g) ?? []) {
    if (!library.endsWith(':')) archive.file(library, readFileSync(library), 0o755);
  }
  return archive;
}
