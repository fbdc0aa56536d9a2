/**
 * What the virtual machine boots: Debian's kernel, and a root of our own making in memory with the programs that a gateway
 * needs. What changes seldom is kept under `.toolchain`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cpio } from './cpio.ts';
import { CACHE, debianBusybox, debianKernel, type Kernel, librariesOf, modulesOf, which } from './debian.ts';

const INIT = fileURLToPath(new URL('./init', import.meta.url));

const APPLETS = 'sh mount mkdir mknod insmod cat sleep poweroff switch_root sysctl kill ping6'.split(' ');
const PROGRAMS = 'wg ip nft getent'.split(' ');
/** Which make a virtual machine. */
const COMPUTER = 'virtio_pci virtio_console virtio_blk'.split(' ');
/** What `nft` finds for our rules, and the machines' cables, would else be loaded when first used. */
const NETWORK = 'wireguard tun veth bridge nf_tables nft_ct nft_reject_inet nft_masq nft_chain_nat'.split(' ');

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
  const kernel = debianKernel();
  const busybox = debianBusybox();
  const inputs = [kernel.version, ...[busybox, ...PROGRAMS.map(which)].map(stamp)];
  const root = kept('system', inputs, () => system(kernel, busybox));
  const initramfs = join(directory, 'initramfs');
  writeFileSync(initramfs, Buffer.concat([root, new Cpio().copy('/init', INIT).bytes()]));
  return { kernel: kernel.vmlinuz, initramfs };
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

function system(kernel: Kernel, busybox: string): Cpio {
  const archive = new Cpio();
  for (const path of ['/dev', '/proc', '/sys', '/run', '/tmp', '/root', '/var/lib', '/disk']) archive.directory(path);
  archive.copy('/bin/busybox', busybox);
  for (const applet of APPLETS) archive.link(`/bin/${applet}`, 'busybox');
  for (const program of PROGRAMS) withLibraries(archive, `/usr/bin/${program}`, which(program));
  archive.file('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/sh\n');
  archive.file('/etc/group', 'root:x:0:\ndaemon:x:1:\n');
  archive.file('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
  archive.file('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  for (const name of ['/etc/protocols', '/etc/services']) archive.copy(name, name);
  for (const [list, names] of Object.entries({ computer: COMPUTER, network: NETWORK })) {
    const modules = modulesOf(kernel, names).map(unpackedModule);
    for (const { name, content } of modules) archive.file(`/lib/modules/${name}`, content);
    archive.file(`/lib/modules/${list}`, modules.map(({ name }) => `/lib/modules/${name}\n`).join(''));
  }
  return archive;
}

function unpackedModule(file: string): { readonly name: string; readonly content: Buffer } {
  const content = file.endsWith('.xz') ? execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 26 }) : readFileSync(file);
  return { name: basename(file).replace(/\.xz$/, ''), content };
}

function withLibraries(archive: Cpio, path: string, program: string): Cpio {
  archive.file(path, readFileSync(program), 0o755);
  for (const library of librariesOf(program)) archive.file(library, readFileSync(library), 0o755);
  return archive;
}
