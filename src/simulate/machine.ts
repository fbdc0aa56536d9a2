import { type Clock, systemClock } from '../lib/clock.ts';
import { Boot, type BootEnvironment } from './boot.ts';
import type { BootArguments } from './boot-args.ts';
import type { BootScripts } from './boot-scripts.ts';
import { type MachineCounters, newCounters } from './counters.ts';
import { RESTART_COMMANDS } from './machine-events.ts';
import { Meta } from './meta.ts';
import type { Network, Outage } from './network.ts';
import type { TalosProfile } from './profile.ts';
import { hashText, mixSeed, type Random, seededRandom, seededUuid } from './random.ts';
import type { ApiFault, ApiMode, TalosApiOptions } from './talos-api.ts';

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
  /** META at the first boot, e.g. that of the machine whose disk was cloned. */
  readonly meta?: ReadonlyMap<number, string>;
  /**
   * Booted from PXE or ISO and not installed: META is in memory only and lost when the machine goes down, until the
   * sequence `install` writes it to the disk.
   */
  readonly loseMeta?: boolean;
  /** Has no configuration: boots end in maintenance mode instead of a running node, until it gets one. */
  readonly maintenance?: boolean;
  /**
   * Serves the Talos API on port 50000 of its overlay address. Not by default: it costs a listening socket, and in a
   * process of its own, where it costs nothing, it is on (`AgentOptions`).
   */
  readonly talosApi?: boolean | TalosApiOptions;
  /** Boots without the lines and events of a boot: only what the link itself causes. For joins and idling by the thousand. */
  readonly quiet?: boolean;
  /** Kernel lines per second once it has booted. */
  readonly linesPerSecond?: number;
  /** How much faster than real a boot goes; Infinity: all at once. */
  readonly speed?: number;
  /** Time without power or kernel in a reboot, in milliseconds. */
  readonly darkMs?: number;
  /** How long a shutdown waits until what it told is sent, in milliseconds. Default 10 s, as Talos does. */
  readonly drainMs?: number;
  /** Ports on the server's overlay address for sinks that the kernel arguments do not name; null: none. */
  readonly defaultSinks?: { readonly kmsg: number; readonly events: number } | null;
  /** PEM of the API's authority, beside those of `args`; without any the system's are trusted. */
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
      /** By WireGuard over gRPC; the endpoint is the machine's own end of it then. */
      readonly tunnelled: boolean;
    }
  /** A stream of WireGuard over gRPC ended: a gRPC status, null if the connection was lost. */
  | { readonly kind: 'tunnel_ended'; readonly boot: number; readonly status: number | null; readonly message: string }
  | { readonly kind: 'booted'; readonly boot: number; readonly lines: number }
  /** The Talos API answers. */
  | {
      readonly kind: 'api';
      readonly boot: number;
      readonly mode: ApiMode;
      readonly address: string;
      readonly port: number;
    }
  | { readonly kind: 'meta'; readonly boot: number; readonly key: number; readonly change: 'written' | 'deleted' }
  /** It has left maintenance mode and runs. */
  | { readonly kind: 'configured'; readonly boot: number }
  | { readonly kind: 'rebooting'; readonly boot: number; readonly mode: RebootMode }
  | { readonly kind: 'off'; readonly boot: number };

export type RebootMode = 'reboot' | 'kexec';

export interface RebootOptions {
  /** kexec skips the firmware, so it is back sooner. */
  readonly mode?: RebootMode;
  /** Whether META is lost in this reboot, whatever the machine's own `loseMeta` says. */
  readonly loseMeta?: boolean;
  /** Power cut: nothing is drained, no event tells of it. */
  readonly abrupt?: boolean;
  /**
   * What ran before. `install` needs and leaves a configuration, and writes META to the disk; `reset` takes the
   * configuration away and leaves META, unless `loseMeta` wipes that too.
   */
  readonly sequence?: 'reboot' | 'upgrade' | 'reset' | 'install';
}

