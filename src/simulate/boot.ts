import { randomUUID } from 'node:crypto';
import { errorMessage } from '../domain/errors.ts';
import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import type { KmsgTarget } from './boot-args.ts';
import { type BootScript, type MachineFacts, paceOf } from './boot-script.ts';
import type { BootScripts } from './boot-scripts.ts';
import type { MachineCounters } from './counters.ts';
import { EventQueue } from './event-queue.ts';
import { EventSender } from './event-sender.ts';
import { GrpcChannel } from './grpc-call.ts';
import { KernelLog } from './kernel-log.ts';
import { KmsgSender } from './kmsg-sender.ts';
import { LinkManager } from './link-manager.ts';
import type { MachineNotice, MachineOptions } from './machine.ts';
import { addressEvent, type EventBody, encodeEventRequest } from './machine-events.ts';
import { connectApi, type LinkConfig, type Network, resolveEndpoint } from './network.ts';
import type { Random } from './random.ts';
import { shutdownEvents, shutdownLines } from './shutdown.ts';
import { XidSource } from './xid.ts';

const PROVISION = '/sidero.link.ProvisionService/Provision';
const ADDRESS_EVENT_MS = 600_000;
const MICROS = 1000;

export interface BootEnvironment {
  readonly machine: MachineOptions;
  readonly number: number;
  readonly uuid: string;
  readonly hostname: string;
  readonly seed: number;
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
  #kmsg: KmsgSender | undefined;
  #eventSender: EventSender | undefined;
  #link: LinkConfig | undefined;
  #nextEvent = 0;

  constructor(environment: BootEnvironment, deps: BootDeps) {
    this.#environment = environment;
    this.#deps = deps;
    const { machine, seed } = environment;
    const script = deps.scripts.script(machine.profile, seed, machine.maintenance === true ? 'maintenance' : 'running');
    this.#script = machine.quiet === true ? { ...script, lines: [], events: [] } : script;
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
  }

  get publicKey(): string {
    return this.#manager.privateKey.publicKey;
  }

  get address(): string | undefined {
    return this.#link?.address.split('/', 1)[0];
  }

  get nextSeq(): number {
    return this.#log.next;
  }

  get eventsPending(): number {
    return this.#events.pending;
  }

  start(): void {
    const { signal } = this.#ending;
    this.#advance();
    this.#tasks.push(this.#manager.run(signal), this.#live(signal), this.#heartbeat(signal));
    this.#startSenders(undefined);
  }

  inputsChanged(): void {
    this.#manager.inputsChanged();
  }

  log(message: string): number {
    this.#append('user', message.endsWith('\n') ? message : `${message}\n`);
    return this.#log.next - 1;
  }

  replayKmsg(): void {
    this.#kmsg?.replay();
  }

