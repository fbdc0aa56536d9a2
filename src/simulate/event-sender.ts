import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { Clock } from '../lib/clock.ts';
import { Backoff } from './backoff.ts';
import type { MachineCounters } from './counters.ts';
import type { EventQueue } from './event-queue.ts';
import { GrpcChannel } from './grpc-call.ts';
import type { Network } from './network.ts';
import type { TalosProfile } from './profile.ts';
import type { Random } from './random.ts';

const PUBLISH = '/events.EventSinkService/Publish';
const DRAIN_STEP_MS = 50;

export interface EventSenderOptions {
  readonly profile: TalosProfile;
  readonly target: HostPort;
}

export interface EventSenderDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Pick<Network, 'connectOverlay'>;
  readonly queue: EventQueue;
  readonly counters: MachineCounters;
}

/**
 * Publishes one boot's events: one in flight, in order, without a deadline. After any error a new connection follows,
 * after a backoff that only grows, and the event that failed goes again (facts/talos-client.md section 4.2).
 */
export class EventSender {
  readonly #profile: TalosProfile;
  readonly #target: HostPort;
  readonly #deps: EventSenderDeps;

  constructor({ profile, target }: EventSenderOptions, deps: EventSenderDeps) {
    this.#profile = profile;
    this.#target = target;
    this.#deps = deps;
  }

  /** Publishes until `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#deps.random);
    const { queue, counters, clock, network } = this.#deps;
    while (!signal.aborted && !this.#overrun()) {
      const channel = new GrpcChannel(
        { authority: formatHostPort(this.#target) },
        { connect: () => network.connectOverlay(this.#target) },
      );
      try {
        while (!signal.aborted && !this.#overrun()) {
          await queue.waiting(signal);
          const event = queue.head;
          if (event === undefined) continue;
          await channel.unary(PUBLISH, event.body, signal);
          queue.acknowledge(event);
          counters.eventsSent += 1;
        }
      } catch {
        if (signal.aborted) break;
        counters.eventErrors += 1;
        channel.close();
        await clock.sleep(backoff.next(), signal);
      } finally {
        channel.close();
      }
    }
  }

  /** Waits at a shutdown until all is acknowledged, so long at most. */
  async drain(withinMs: number, signal: AbortSignal): Promise<void> {
    const { clock, queue } = this.#deps;
    const until = clock.monotonic() + withinMs;
    while (queue.pending > 0 && !signal.aborted && clock.monotonic() < until) await clock.sleep(DRAIN_STEP_MS, signal);
  }

  /** Whether the ring ran over; up to 1.4 the controller is finished then, until the next boot. */
  #overrun(): boolean {
    this.#deps.counters.eventsLost += this.#deps.queue.takeOverruns();
    return !this.#profile.eventsSurviveOverrun && this.#deps.queue.overran;
  }
}