export interface MachineState {
  readonly uuid: string;
  readonly hostname: string;
  /** 0 before the first boot. */
  readonly boot: number;
  readonly power: 'off' | 'on';
  /** Has its configuration; else boots end in maintenance mode. */
  readonly configured: boolean;
  /** Is on its disk, so META outlives a reboot. */
  readonly installed: boolean;
  /** What the Talos API answers as; null when nobody answers. */
  readonly api: ApiMode | null;
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
  readonly #meta: Meta;
  #configured: boolean;
  #installed: boolean;
  #apiFault: ApiFault = 'none';
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
    this.#meta = new Meta(options.meta ?? new Map(), (key, change) => this.#metaChanged(key, change));
    this.#configured = options.maintenance !== true;
    this.#installed = options.loseMeta !== true;
  }

  get state(): MachineState {
    return {
      uuid: this.uuid,
      hostname: this.hostname,
      boot: this.#bootNumber,
      power: this.#boot === undefined ? 'off' : 'on',
      configured: this.#configured,
      installed: this.#installed,
      api: this.#boot?.apiMode ?? null,
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
  reboot(options: RebootOptions = {}): Promise<void> {
    return this.#serially(() => this.#reboot(options));
  }

  /**
   * Gives the machine its configuration, as `talosctl apply-config` does. One that is installed leaves maintenance
   * mode and goes on booting; one that is not installs itself and kexecs. Resolves when it goes on, or when the new
   * boot has begun. One that is off will find it at its next boot. Does nothing if it has one.
   */
  configure(): Promise<void> {
    return this.#serially(async () => {
      if (this.#configured) return;
      if (!this.#installed && this.#boot !== undefined) {
        await this.#reboot({ mode: 'kexec', sequence: 'install' });
        return;
      }
      this.#configured = true;
      this.#boot?.leaveMaintenance();
    });
  }

  /** Shuts the machine down, drained as Talos does, or at once. It may be started again. */
  stop({ abrupt = false }: { abrupt?: boolean } = {}): Promise<void> {
    return this.#serially(async () => {
      if (this.#boot === undefined) return;
      await this.#powerOff(abrupt ? undefined : { sequence: 'shutdown', cmd: RESTART_COMMANDS.powerOff });
      if (!this.#installed) this.#meta.lose();
    });
  }

  /** What META holds, secrets and all. */
  get meta(): ReadonlyMap<number, string> {
    return this.#meta.values;
  }

  /**
   * Writes META as the Talos API does; a new value of 15 or 16 makes the machine provision again at once, with the
   * same key. Gives whether there was room.
   */
  setMeta(key: number, value: string): boolean {
    return this.#meta.write(key, value);
  }

  /** Deletes from META as the Talos API does. Gives whether it was there. */
  deleteMeta(key: number): boolean {
    return this.#meta.remove(key);
  }

  /** Breaks the Talos API, or mends it, for this boot and those to come; resolves when it is so. */
  async setApiFault(fault: ApiFault): Promise<void> {
    this.#apiFault = fault;
    await this.#boot?.setApiFault(fault);
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
    try {
      await this.#serially(() => this.#powerOff(undefined));
    } finally {
      await this.#deps.network.close();
    }
  }

  async #reboot({ mode = 'reboot', loseMeta, abrupt = false, sequence = 'reboot' }: RebootOptions): Promise<void> {
    const cmd = mode === 'kexec' ? RESTART_COMMANDS.kexec : RESTART_COMMANDS.restart;
    const wasOn = this.#boot !== undefined;
    this.#notice({ kind: 'rebooting', boot: this.#bootNumber, mode });
    await this.#powerOff(abrupt ? undefined : { sequence, cmd });
    // Where power is cut no sequence runs to its end.
    if (wasOn && !abrupt && sequence === 'install') {
      this.#installed = true;
      this.#configured = true;
    }
    if (wasOn && !abrupt && sequence === 'reset') this.#configured = false;
    if (loseMeta ?? !this.#installed) this.#meta.lose();
    const dark = this.#options.darkMs ?? (mode === 'kexec' ? KEXEC_MS : FIRMWARE_MS) / (this.#options.speed ?? 1);
    await this.#clock.sleep(dark, this.#closing.signal);
    if (!this.#closing.signal.aborted) this.#powerOn();
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
      configured: this.#configured,
      meta: this.#meta,
      apiFault: this.#apiFault,
      uuidSent: () => this.#sentUuid(),
      uniqueToken: () => this.#meta.read(META_UNIQUE_TOKEN) ?? '',
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
    const override = this.#options.profile.uniqueToken ? this.#meta.read(META_UUID_OVERRIDE) : undefined;
    return override || this.uuid;
  }

  async #powerOff(shutdown: { sequence: string; cmd: number } | undefined): Promise<void> {
    const boot = this.#boot;
    if (boot === undefined) return;
    if (shutdown !== undefined) await boot.shutDown(shutdown.sequence, shutdown.cmd, this.#closing.signal);
    try {
      // The link goes first where power is cut: then no FIN tells the other side.
      if (shutdown === undefined) await this.#deps.network.removeLink();
    } finally {
      await boot.end();
    }
    // Also where it went before: the boot may have made it once more until its end.
    await this.#deps.network.removeLink();
    this.#boot = undefined;
    this.#notice({ kind: 'off', boot: this.#bootNumber });
  }

  #metaChanged(key: number, change: 'written' | 'deleted'): void {
    this.#notice({ kind: 'meta', boot: this.#bootNumber, key, change });
    const { uniqueToken } = this.#options.profile;
    if (uniqueToken && (key === META_UNIQUE_TOKEN || key === META_UUID_OVERRIDE)) this.#boot?.inputsChanged();
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