  /** Tells of the end, and waits at most 10 s until all is sent. */
  async shutDown(sequence: string, cmd: number, signal: AbortSignal): Promise<void> {
    const { profile } = this.#environment.machine;
    const actorId = profile.actorId ? randomUUID() : undefined;
    for (const line of shutdownLines(sequence)) this.#append('user', line);
    for (const event of shutdownEvents(profile, sequence, cmd)) this.#publish(event, actorId);
    await Promise.all([this.#eventSender?.drain(signal), this.#kmsg?.drain(signal)]);
    this.#kmsg?.close();
  }

  /** Stops all work of this boot. Idempotent. */
  async end(): Promise<void> {
    this.#ending.abort();
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

  async #heartbeat(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#deps.clock.sleep(ADDRESS_EVENT_MS, signal);
      if (signal.aborted) return;
      this.#publishAddresses();
    }
  }

  #newManager(): LinkManager {
    const { machine, number, uuidSent, uniqueToken } = this.#environment;
    const { clock, random, network, counters } = this.#deps;
    return new LinkManager(
      { profile: machine.profile },
      {
        clock,
        random,
        network,
        inputs: () => ({
          uuid: uuidSent(),
          joinToken: machine.args.joinToken,
          uniqueToken: uniqueToken(),
          tunnel: machine.args.tunnel,
        }),
        provision: (request, signal) => this.#provision(request, signal),
        resolve: resolveEndpoint,
        onProvision: (outcome, error) => {
          counters.provisions += 1;
          if (outcome === 'ok') return;
          counters.provisionErrors += 1;
          this.#deps.onNotice({ kind: 'provision_failed', boot: number, error: errorMessage(error) });
        },
        onLink: (config, answer) => this.#linked(config, answer.serverAddress),
        onError: (error, waitMs) => {
          this.#append(
            'user',
            `[talos] controller failed {"component": "controller-runtime", "controller": "siderolink.ManagerController", "error": ${JSON.stringify(errorMessage(error))}}\n`,
          );
          this.#deps.onNotice({ kind: 'retry', boot: number, error: errorMessage(error), waitMs });
        },
      },
    );
  }

  /** A new connection for each call, closed afterwards, as Talos does. */
  async #provision(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { args, ca } = this.#environment.machine;
    const channel = new GrpcChannel(
      { authority: formatHostPort(args.api) },
      { connect: () => connectApi(this.#deps.network, args.api, ca) },
    );
    try {
      return await channel.unary(PROVISION, request, signal);
    } finally {
      channel.close();
    }
  }

  #linked(config: LinkConfig, serverAddress: string): void {
    const { machine } = this.#environment;
    const first = this.#link === undefined;
    const moved = this.#link?.address !== config.address;
    this.#link = config;
    this.#deps.counters.links += 1;
    // Talos logs the API as it was given, token and all (facts/users.md D16).
    const api = /(?:^|\s)siderolink\.api=(\S+)/.exec(machine.args.commandLine)?.[1] ?? '';
    this.#append(
      'user',
      `[talos] siderolink connection configured {"component": "controller-runtime", "controller": "siderolink.ManagerController", "endpoint": ${JSON.stringify(api)}, "next_peer_endpoint": "${config.endpoint}"}\n`,
    );
    if (moved) this.#publishAddresses();
    if (first) this.#startSenders(serverAddress);
    this.#notice({
      kind: 'linked',
      address: config.address.split('/', 1)[0] ?? '',
      serverAddress,
      endpoint: config.endpoint,
    });
  }

  /** Starts the senders whose target is known: at once, or, for sinks nobody named, once the server's address is. */
  #startSenders(serverAddress: string | undefined): void {
    const { args, defaultSinks, profile } = this.#environment.machine;
    const { clock, random, network, counters } = this.#deps;
    const { signal } = this.#ending;
    const fallback =
      serverAddress === undefined || !defaultSinks ? undefined : { host: serverAddress, ...defaultSinks };
    const events: HostPort | undefined = args.events ?? (fallback && { host: fallback.host, port: fallback.events });
    if (this.#eventSender === undefined && events !== undefined) {
      const deps = { clock, random, network, queue: this.#events, counters };
      this.#eventSender = new EventSender({ profile, target: events }, deps);
      this.#tasks.push(this.#eventSender.run(signal));
    }
    const derived: KmsgTarget[] = fallback ? [{ protocol: 'tcp', host: fallback.host, port: fallback.kmsg }] : [];
    const targets = args.kmsg.length > 0 ? args.kmsg : derived;
    if (this.#kmsg === undefined && targets.length > 0) {
      const options = { profile, targets, bootedAt: this.#bootedAt };
      this.#kmsg = new KmsgSender(options, { clock, random, network, log: this.#log, counters });
      this.#tasks.push(this.#kmsg.run(signal));
    }
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
    this.#log.append({ clock: this.#clock, facility, priority: facility === 'user' ? 'warning' : 'info', msg });
  }

  #notice(notice: DistributiveOmit<MachineNotice, 'boot'>): void {
    this.#deps.onNotice({ ...notice, boot: this.#environment.number } as MachineNotice);
  }
}

type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;
