import { randomUUID } from 'node:crypto';
import { errorMessage } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { newLinkManager } from './boot-link.ts';
import { type BootScript, type MachineFacts, paceOf } from './boot-script.ts';
import type { BootEnd, BootScripts } from './boot-scripts.ts';
import { BootSenders } from './boot-senders.ts';
import { controllerFailed, linkLines } from './controller-lines.ts';
import type { MachineCounters } from './counters.ts';
import { EventQueue } from './event-queue.ts';
import { KernelLog } from './kernel-log.ts';
import type { KernelRecord } from './kmsg-line.ts';
import type { LinkManager, ProvisionAnswer } from './link-manager.ts';
import type { MachineNotice, MachineOptions } from './machine.ts';
import { addressEvent, type EventBody, encodeEventRequest } from './machine-events.ts';
import type { MetaAccess } from './machine-service.ts';
import { type LinkConfig, linkAddress, type Network } from './network.ts';
import type { Random } from './random.ts';
import { playScript } from './script-player.ts';
import { shutdownEvents, shutdownLines } from './shutdown.ts';
import { type ApiFault, type ApiMode, TalosApi, type TalosApiOptions } from './talos-api.ts';
import { XidSource } from './xid.ts';

const ADDRESS_EVENT_MS = 600_000;
const MICROS = 1000;

export interface BootEnvironment {
  readonly machine: MachineOptions;
  readonly number: number;
  readonly uuid: string;
  readonly hostname: string;
  readonly seed: number;
  /** The machine has its configuration at the start of this boot. */
  readonly configured: boolean;
  readonly meta: MetaAccess;
  readonly apiFault: ApiFault;
  /** The UUID that Provision gets: META may override it. */
  readonly uuidSent: () => string;
  readonly uniqueToken: () => string;
}

export interface BootDeps {
  readonly network: Network;
  readonly scripts: BootScripts;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: MachineCounters;
  readonly onNotice: (notice: MachineNotice) => void;
}

/** One boot: its key, its kernel log, its events, and what sends them. Starts where the machine has an address. */
export class Boot {
  readonly #environment: BootEnvironment;
  readonly #deps: BootDeps;
  readonly #script: BootScript;
  readonly #facts: MachineFacts;
  readonly #log: KernelLog;
  readonly #events = new EventQueue();
  readonly #xids: XidSource;
  readonly #manager: LinkManager;
  readonly #ending = new AbortController();
  readonly #bootedAt: number;
  readonly #startedAt: number;
  readonly #tasks: Promise<void>[] = [];
  readonly #senders: BootSenders;
  /** undefined: the machine is made without one. */
  readonly #api: TalosApi | undefined;
  readonly #scriptEnded = Promise.withResolvers<void>();
  #configured: boolean;
  #apiReady = false;
  #link: LinkConfig | undefined;
  #nextEvent = 0;

