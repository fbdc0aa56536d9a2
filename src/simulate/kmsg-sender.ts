import { setImmediate } from 'node:timers/promises';
import { SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { Backoff } from './backoff.ts';
import type { KmsgTarget } from './boot-args.ts';
import type { MachineCounters } from './counters.ts';
import type { KernelLog } from './kernel-log.ts';
import { KmsgDestination } from './kmsg-destination.ts';
import { type BootTime, formatKernelLine, ZERO_LINE } from './kmsg-line.ts';
import type { Network } from './network.ts';
import type { TalosProfile } from './profile.ts';
import type { Random } from './random.ts';

const RETRY_MS = 1_000;
const QUIET_MS = 100;

/** Lines that go straight into the kernel need no I/O of ours: after so many the others of the process get a turn. */
const LINES_PER_TURN = 64;

export interface KmsgSenderOptions {
  readonly profile: TalosProfile;
  readonly targets: readonly KmsgTarget[];
  /** When the machine's kernel started, in milliseconds since the epoch, by the injected clock. */
  readonly bootedAt: number;
}

export interface KmsgSenderDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Pick<Network, 'connectOverlay' | 'sendOverlay'>;
  readonly log: KernelLog;
  readonly counters: MachineCounters;
}

/** Delivers one boot's kernel log as Talos does (facts/talos-client.md section 5.1). */
export class KmsgSender {
  readonly #profile: TalosProfile;
  readonly #bootedAt: number;
  readonly #deps: KmsgSenderDeps;
  readonly #destinations: readonly KmsgDestination[];
  readonly #subMillisecond: number;
  #position = 0;

  constructor({ profile, targets, bootedAt }: KmsgSenderOptions, deps: KmsgSenderDeps) {
    this.#profile = profile;
    this.#bootedAt = bootedAt;
    this.#deps = deps;
    this.#subMillisecond = Math.floor(deps.random() * 1_000_000);
    const onConnection = () => {
      deps.counters.kmsgConnections += 1;
    };
    this.#destinations = targets.map((target) => new KmsgDestination(target, { ...deps, onConnection }));
  }

  /** The number of the record that goes out next. */
  get position(): number {
    return this.#position;
  }

  /** Delivers until `signal` aborts, then drops the connections. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const abort = () => this.#destroy();
    signal.addEventListener('abort', abort, { once: true });
    const backoff = new Backoff(this.#deps.random);
    while (!signal.aborted) {
      try {
        await this.#read(signal);
      } catch {
        // Up to 1.4 one failure ends the controller, and the next one reads the ring from its start.
        this.#destroy();
        await this.#deps.clock.sleep(backoff.next(), signal);
      }
    }
    signal.removeEventListener('abort', abort);
    this.#destroy();
  }

  /** Reads the ring again from its start, as a restarted controller does. */
  replay(): void {
    this.#position = 0;
    this.#deps.counters.kmsgReplays += 1;
  }

  /** Waits at a shutdown until nothing new came for 100 ms, so long at most; the oldest releases end with a zero record. */
  async drain(withinMs: number, signal: AbortSignal): Promise<void> {
    if (this.#destinations.length === 0) return;
    const { clock, log } = this.#deps;
    const until = clock.monotonic() + withinMs;
    for (let quiet = false; !quiet && !signal.aborted && clock.monotonic() < until; ) {
      const before = log.next;
      await clock.sleep(QUIET_MS, signal);
      quiet = log.next === before && this.#position >= before;
    }
    if (!this.#profile.kmsgZeroRecord || signal.aborted) return;
    for (const destination of this.#destinations) await destination.send(ZERO_LINE);
  }

  /** Ends the connections after what was written. */
  close(): void {
    for (const destination of this.#destinations) destination.close();
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { log, counters } = this.#deps;
    if (this.#position > 0) this.replay();
    const boot = this.#bootTime();
    while (!signal.aborted) {
      if (this.#position < log.first) {
        counters.kmsgLost += log.first - this.#position;
        this.#position = log.first;
      }
      const seq = this.#position;
      const record = log.read(seq);
      if (record === undefined) {
        await log.waiting(seq, signal);
        continue;
      }
      await this.#deliver(formatKernelLine(record, seq, boot), signal);
      // A replay that was asked for in the meantime starts from zero.
      if (this.#position === seq) this.#position += 1;
      if (seq % LINES_PER_TURN === LINES_PER_TURN - 1) await setImmediate();
    }
  }

  async #deliver(line: string, signal: AbortSignal): Promise<void> {
    const { counters, clock } = this.#deps;
    while (!signal.aborted) {
      const results =
        this.#destinations.length === 1
          ? [await this.#destinations[0]?.send(line)]
          : await Promise.all(this.#destinations.map((destination) => destination.send(line)));
      if (results.includes('sent')) {
        counters.kmsgSent += 1;
        return;
      }
      if (signal.aborted) return;
      if (!this.#profile.kmsgRetries) throw new SiderolinkError('unavailable', 'no destination took the line');
      if (results.includes('partial')) {
        counters.kmsgLost += 1;
        return;
      }
      counters.kmsgRetries += 1;
      await clock.sleep(RETRY_MS, signal);
    }
  }

  /** The start of the boot as this reader knows it: before 1.13 to one second only, and anew for each reader. */
  #bootTime(): BootTime {
    const now = this.#deps.clock.now();
    const uptime = now - this.#bootedAt;
    const started = this.#profile.exactBootTime ? this.#bootedAt : now - Math.floor(uptime / 1000) * 1000;
    const whole = Math.floor(started);
    const seconds = Math.floor(whole / 1000);
    return { seconds, nanos: (whole - seconds * 1000) * 1_000_000 + this.#subMillisecond };
  }

  #destroy(): void {
    for (const destination of this.#destinations) destination.destroy();
  }
}
