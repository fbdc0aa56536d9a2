import { getuid } from 'node:process';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { AgentOptions } from './agent-protocol.ts';
import { parseBootArguments } from './boot-args.ts';
import { BootScripts } from './boot-scripts.ts';
import { type MachineCounters, sumCounters } from './counters.ts';
import { DirectNetwork } from './direct-network.ts';
import { type MachineState, type RebootOptions, SimulatedMachine } from './machine.ts';
import { removeLeftovers } from './machine-namespace.ts';
import { NamespacedMachine } from './namespaced-machine.ts';
import type { SimulateOptions } from './options.ts';
import { talosProfile } from './profile.ts';
import type { Progress } from './progress.ts';
import { mixSeed, seededRandom, seededUuid } from './random.ts';
import { systemCommand } from './system-command.ts';

/** Ports of the daemon's sinks where the kernel arguments name none. */
const DEFAULT_SINKS = { kmsg: 4001, events: 4002 };

export interface SimulationDeps {
  readonly progress: Progress;
  readonly clock: Clock;
}

/** What the command needs of a machine, wherever it runs. */
interface Machine {
  readonly uuid: string;
  start(): Promise<void>;
  reboot(options: RebootOptions): Promise<void>;
  configure(): Promise<void>;
  stop(options: { readonly abrupt: boolean }): Promise<void>;
  state(): Promise<MachineState>;
  close(): Promise<void>;
}

type SharedOptions = Omit<AgentOptions, 'version' | 'kernelArguments' | 'joinToken'> & { readonly uuid: string };

/** One run of the command. */
export class Simulation {
  readonly #options: SimulateOptions;
  readonly #progress: Progress;
  readonly #clock: Clock;
  readonly #machines: Machine[] = [];
  readonly #crashed = new Set<string>();
  readonly #scripts = new BootScripts();

  constructor(options: SimulateOptions, { progress, clock }: SimulationDeps) {
    this.#options = options;
    this.#progress = progress;
    this.#clock = clock;
  }