  constructor(environment: BootEnvironment, deps: BootDeps) {
    this.#environment = environment;
    this.#deps = deps;
    const { machine, seed } = environment;
    this.#configured = environment.configured;
    this.#script = this.#readScript(environment.configured ? 'running' : 'maintenance');
    this.#facts = {
      seed,
      boot: environment.number,
      uuid: environment.uuid,
      hostname: environment.hostname,
      commandLine: machine.args.commandLine,
      kernel: machine.profile.kernel,
      tag: machine.profile.tag,
      addresses: deps.network.addresses(),
    };
    this.#startedAt = deps.clock.monotonic();
    this.#bootedAt = deps.clock.now() - this.#readyClock / MICROS;
    this.#log = new KernelLog({ script: this.#script, facts: this.#facts });
    this.#xids = new XidSource(deps.random, () => deps.clock.now());
    this.#manager = this.#newManager();
    const bootedAt = this.#bootedAt;
    this.#senders = new BootSenders({ machine, bootedAt }, { ...deps, events: this.#events, log: this.#log });
    this.#api = machine.talosApi ? this.#newApi(machine.talosApi === true ? {} : machine.talosApi) : undefined;
  }

  get publicKey(): string {
    return this.#manager.privateKey.publicKey;
  }

  get address(): string | undefined {
    return linkAddress(this.#link);
  }

  /** What the Talos API answers as; undefined when nobody answers. */
  get apiMode(): ApiMode | undefined {
    return this.#api?.mode;
  }

  get nextSeq(): number {
    return this.#log.next;
  }

  get eventsPending(): number {
    return this.#events.pending;
  }

  start(): void {
    const { signal } = this.#ending;
    void this.#api?.setFault(this.#environment.apiFault);
    this.#advance();
    this.#tasks.push(this.#manager.run(signal), this.#live(signal), this.#heartbeat(signal));
    this.#tasks.push(...this.#senders.start(undefined, signal));
  }

  /** The machine has got its configuration: it leaves maintenance mode once it is there, and goes on booting. */
  leaveMaintenance(): void {
    if (this.#configured) return;
    this.#configured = true;
    this.#tasks.push(this.#goOn(this.#ending.signal));
  }

  async setApiFault(fault: ApiFault): Promise<void> {
    await this.#api?.setFault(fault);
  }

  inputsChanged(): void {
    this.#manager.inputsChanged();
  }

  log(message: string): number {
    this.#append('user', message.endsWith('\n') ? message : `${message}\n`);
    return this.#log.next - 1;
  }

  replayKmsg(): void {
    this.#senders.replayKmsg();
  }

  /** Tells of the end, and waits at most `drainMs` until all is sent. */
  async shutDown(sequence: string, cmd: number, signal: AbortSignal): Promise<void> {
    const { profile } = this.#environment.machine;
    const actorId = profile.actorId ? randomUUID() : undefined;
    for (const line of shutdownLines(sequence)) this.#append('user', line);
    for (const event of shutdownEvents(profile, sequence, cmd)) this.#publish(event, actorId);
    await this.#senders.drain(signal);
  }

  /** Stops all work of this boot. Idempotent. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#api?.stop();
    await Promise.all(this.#tasks);
  }

  /** Kernel clock at which the machine has an address, in microseconds. */
  get #readyClock(): number {
    return Math.ceil(this.#script.networkReady * paceOf(this.#facts));
  }

  /** The kernel's clock in microseconds. */
  get #clock(): number {
    const speed = this.#environment.machine.speed ?? 1;
    const since = (this.#deps.clock.monotonic() - this.#startedAt) * MICROS;
    return this.#readyClock + (speed === Number.POSITIVE_INFINITY ? since : since * speed);
  }

  /** Writes what is due. With infinite speed that is the whole boot. */
  #advance(): void {
    const all = this.#environment.machine.speed === Number.POSITIVE_INFINITY;
    const clock = all ? Number.POSITIVE_INFINITY : this.#clock;
    this.#log.advance(clock);
    const pace = paceOf(this.#facts);
    if (!this.#apiReady && this.#script.apiReady * pace <= clock) this.#apiUp();
    for (;;) {
      const scripted = this.#script.events[this.#nextEvent];
      if (scripted === undefined || scripted.clock * pace > clock) return;
      this.#nextEvent += 1;
      this.#publish(scripted.event(this.#facts));
    }
  }

  /** The rest of the boot, then the chatter of a running machine. */
  async #live(signal: AbortSignal): Promise<void> {
    const speed = this.#environment.machine.speed ?? 1;
    for (let due = this.#nextDue(); due !== undefined && !signal.aborted; due = this.#nextDue()) {
      await this.#deps.clock.sleep(Math.max(1, (due - this.#clock) / MICROS / speed), signal);
      if (!signal.aborted) this.#advance();
    }
    // A quiet boot has no line left that could be waited for.
    if (!signal.aborted && !this.#apiReady) this.#apiUp();
    this.#scriptEnded.resolve();
    if (signal.aborted) return;
    this.#notice({ kind: 'booted', lines: this.#log.next });
    await this.#chat(signal);
  }

  #nextDue(): number | undefined {
    const event = this.#script.events[this.#nextEvent];
    const line = this.#log.nextScriptClock;
    const eventClock = event && event.clock * paceOf(this.#facts);
    if (line === undefined || eventClock === undefined) return line ?? eventClock;
    return Math.min(line, eventClock);
  }

  async #chat(signal: AbortSignal): Promise<void> {
    const rate = this.#environment.machine.linesPerSecond ?? 0;
    if (rate <= 0) return;
    const { clock, random } = this.#deps;
    const started = clock.monotonic();
    // Where lines come faster than timers, several come at once.
    for (let written = 0; !signal.aborted; ) {
      await clock.sleep(Math.max(10, (1000 / rate) * (0.2 + 1.6 * random())), signal);
      const due = Math.floor(((clock.monotonic() - started) / 1000) * rate);
      for (; written < due && !signal.aborted; written++) this.#log.chat(this.#clock);
    }
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    await this.#scriptEnded.promise;
    if (signal.aborted) return;
    await this.#api?.serve(undefined);
    const { machine } = this.#environment;
    const clock = this.#deps.clock;
    const play = { script: this.#readScript('configured'), facts: this.#facts, speed: machine.speed ?? 1 };
    const line = ({ facility, priority, msg }: KernelRecord) => this.#write({ facility, priority, msg });
    const event = (body: EventBody) => this.#publish(body);
    await playScript(play, { clock, line, event, apiReady: () => void this.#api?.serve('running') }, signal);
    if (!signal.aborted) this.#notice({ kind: 'configured' });
  }

  #readScript(end: BootEnd): BootScript {
    const { machine, seed } = this.#environment;
    const script = this.#deps.scripts.script(machine.profile, seed, end);
    return machine.quiet === true ? { ...script, lines: [], events: [] } : script;
  }

  #apiUp(): void {
    this.#apiReady = true;
    void this.#api?.serve(this.#environment.configured ? 'running' : 'maintenance');
  }

  #newApi(options: TalosApiOptions): TalosApi {
    const { machine, meta } = this.#environment;
    const { network, clock, counters } = this.#deps;
    return new TalosApi(options, {
      ...{ profile: machine.profile, network, clock, meta, counters },
      onListening: (mode, address, port) => this.#notice({ kind: 'api', mode, address, port }),
      onError: (error) => this.#append('user', controllerFailed('runtime.MaintenanceServiceController', error)),
    });
  }

  async #heartbeat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(ADDRESS_EVENT_MS, signal);
      if (signal.aborted) return;
      this.#publishAddresses();
    }
  }

  #newManager(): LinkManager {
    const { number } = this.#environment;
    const { clock, random, network, counters } = this.#deps;
    return newLinkManager(this.#environment, {
      ...{ clock, random, network },
      onProvision: (outcome, error) => {
        counters.provisions += 1;
        if (outcome === 'ok') return;
        counters.provisionErrors += 1;
        this.#deps.onNotice({ kind: 'provision_failed', boot: number, error: errorMessage(error) });
      },
      onLink: (config, answer) => this.#linked(config, answer),
      onTunnelEnd: ({ status, message }) => this.#notice({ kind: 'tunnel_ended', status: status ?? null, message }),
      onError: (error, waitMs) => {
        this.#append('user', controllerFailed('siderolink.ManagerController', error));
        this.#deps.onNotice({ kind: 'retry', boot: number, error: errorMessage(error), waitMs });
      },
    });
  }

  #linked(config: LinkConfig, { serverAddress, tunnelAddress }: ProvisionAnswer): void {
    const { machine } = this.#environment;
    const first = this.#link === undefined;
    const moved = this.#link?.address !== config.address;
    this.#link = config;
    this.#deps.counters.links += 1;
    for (const line of linkLines(machine.args, config.endpoint, tunnelAddress)) this.#append('user', line);
    if (moved) this.#publishAddresses();
    if (moved) void this.#api?.linked(linkAddress(config) ?? '');
    if (first) this.#tasks.push(...this.#senders.start(serverAddress, this.#ending.signal));
    this.#notice({
      kind: 'linked',
      address: config.address.split('/', 1)[0] ?? '',
      serverAddress,
      endpoint: config.endpoint,
      tunnelled: config.tunnelled === true,
    });
  }

  #publishAddresses(): void {
    const own = this.address;
    const addresses = [...this.#facts.addresses, ...(own === undefined ? [] : [own])];
    this.#publish(addressEvent(this.#environment.hostname, addresses));
  }

  #publish(event: EventBody, actorId?: string): void {
    const id = this.#xids.next();
    this.#events.push({ id, body: encodeEventRequest(event, id, actorId) });
  }

  #append(facility: 'user' | 'kern', msg: string): void {
    this.#write({ facility, priority: facility === 'user' ? 'warning' : 'info', msg });
  }

  #write(record: Omit<KernelRecord, 'clock'>): void {
    const clock = this.#clock;
    // What was due before comes before: the kernel's clock never goes back.
    this.#log.advance(clock);
    this.#log.append({ ...record, clock });
  }

  #notice(notice: DistributiveOmit<MachineNotice, 'boot'>): void {
    this.#deps.onNotice({ ...notice, boot: this.#environment.number } as MachineNotice);
  }
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;
