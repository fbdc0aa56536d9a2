/**
 * A disk for the virtual machine: a small Debian made of this host's own programs, with Node, this checkout and its
 * packages where they are here, so that whatever runs here runs there. Modules are loaded as on any host: by the kernel,
 * when somebody wants what they bring.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
/** Packages for those who write the checkout; the rest is what runs and tests it. */
const NOT_NEEDED = /^(\.|(@biomejs|@typescript|typescript|knip|oxc-parser|@oxc-parser|@babel|lodash|underscore)(\/|$))/;
/** What runs tests. */
const RUNNER =
  /^(vitest|@vitest\/|vite|rolldown|@rolldown\/|lightningcss|@oxc-|chai|fast-check|pure-rand|protobufjs-cli)/;
const FOLDERS = ['dist', 'src', 'systemd', 'scripts', 'test', 'docs'];

/**
 * Makes the disk in `directory` and gives its file; its content is this checkout's as it is now. `forTests`: with what the
 * tests need on top of what the daemon needs.
 */
export function vmDisk(directory: string, { forTests }: { readonly forTests: boolean }): string {
  const kernel = debianKernel();
  // Where the checkout is, so that files need not be copied to be in it.
  const root = mkdtempSync(join(CACHE, 'disk-'));
  try {
    for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'mnt', 'etc', 'var/lib', 'usr/bin', 'usr/sbin']) {
      mkdirSync(join(root, path), { recursive: true });
    }
    // The daemon's user must be able to write there, as on any host, whether a tmpfs covers it or not.
    chmodSync(join(root, 'tmp'), 0o1777);
    for (const path of ['bin', 'sbin', 'lib', 'lib64']) {
      mkdirSync(join(root, 'usr', path), { recursive: true });
      output('ln', '-s', `usr/${path}`, join(root, path));
    }
    const programs = [...PROGRAMS.map(which), process.execPath];
    for (const file of [...programs, ...librariesOf(...programs)]) put(root, file, file);
    put(root, debianBusybox(), '/usr/bin/busybox');
    for (const applet of APPLETS) output('ln', '-s', 'busybox', join(root, 'usr/bin', applet));
    put(root, AGENT, '/usr/sbin/agent');
    addSettings(root);
    addModules(root, kernel);
    addCheckout(root, forTests);
    for (const file of librariesOfAddons(join(root, PROJECT, 'node_modules'))) put(root, file, file);
    const file = join(directory, 'disk');
    const used = Number(output('du', '-sm', root).split('\t', 1)[0]);
    output('mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-d', root, file, `${used + 512}M`);
    return file;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function addModules(root: string, { directory, version }: Kernel): void {
  const [from, to] = [directory, join(root, 'usr')].map((path) => join(path, 'lib/modules', version)) as [
    string,
    string,
  ];
  share(
    from,
    MODULES.map((name) => `kernel/${name}`),
    to,
  );
  for (const name of readdirSync(from)) if (name.startsWith('modules.')) copyFileSync(join(from, name), join(to, name));
  output('depmod', '-b', root, version);
}

function addSettings(root: string): void {
  const files: Readonly<Record<string, string>> = {
    passwd:
      'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/sh\nsiderolinkd:x:990:990:siderolinkd:/:/bin/sh\nnobody:x:65534:65534:n:/:/bin/sh\n',
    group: 'root:x:0:\ndaemon:x:1:\nsiderolinkd:x:990:\nnogroup:x:65534:\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'etc', name), text);
  for (const path of ['/etc/protocols', '/etc/services', '/etc/os-release']) put(root, path, path);
}

function addCheckout(root: string, forTests: boolean): void {
  const names = ['package.json', 'vitest.config.ts', 'vitest.long.config.ts', 'tsconfig.json', ...FOLDERS];
  share(
    PROJECT,
    names.filter((name) => existsSync(join(PROJECT, name))),
    join(root, PROJECT),
  );
  const packages = join(PROJECT, 'node_modules');
  const found = readdirSync(packages).flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(packages, name)).map((each) => `${name}/${each}`) : [name],
  );
  const isNeeded = (name: string) => !NOT_NEEDED.test(name) && (forTests || !RUNNER.test(name));
  share(packages, found.filter(isNeeded), join(root, packages));
}

/** What packages with native parts are linked with. Parts for other systems want nothing that is here. */
function librariesOfAddons(packages: string): readonly string[] {
  const addons = output('find', packages, '-name', '*.node', '-type', 'f').split('\n');
  return [...new Set(addons.filter((addon) => addon !== '').flatMap(librariesOfAddon))];
}

function librariesOfAddon(addon: string): readonly string[] {
  try {
    return librariesOf(addon);
  } catch {
    return [];
  }
}

/** Files and folders of a folder into another, with what they hold: shared with this host, as they are only read. */
function share(from: string, names: readonly string[], to: string): void {
  if (names.length === 0) return;
  mkdirSync(to, { recursive: true });
  const copy = (how: string) =>
    output('sh', '-c', `cd "$1" && to=$2 && shift 2 && cp ${how} --parents -t "$to" "$@"`, 'sh', from, to, ...names);
  try {
    copy('-al');
  } catch {
    // Another file system.
    copy('-a');
  }
}

/** One file, whatever links lead to it here. */
function put(root: string, source: string, path: string): void {
  const target = join(root, path);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}
