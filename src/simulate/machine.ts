import { type Clock, systemClock } from '../lib/clock.ts';
import { Boot, type BootEnvironment } from './boot.ts';
import type { BootArguments } from './boot-args.ts';
import type { BootScripts } from './boot-scripts.ts';
import { type MachineCounters, newCounters } from './counters.ts';
import { RESTART_COMMANDS } from './machine-events.ts';
import type { Network, Outage } from './network.ts';
import type { TalosProfile } from './profile.ts';
import { hashText, mixSeed, type Random, seededRandom, seededUuid } from './random.ts';

/** META keys that the SideroLink controller reads. */
const META_UUID_OVERRIDE = 15;
const META_UNIQUE_TOKEN = 16;

export interface MachineOptions {
  readonly profile: TalosProfile;
  readonly args: BootArguments;
  /** SMBIOS UUID; the default comes from the seed. */
  readonly uuid?: string;
  readonly hostname?: string;
  /** Makes the machine's hardware, numbers and pace; the default comes from the UUID. */
  readonly seed?: number;
  /** META as it was before the first boot. */
  readonly meta?: ReadonlyMap<number, string>;
  /** META is lost at each reboot, as with PXE and ISO boots. */
  readonly loseMeta?: boolean;
  /** Ends in maintenance mode instead of a running node. */
  readonly maintenance?: boolean;
  /** Boots without the lines and events of a boot: only what the link itself causes. For joins and idling by the thousand. */
  readonly quiet?: boolean;
  /** Kernel lines per second once it has booted. */
  readonly linesPerSecond?: number;
  /** How much faster than real a boot goes; Infinity: all at once. */
  readonly speed?: number;
  /** Time without power or kernel in a reboot, in milliseconds. */
  readonly darkMs?: number;
  /** Ports on the server's overlay address for sinks that the kernel arguments do not name; null: none. */
  readonly defaultSinks?: { readonly kmsg: number; readonly events: number } | null;
  /** PEM of the API's authority; the default trusts the system's. */
  readonly ca?: string;
}

export interface MachineDeps {
  readonly network: Network;
  readonly scripts: BootScripts;
  readonly clock?: Clock;
  readonly onNotice?: (notice: MachineNotice) => void;
}

/** What happens to a machine, for people and tests. Never holds a token. */
export type MachineNotice =
  | { readonly kind: 'booting'; readonly boot: number; readonly publicKey: string }
  | { readonly kind: 'provision_failed'; readonly boot: number; readonly error: string }
  | { readonly kind: 'retry'; readonly boot: number; readonly error: string; readonly waitMs: number }
  | {
      readonly kind: 'linked';
      readonly boot: number;
      readonly address: string;
      readonly serverAddress: string;
      readonly endpoint: string;
    }
  | { readonly kind: 'booted'; readonly boot: number; readonly lines: number }
  | { readonly kind: 'rebooting'; readonly boot: number; readonly mode: RebootMode }
  | { readonly kind: 'off'; readonly boot: number };

export type RebootMode = 'reboot' | 'kexec';

export interface RebootOptions {
  /** kexec skips the firmware, so it is back sooner. */
  readonly mode?: RebootMode;
  /** Overrides the machine's `loseMeta` for this reboot. */
  readonly loseMeta?: boolean;
  /** Power cut: nothing is drained, no event tells of it. */
  readonly abrupt?: boolean;
  /** What ran before: `reboot`, `upgrade`, `reset`, `install`. */
  readonly sequence?: 'reboot' | 'upgrade' | 'reset' | 'install';
}

export interface MachineState {
  readonly uuid: string;
  readonly hostname: string;
  /** 0 before the first boot. */
  readonly boot: number;
  readonly power: 'off' | 'on';
  readonly publicKey: string | null;
  /** Overlay address without prefix length; null before the link. */
  readonly address: string | null;
  /** The kernel's next record number in this boot. */
  readonly nextSeq: number;
  /** Events of this boot that are not acknowledged. */
  readonly eventsPending: number;
  readonly counters: Readonly<MachineCounters>;
}

const FIRMWARE_MS = 4_000;
const KEXEC_MS = 700;

