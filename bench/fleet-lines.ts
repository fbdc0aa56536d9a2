import { renderLine } from '../src/simulate/boot-script.ts';
import { BootScripts } from '../src/simulate/boot-scripts.ts';
import { formatKernelLine } from '../src/simulate/kmsg-line.ts';
import { talosProfile } from '../src/simulate/profile.ts';
import { mixSeed } from '../src/simulate/random.ts';

const scripts = new BootScripts();
const profile = talosProfile('1.13');
/** Machines boot within so many seconds of each other. */
const BOOT_SPREAD = 3600;
const FIRST_BOOT = 1_767_323_045;
const CHATTER_EVERY_US = 40_000_000;

/** What one machine of a fleet says to its kernel log: a whole boot with values of its own, then what it says as it runs. */
export class MachineLog {
  readonly #seed: number;
  readonly #uuid: string;
  #seq = 0;
  #clock = 0;

  constructor(seed: number, uuid: string) {
    this.#seed = seed;
    this.#uuid = uuid;
  }

  /** Lines of a boot. */
  get bootLines(): number {
    return this.#script.lines.length;
  }

  /** The next `count` lines as Talos sends them, each ended by a line feed. */
  next(count: number): string {
    const out: string[] = [];
    for (let i = 0; i < count; i++) out.push(this.#line());
    return out.join('');
  }

  /** The boot is over: what comes next is chatter. */
  endBoot(): void {
    this.#seq = Math.max(this.#seq, this.bootLines);
  }

  get #script() {
    return scripts.script(profile, this.#seed, 'running');
  }

  #line(): string {
    const { lines, chatter } = this.#script;
    const seq = this.#seq++;
    const facts = {
      seed: this.#seed,
      boot: 1,
      uuid: this.#uuid,
      hostname: `talos-${this.#seed}`,
      commandLine: 'console=ttyS0 talos.platform=metal',
      kernel: '6.12.30-talos',
      tag: 'v1.13.0',
      addresses: ['10.5.0.2'],
    };
    const chosen = lines[seq] ?? chatter[mixSeed(this.#seed, seq) % chatter.length] ?? chatter[0];
    const record = renderLine(chosen, seq, facts);
    this.#clock = seq < lines.length ? record.clock : this.#clock + (mixSeed(seq, this.#seed) % CHATTER_EVERY_US);
    const bootedAt = {
      seconds: FIRST_BOOT + (mixSeed(this.#seed, 3) % BOOT_SPREAD),
      nanos: mixSeed(this.#seed, 4) % 1e9,
    };
    return `${formatKernelLine({ ...record, clock: this.#clock }, seq, bootedAt)}\n`;
  }
}
