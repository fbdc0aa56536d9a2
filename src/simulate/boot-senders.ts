import type { HostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import type { KmsgTarget } from './boot-args.ts';
import type { MachineCounters } from './counters.ts';
import type { EventQueue } from './event-queue.ts';
import { EventSender } from './event-sender.ts';
import type { KernelLog } from './kernel-log.ts';
import { KmsgSender } from './kmsg-sender.ts';
import type { MachineOptions } from './machine.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';

export interface BootSendersOptions {
  readonly machine: MachineOptions;
  /** When the machine's kernel started, in milliseconds since the epoch. */
  readonly bootedAt: number;
}

export interface BootSendersDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly counters: MachineCounters;
  readonly events: EventQueue;
  readonly log: KernelLog;
}

/** Talos waits no longer at a shutdown. */
const DRAIN_MS = 10_000;

/** What sends one boot's kernel log and events. */
export class BootSenders {
  readonly #options: BootSendersOptions;
  readonly #deps: BootSendersDeps;
  #kmsg: KmsgSender | undefined;
  #events: EventSender | undefined;

  constructor(options: BootSendersOptions, deps: BootSendersDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /**
   * Starts those whose target is known: at once, or, for sinks nobody named, once the server's address is. Gives what
   * was started, to be waited for after `signal` has aborted.
   */
  start(serverAddress: string | undefined, signal: AbortSignal): Promise<void>[] {
    const { machine, bootedAt } = this.#options;
    const { args, defaultSinks, profile } = machine;
    const started: Promise<void>[] = [];
    const fallback =
      serverAddress === undefined || !defaultSinks ? undefined : { host: serverAddress, ...defaultSinks };
    const events: HostPort | undefined = args.events ?? (fallback && { host: fallback.host, port: fallback.events });
    if (this.#events === undefined && events !== undefined) {
      this.#events = new EventSender({ profile, target: events }, { ...this.#deps, queue: this.#deps.events });
      started.push(this.#events.run(signal));
    }
    const derived: KmsgTarget[] = fallback ? [{ protocol: 'tcp', host: fallback.host, port: fallback.kmsg }] : [];
    const targets = args.kmsg.length > 0 ? args.kmsg : derived;
    if (this.#kmsg === undefined && targets.length > 0) {
      this.#kmsg = new KmsgSender({ profile, targets, bootedAt }, this.#deps);
      started.push(this.#kmsg.run(signal));
    }
    return started;
  }

  /** Reads the kernel's ring again from its start. */
  replayKmsg(): void {
    this.#kmsg?.replay();
  }

  /** Waits until all is sent, no longer than the machine does, then ends the connection of the log. */
  async drain(signal: AbortSignal): Promise<void> {
    const { drainMs = DRAIN_MS } = this.#options.machine;
    await Promise.all([this.#events?.drain(drainMs, signal), this.#kmsg?.drain(drainMs, signal)]);
    this.#kmsg?.close();
  }
}