/** A simulated Talos machine: what lives on from boot to boot, and the boot that runs now. */
export class SimulatedMachine {
  readonly uuid: string;
  readonly hostname: string;
  readonly seed: number;
  readonly counters: MachineCounters = newCounters();
  readonly #options: MachineOptions;
  readonly #deps: MachineDeps;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #initialMeta: ReadonlyMap<number, string>;
  #meta: Map<number, string>;
  #boot: Boot | undefined;
  #bootNumber = 0;
  #busy: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(options: MachineOptions, deps: MachineDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.seed = options.seed ?? hashText(options.uuid ?? '');
    this.uuid = options.uuid ?? seededUuid(seededRandom(this.seed));
    this.#random = seededRandom(mixSeed(this.seed, hashText(this.uuid)));
    this.hostname = options.hostname ?? `talos-${this.uuid.slice(0, 3)}-${this.uuid.slice(-3)}`;
    this.#initialMeta = options.meta ?? new Map();
    this.#meta = new Map(this.#initialMeta);
  }

  get state(): MachineState {
    return {
      uuid: this.uuid,
      hostname: this.hostname,
      boot: this.#bootNumber,
      power: this.#boot === undefined ? 'off' : 'on',
      publicKey: this.#boot?.publicKey ?? null,
      address: this.#boot?.address ?? null,
      nextSeq: this.#boot?.nextSeq ?? 0,
      eventsPending: this.#boot?.eventsPending ?? 0,
      counters: { ...this.counters },
    };
  }

  /** Powers the machine on. Does nothing if it is on. */
  start(): Promise<void> {
    return this.#serially(() => {
      if (this.#boot === undefined && !this.#closing.signal.aborted) this.#powerOn();
    });
  }

  /** Ends the boot and starts another one, with a new WireGuard key. Resolves when the new boot has begun. */
  reboot({ mode = 'reboot', loseMeta, abrupt = false, sequence = 'reboot' }: RebootOptions = {}): Promise<void> {
    return this.#serially(async () => {
      const cmd = mode === 'kexec' ? RESTART_COMMANDS.kexec : RESTART_COMMANDS.restart;
      this.#notice({ kind: 'rebooting', boot: this.#bootNumber, mode });
      await this.#powerOff(abrupt ? undefined : { sequence, cmd });
      if (loseMeta ?? this.#options.loseMeta ?? false) this.#meta = new Map(this.#initialMeta);
      const dark = this.#options.darkMs ?? (mode === 'kexec' ? KEXEC_MS : FIRMWARE_MS) / (this.#options.speed ?? 1);
      await this.#clock.sleep(dark, this.#closing.signal);
      if (!this.#closing.signal.aborted) this.#powerOn();
    });
  }

  /** Shuts the machine down, drained as Talos does, or at once. It may be started again. */
  stop({ abrupt = false }: { abrupt?: boolean } = {}): Promise<void> {
    return this.#serially(() =>
      this.#powerOff(abrupt ? undefined : { sequence: 'shutdown', cmd: RESTART_COMMANDS.powerOff }),
    );
  }

  /** Writes META as the Talos API does; 15 and 16 make the machine provision again at once, with the same key. */
  setMeta(key: number, value: string): void {
    this.#meta.set(key, value);
    if (key === META_UNIQUE_TOKEN || key === META_UUID_OVERRIDE) this.#boot?.inputsChanged();
  }

  /** Makes the kernel write a line of the test's own; returns its seq, or undefined when the machine is off. */
  log(message: string): number | undefined {
    return this.#boot?.log(message);
  }

  /** Reads the kernel's ring again from its start, as after a change of the configuration. */
  replayKmsg(): void {
    this.#boot?.replayKmsg();
  }

  setOutage(outage: Outage): Promise<void> {
    return this.#deps.network.setOutage(outage);
  }

  /** Ends everything at once and gives the network back. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#serially(() => this.#powerOff(undefined));
    await this.#deps.network.close();
  }

  #powerOn(): void {
    this.#bootNumber += 1;
    this.counters.boots += 1;
    const environment: BootEnvironment = {
      machine: this.#options,
      number: this.#bootNumber,
      uuid: this.uuid,
      hostname: this.hostname,
      seed: this.seed,
      uuidSent: () => this.#sentUuid(),
      uniqueToken: () => this.#meta.get(META_UNIQUE_TOKEN) ?? '',
    };
    this.#boot = new Boot(environment, {
      network: this.#deps.network,
      scripts: this.#deps.scripts,
      clock: this.#clock,
      random: this.#random,
      counters: this.counters,
      onNotice: (notice) => this.#notice(notice),
    });
    this.#notice({ kind: 'booting', boot: this.#bootNumber, publicKey: this.#boot.publicKey });
    this.#boot.start();
  }

  #sentUuid(): string {
    const override = this.#options.profile.uniqueToken ? this.#meta.get(META_UUID_OVERRIDE) : undefined;
    return override || this.uuid;
  }

  async #powerOff(shutdown: { sequence: string; cmd: number } | undefined): Promise<void> {
    const boot = this.#boot;
    if (boot === undefined) return;
    if (shutdown !== undefined) await boot.shutDown(shutdown.sequence, shutdown.cmd, this.#closing.signal);
    // The link goes first where power is cut: then no FIN tells the other side.
    if (shutdown === undefined) await this.#deps.network.removeLink();
    await boot.end();
    if (shutdown !== undefined) await this.#deps.network.removeLink();
    this.#boot = undefined;
    this.#notice({ kind: 'off', boot: this.#bootNumber });
  }

  #serially(step: () => void | Promise<void>): Promise<void> {
    const run = this.#busy.then(step);
    this.#busy = run.catch(() => {});
    return run;
  }

  #notice(notice: MachineNotice): void {
    this.#deps.onNotice?.(notice);
  }
}
