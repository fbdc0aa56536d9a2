/**
 * A disk for the virtual machine: a small Debian made of this host's own programs, with Node, this checkout and its
 * packages where they are here, so that whatever runs here runs there. Modules are loaded as on any host: by the kernel,
 * when somebody wants what they bring.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, debianBusybox, debianKernel, type Kernel, librariesOf, output, PROJECT, which } from './debian.ts';

const AGENT = fileURLToPath(new URL('./agent', import.meta.url));

const APPLETS = 'poweroff ping6'.split(' ');
const PROGRAMS = [
  ...'sh cat cp curl env getent ip ln mkdir mknod modprobe mount nft readlink rm setpriv sleep sysctl true wg'.split(
    ' ',
  ),
  'wireguard-go',
];
/** Where what a gateway or a machine may want of the kernel is. */
const MODULES = ['arch', 'crypto', 'lib', 'net', 'drivers/net'];
/** What is in the checkout for those who write it; the rest of its packages is what runs and tests it. */
const NOT_NEEDED =
  /^(@biomejs|@typescript|typescript|knip|oxc-parser|@oxc-parser|@babel|lodash|underscore|\.cache|\.vite)$/;
const FOLDERS = ['dist', 'src', 'systemd', 'scripts', 'test', 'docs'];

/** Makes the disk in `directory` and gives its file; its content is this checkout's as it is now. */
export function vmDisk(directory: string): string {
  const kernel = debianKernel();
  // Where the checkout is, so that files need not be copied to be in it.
  const root = mkdtempSync(join(CACHE, 'disk-'));
  try {
    for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'mnt', 'etc', 'var/lib', 'usr/bin', 'usr/sbin']) {
      mkdirSync(join(root, path), { recursive: true });
    }
    for (const path of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(root, 'usr', path), { recursive: true });
      output('ln', '-s', `usr/${path}`, join(root, path));
    }
    for (const program of PROGRAMS) addProgram(root, which(program));
    addProgram(root, process.execPath);
    put(root, debianBusybox(), '/usr/bin/busybox');
    for (const applet of APPLETS) output('ln', '-s', 'busybox', join(root, 'usr/bin', applet));
    put(root, AGENT, '/usr/sbin/agent');
    addSettings(root);
    addModules(root, kernel);
    addCheckout(root);
    const file = join(directory, 'disk');
    const used = Number(output('du', '-sm', root).split('\t', 1)[0]);
    output('mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, file, `${used + 512}M`);
    return file;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function addProgram(root: string, program: string): void {
  put(root, program, program);
  for (const library of librariesOf(program)) put(root, library, library);
}

function addModules(root: string, { directory, version }: Kernel): void {
  const [from, to] = [directory, join(root, 'usr')].map((path) => join(path, 'lib/modules', version)) as [
    string,
    string,
  ];
  for (const name of MODULES) tree(join(from, 'kernel', name), join(to, 'kernel', name));
  for (const name of readdirSync(from)) if (name.startsWith('modules.')) copyFileSync(join(from, name), join(to, name));
  output('depmod', '-b', root, version);
}

function addSettings(root: string): void {
  const files: Readonly<Record<string, string>> = {
    passwd:
      'root:x:0:0:root:/root:/bin/sh\nsiderolinkd:x:990:990:siderolinkd:/:/bin/sh\nnobody:x:65534:65534:n:/:/bin/sh\n',
    group: 'root:x:0:\nsiderolinkd:x:990:\nnogroup:x:65534:\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'etc', name), text);
  for (const path of ['/etc/protocols', '/etc/services', '/etc/os-release']) put(root, path, path);
}

function addCheckout(root: string): void {
  for (const name of ['package.json', 'vitest.config.ts', 'vitest.long.config.ts', 'tsconfig.json', ...FOLDERS]) {
    const source = join(PROJECT, name);
    if (existsSync(source)) tree(source, join(root, source));
  }
  const packages = join(PROJECT, 'node_modules');
  for (const name of readdirSync(packages))
    if (!NOT_NEEDED.test(name)) tree(join(packages, name), join(root, packages, name));
}

/** A folder whose files are shared with this host's: they are only read. */
function tree(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  try {
    output('cp', '-al', source, target);
  } catch {
    cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  }
}

/** One file, whatever links lead to it here. */
function put(root: string, source: string, path: string): void {
  const target = join(root, path);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}
