import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SiderolinkError } from '../../../src/domain/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { Runner } from '../../../src/wireguard/runner.ts';
import { vmDisk } from './disk.ts';
import { vmImage } from './image.ts';

/** Characters of what a command that failed had said. */
const OUTPUT_KEPT = 10_000;
/** It takes seconds; where others want the processors, what it takes. */
const BOOT_DEADLINE_MS = 600_000;

/** The simplest processor, and one: what newer ones have is slow to emulate, and two wait for each other. */
const SMALL = ['-accel', 'tcg', '-cpu', 'qemu64', '-m', '256'];
/**
 * A processor that has what Node's WebAssembly needs. Its time is counted in instructions, a nanosecond each: whatever
 * else this host has to do, for those in there it is as fast as ever, and no time limit of theirs knows of it.
 */
const GATEWAY = ['-accel', 'tcg', '-icount', 'shift=0', '-rtc', 'clock=vm', '-cpu', 'Nehalem', '-m', '2048'];

export interface VirtualMachineOptions {
  /**
   * It has a disk with Node and this checkout, and with what the daemon and its simulated machines need, or what the tests
   * need on top; more memory, and a clock of its own.
   */
  readonly checkout?: 'daemon' | 'tests';
}

/**
 * A small computer under emulation, with Debian's kernel: where the kernel of this host has no WireGuard, its has. It has
 * no network; commands go in and their output comes out by one port, one command at a time. KVM is not used: that
 * /dev/kvm is there does not mean that it works.
 */
