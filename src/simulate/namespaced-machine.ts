import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SiderolinkError } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { AgentCalls, AgentMessage, AgentOptions, AgentRequest } from './agent-protocol.ts';
import type { MachineNotice, MachineState, RebootOptions } from './machine.ts';
import { MachineNamespace, WORLD_INTERFACE } from './machine-namespace.ts';
import type { Outage } from './network.ts';
import { type SystemCommand, systemCommand } from './system-command.ts';
import type { ApiFault } from './talos-api.ts';

const STDERR_KEPT = 4096;

/** A process that has not taken its link away by then never will; what it leaves goes with the namespace. */
const END_DEADLINE_MS = 20_000;

export interface NamespacedMachineOptions extends AgentOptions {
  /** Number of the machine in this process, unique among those that live at the same time. */
  readonly index: number;
  /** Network namespace of the gateway; undefined: the one we are in. */
  readonly gateway?: string;
}

export interface NamespacedMachineDeps {
  readonly run?: SystemCommand;
  readonly onNotice?: (notice: MachineNotice) => void;
  /** The machine's process ended by itself; `reason` is what it last wrote on stderr. */
  readonly onCrash?: (reason: string) => void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** A simulated machine in a network namespace of its own, driven over IPC. Needs root. */
export class NamespacedMachine {
  readonly namespace: MachineNamespace;
  readonly #options: AgentOptions;
  readonly #deps: NamespacedMachineDeps;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #gone: Promise<unknown> = Promise.resolve();
  #stderr = '';
  #nextId = 1;
  #closing = false;
  #closed: Promise<void> | undefined;

  constructor({ index, gateway, ...options }: NamespacedMachineOptions, deps: NamespacedMachineDeps = {}) {
    this.#options = options;
    this.#deps = deps;
    const where = gateway === undefined ? { index } : { index, gateway };
    this.namespace = new MachineNamespace(where, deps.run ?? systemCommand);
  }

  /** The machine's process; undefined when it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Makes the namespace and the machine in it, powered off. @throws SiderolinkError `command_failed`, `unavailable` */
  async create(): Promise<MachineState> {
    await this.namespace.create();
    try {
      this.#spawn();
      return await this.#call('setup', {
        machine: this.#options,
        linkInterface: this.namespace.linkInterface,
        worldInterface: WORLD_INTERFACE,
      });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  start(): Promise<void> {
    return this.#call('start');
  }

  reboot(options: RebootOptions = {}): Promise<void> {
    return this.#call('reboot', options);
  }

  stop(options: { abrupt?: boolean } = {}): Promise<void> {
    return this.#call('stop', options);
  }

  /** What the machine is and did, counters and all. */
  state(): Promise<MachineState> {
    return this.#call('state');
  }

  /** Gives the machine its configuration: see `SimulatedMachine.configure`. */
  configure(): Promise<void> {
    return this.#call('configure');
  }

  /** What META holds, secrets and all. With the same UUID in the options of another machine it makes a clone. */
  meta(): Promise<ReadonlyMap<number, string>> {
    return this.#call('meta');
  }

  /** Writes META as the Talos API does; gives whether there was room. */
  setMeta(key: number, value: string): Promise<boolean> {
    return this.#call('setMeta', { key, value });
  }

  /** Gives whether it was there. */
  deleteMeta(key: number): Promise<boolean> {
    return this.#call('deleteMeta', key);
  }

  /** Breaks the Talos API, or mends it; resolves when it is so. */
  setApiFault(fault: ApiFault): Promise<void> {
    return this.#call('setApiFault', fault);
  }

  setOutage(outage: Outage): Promise<void> {
    return this.#call('setOutage', outage);
  }

  /** Makes the kernel write this line; gives its seq. */
  log(message: string): Promise<number | undefined> {
    return this.#call('log', message);
  }

  replayKmsg(): Promise<void> {
    return this.#call('replayKmsg');
  }

  /** Ends the machine at once and removes namespace, link and process, also after a crash. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close().catch((error: unknown) => {
      // May be tried again.
      this.#closed = undefined;
      throw error;
    });
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined) {
      // The machine's process takes its link away and ends when its parent has gone.
      if (child.connected) child.disconnect();
      const cancel = systemClock.after(END_DEADLINE_MS, () => child.kill('SIGKILL'));
      await this.#gone;
      cancel();
    }
    await this.namespace.destroy();
  }

  #spawn(): void {
    const agent = fileURLToPath(new URL(`./agent-worker${extname(import.meta.url)}`, import.meta.url));
    const child = spawn('ip', ['netns', 'exec', this.namespace.name, process.execPath, agent], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#child = child;
    // Not 'close': it does not come after a disconnect of ours.
    this.#gone = once(child, 'exit').catch(() => {});
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    child.on('message', (message: AgentMessage) => this.#receive(message));
    child.once('error', (error) => this.#ended(error.message));
    child.once('exit', (code, signal) => this.#ended(`ended with ${signal ?? `exit code ${code}`}: ${this.#stderr}`));
  }

  #call<Name extends keyof AgentCalls>(
    call: Name,
    ...[argument]: Parameters<AgentCalls[Name]>
  ): Promise<ReturnType<AgentCalls[Name]> extends undefined ? void : ReturnType<AgentCalls[Name]>> {
    const child = this.#child;
    if (child?.connected !== true) {
      return Promise.reject(new SiderolinkError('unavailable', "the machine's process is not running"));
    }
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      const request: AgentRequest = { id, call, argument };
      child.send(request, (error) => {
        if (error !== null && this.#pending.delete(id)) reject(error);
      });
    });
  }

  #receive(message: AgentMessage): void {
    if (message.kind === 'notice') {
      this.#deps.onNotice?.(message.notice);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'answer') pending?.resolve(message.value as never);
    else pending?.reject(new SiderolinkError('unavailable', message.message));
  }

  #ended(reason: string): void {
    const crashed = this.#child !== undefined && !this.#closing;
    this.#child = undefined;
    for (const { reject } of this.#pending.values())
      reject(new SiderolinkError('unavailable', `the machine ${reason}`));
    this.#pending.clear();
    if (crashed) this.#deps.onCrash?.(reason);
  }
}