  /** Runs until `signal` aborts or the duration is over, and takes everything away again, also after an error. */
  async run(signal: AbortSignal): Promise<{ readonly crashed: number }> {
    if (this.#options.transport === 'namespace') await this.#prepareHost();
    const ended = new AbortController();
    const end = () => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    const lives: Promise<void>[] = [];
    try {
      for (let index = 0; index < this.#options.count && !signal.aborted; index++) {
        const machine = await this.#make(index);
        this.#machines.push(machine);
        await machine.start();
        lives.push(this.#rebootNowAndThen(machine, index, ended.signal), this.#configureLater(machine, ended.signal));
      }
      await sleepLong(this.#clock, this.#options.duration ?? Number.POSITIVE_INFINITY, signal);
      ended.abort();
      await Promise.all(lives);
      await Promise.all(this.#living().map((machine) => this.#stop(machine, signal.aborted)));
      this.#progress.summary(this.#machines.length, await this.#counters());
    } finally {
      ended.abort();
      signal.removeEventListener('abort', end);
      await this.#closeAll();
    }
    return { crashed: this.#crashed.size };
  }

  async #prepareHost(): Promise<void> {
    if (getuid?.() !== 0) {
      throw new SiderolinkError('invalid_argument', 'network namespaces need root: use sudo, or --transport direct');
    }
    const removed = await removeLeftovers(systemCommand);
    if (removed > 0) this.#progress.say(`removed ${removed} namespaces that an earlier run left behind`);
  }

  async #make(index: number): Promise<Machine> {
    const { ca, profiles, transport } = this.#options;
    const seed = mixSeed(this.#options.seed, index);
    const version = profiles[index % profiles.length] ?? profiles[0];
    const shared: SharedOptions = {
      seed,
      uuid: this.#options.uuid ?? seededUuid(seededRandom(seed)),
      loseMeta: this.#options.loseMeta,
      maintenance: this.#options.maintenance || this.#options.configureAfter !== undefined,
      linesPerSecond: this.#options.rate,
      speed: this.#options.speed,
      defaultSinks: DEFAULT_SINKS,
      talosApi: this.#options.talosApi || transport === 'namespace',
      ...(ca === undefined ? {} : { ca }),
    };
    return transport === 'direct' ? this.#direct(shared, version) : await this.#namespaced(shared, version, index);
  }

  #direct(shared: SharedOptions, version: string): Machine {
    const { kernelArguments, joinToken } = this.#options;
    const { uuid } = shared;
    const profile = talosProfile(version);
    const machine = new SimulatedMachine(
      { ...shared, profile, args: parseBootArguments(kernelArguments, profile, joinToken) },
      {
        network: new DirectNetwork({ clock: this.#clock }),
        scripts: this.#scripts,
        clock: this.#clock,
        onNotice: (notice) => this.#progress.notice(uuid, notice),
      },
    );
    return {
      uuid,
      start: () => machine.start(),
      reboot: (reboot) => machine.reboot(reboot),
      configure: () => machine.configure(),
      stop: (how) => machine.stop(how),
      state: async () => machine.state,
      close: () => machine.close(),
    };
  }

  async #namespaced(shared: SharedOptions, version: string, index: number): Promise<Machine> {
    const { kernelArguments, joinToken, gateway } = this.#options;
    const { uuid } = shared;
    const machine: NamespacedMachine = new NamespacedMachine(
      {
        ...shared,
        index,
        version,
        kernelArguments,
        ...(joinToken === undefined ? {} : { joinToken }),
        ...(gateway === undefined ? {} : { gateway }),
      },
      {
        onNotice: (notice) => this.#progress.notice(uuid, notice),
        onCrash: (reason) => void this.#bury(machine, uuid, reason),
      },
    );
    await machine.create();
    return {
      uuid,
      start: () => machine.start(),
      reboot: (reboot) => machine.reboot(reboot),
      configure: () => machine.configure(),
      stop: (how) => machine.stop(how),
      state: () => machine.state(),
      close: () => machine.close(),
    };
  }

  /** Not all at once: each machine has its own moment within the time. */
  async #rebootNowAndThen(machine: Machine, index: number, signal: AbortSignal): Promise<void> {
    const every = this.#options.rebootEvery;
    if (every === undefined) return;
    const random = seededRandom(mixSeed(this.#options.seed, index + 1_000_003));
    while (!signal.aborted) {
      await sleepLong(this.#clock, every * (0.75 + 0.5 * random()), signal);
      if (signal.aborted || this.#crashed.has(machine.uuid)) return;
      try {
        await machine.reboot({ mode: this.#options.kexec ? 'kexec' : 'reboot' });
      } catch (error) {
        this.#progress.crashed(machine.uuid, errorMessage(error));
        return;
      }
    }
  }

  async #configureLater(machine: Machine, signal: AbortSignal): Promise<void> {
    const after = this.#options.configureAfter;
    if (after === undefined) return;
    await sleepLong(this.#clock, after, signal);
    if (signal.aborted || this.#crashed.has(machine.uuid)) return;
    try {
      await machine.configure();
    } catch (error) {
      this.#progress.crashed(machine.uuid, errorMessage(error));
    }
  }

  /**
   * One that dies meanwhile is told of as one that crashed; the others go down in order, which tells the gateway that
   * their keys are of the past. In a hurry those without a link have the power cut: nobody would hear them.
   */
  async #stop(machine: Machine, hurry: boolean): Promise<void> {
    try {
      const abrupt = hurry && (await machine.state()).address === null;
      await machine.stop({ abrupt });
    } catch (error) {
      if (!this.#crashed.has(machine.uuid)) throw error;
    }
  }

  /** A machine whose process died leaves its namespace, and perhaps a wireguard-go. */
  async #bury(machine: NamespacedMachine, uuid: string, reason: string): Promise<void> {
    this.#crashed.add(uuid);
    this.#progress.crashed(uuid, reason);
    try {
      await machine.close();
    } catch (error) {
      this.#progress.say(`could not clean up after ${uuid}: ${errorMessage(error)}`);
    }
  }

  #living(): Machine[] {
    return this.#machines.filter(({ uuid }) => !this.#crashed.has(uuid));
  }

  async #counters(): Promise<MachineCounters> {
    const states = await Promise.allSettled(this.#living().map((machine) => machine.state()));
    return sumCounters(states.flatMap((state) => (state.status === 'fulfilled' ? [state.value.counters] : [])));
  }

  async #closeAll(): Promise<void> {
    const results = await Promise.allSettled(this.#machines.map((machine) => machine.close()));
    for (const result of results) {
      if (result.status === 'rejected') this.#progress.say(`could not clean up: ${errorMessage(result.reason)}`);
    }
  }
}

/** The longest that a timer of Node can wait; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

async function sleepLong(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0 && !signal.aborted; left -= LONGEST_TIMER_MS) {
    await clock.sleep(Math.min(left, LONGEST_TIMER_MS), signal);
  }
}