export class VirtualMachine {
  /** Runs commands in it, as root. Time limits of single commands are not kept: the test's own ends it. */
  readonly runner: Runner = { run: (argv) => this.#inTurn(argv) };
  readonly #directory = mkdtempSync(join(tmpdir(), 'siderolink-vm-'));
  readonly #mark = randomBytes(12).toString('hex');
  readonly #ended = Promise.withResolvers<never>();
  #turn: Promise<unknown> = Promise.resolve();
  #qemu: ChildProcess | undefined;
  #socket: Socket | undefined;
  #heard: Buffer[] = [];
  #onData: () => void = () => {};

  /** Resolves when it serves. @throws with what its console said */
  static async boot({ checkout }: VirtualMachineOptions = {}): Promise<VirtualMachine> {
    const vm = new VirtualMachine();
    try {
      await vm.#boot(checkout);
      return vm;
    } catch (cause) {
      const said = vm.#console();
      await vm.dispose();
      throw new Error(`the virtual machine does not serve; its console:\n${said.slice(-4000)}`, { cause });
    }
  }

  /** Makes a file there, of mode 0600, before any command that is run later. */
  write(path: string, text: string): void {
    const directory = path.slice(0, path.lastIndexOf('/'));
    const script = `umask 077 && mkdir -p ${quoted(directory)} && printf %s ${quoted(text)} >${quoted(path)}`;
    // Whoever needs the file finds out that it is missing.
    this.runner.run(['sh', '-c', script]).catch(() => undefined);
  }

  async dispose(): Promise<void> {
    const qemu = this.#qemu;
    this.#socket?.destroy();
    if (qemu?.pid !== undefined && qemu.exitCode === null && qemu.signalCode === null) {
      const gone = once(qemu, 'exit');
      qemu.kill('SIGKILL');
      await gone;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #boot(checkout: VirtualMachineOptions['checkout']): Promise<void> {
    const { kernel, initramfs } = vmImage(this.#directory);
    const disk = checkout && vmDisk(this.#directory, { forTests: checkout === 'tests' });
    const path = join(this.#directory, 'agent.sock');
    const argv = [
      ...(checkout === undefined ? SMALL : GATEWAY),
      ...(disk === undefined ? [] : ['-drive', `file=${disk},if=virtio,format=raw,cache=unsafe`]),
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-kernel', kernel, '-initrd', initramfs],
      // Programs that lie where they lay before need not be translated again.
      ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr norandmaps audit=0'],
      ...['-serial', `file:${join(this.#directory, 'console')}`],
      ...['-chardev', `socket,id=agent,path=${path},server=on,wait=on`],
      ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=agent,name=agent'],
    ];
    const qemu = spawn('qemu-system-x86_64', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#qemu = qemu;
    let complaint = '';
    qemu.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    once(qemu, 'exit').then(
      () => this.#ended.reject(new Error(`the virtual machine ended: ${complaint}${this.#console().slice(-2000)}`)),
      (cause: unknown) => {
        this.#ended.reject(new Error('qemu-system-x86_64 cannot be run; scripts/setup --tests installs it', { cause }));
      },
    );
    this.#ended.promise.catch(() => undefined);
    const deadline = systemClock.sleep(BOOT_DEADLINE_MS).then(() => Promise.reject(new Error('it took too long')));
    await Promise.race([this.#connect(path), this.#ended.promise, deadline]);
  }

  /** Resolves when it greets. qemu waits for this connection before it boots. */
  async #connect(path: string): Promise<void> {
    for (;;) {
      const socket = connect(path);
      try {
        await once(socket, 'connect');
        this.#socket = socket;
        break;
      } catch {
        await systemClock.sleep(20);
      }
    }
    this.#socket.on('error', () => {});
    this.#socket.on('data', (bytes: Buffer) => {
      this.#heard.push(bytes);
      this.#onData();
    });
    await this.#until('ready\n');
    this.#socket.write(ANSWER);
  }

  /** What it said up to these words, which must end what it said. */
  #until(words: string, pattern: RegExp = /$/): Promise<string> {
    return new Promise((resolve) => {
      this.#onData = () => {
        const last = this.#heard.at(-1)?.toString('latin1') ?? '';
        const tail = last.length < 200 ? Buffer.concat(this.#heard).toString('latin1').slice(-200) : last;
        if (!tail.includes(words) || !pattern.test(tail)) return;
        const said = Buffer.concat(this.#heard).toString('utf8');
        this.#heard = [];
        resolve(said);
      };
    });
  }

  #inTurn(argv: readonly [string, ...string[]]): Promise<string> {
    const turn = this.#turn.then(() => this.#run(argv));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #run(argv: readonly [string, ...string[]]): Promise<string> {
    const mark = this.#mark;
    const answer = this.#until(mark, new RegExp(`\n${mark} \\d+\n$`));
    const command = argv.map(quoted).join(' ');
    this.#socket?.write(`${command} </dev/null >&3 2>/tmp/.err 3>&-\nanswer ${mark}\n`);
    const said = await Promise.race([answer, this.#ended.promise]);
    const [stdout = '', rest = ''] = said.split(`\n${mark}\n`);
    const [stderr = '', code] = rest.split(`\n${mark} `);
    if (Number(code) === 0) return stdout.replace(/\n$/, '');
    const complaint = stderr.trim();
    throw new SiderolinkError('command_failed', `${argv[0]}: ${complaint.split('\n', 1)[0]}`, {
      argv: argv.join(' ').slice(0, 400),
      exitCode: Number(code),
      stderr: complaint,
      // What a test runner says of its failures is there.
      stdout: stdout.slice(-OUTPUT_KEPT),
    });
  }

  /** What its console has shown. */
  #console(): string {
    try {
      return readFileSync(join(this.#directory, 'console'), 'latin1');
    } catch {
      return '';
    }
  }
}

/** Follows each command: after its output a mark, what it said on standard error, the mark, and its exit code. */
const ANSWER = `answer() {
  code=$?
  printf '\\n%s\\n' "$1" >&3
  [ -s /tmp/.err ] && cat /tmp/.err >&3
  printf '\\n%s %s\\n' "$1" "$code" >&3
}
`;

/** As one word of the shell's. */
function quoted(word: string): string {
  // The shell would take this one for an applet of its own.
  if (word === 'ip') return '/usr/bin/ip';
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
