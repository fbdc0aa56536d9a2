import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Liveness } from '../domain/join-types.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import type { LinkMonitor } from '../wireguard/types.ts';
import type { JoinMetrics } from './metrics.ts';

export interface Probe {
  readonly machine: number;
  readonly key: PublicKey;
  readonly address: OverlayAddress;
  readonly withinMs: number;
  /** The boot told its end: no more time than that is given to it. */
  readonly ended: boolean;
}

/** Asks whether incumbents answer. Newcomers who ask about the same peer at one time share the probe. */
export class Prober {
  readonly #maxProbes: number;
  readonly #links: Pick<LinkMonitor, 'isAlive'>;
  readonly #metrics: JoinMetrics;
  readonly #running = new Map<string, Running>();
  #stopped = false;

  constructor(
    options: { readonly maxProbes: number },
    deps: { readonly links: Pick<LinkMonitor, 'isAlive'>; readonly metrics: JoinMetrics },
  ) {
    this.#maxProbes = options.maxProbes;
    this.#links = deps.links;
    this.#metrics = deps.metrics;
  }

  /** @throws SiderolinkError `exhausted` if too many probes run, `unavailable` if the peer cannot be asked or after `stop` */
  ask(probe: Probe): Promise<Liveness> {
    const name = `${probe.machine} ${probe.key} ${probe.withinMs} ${probe.ended}`;
    const shared = this.#running.get(name);
    if (shared !== undefined) return shared.answer;
    if (this.#stopped) return Promise.reject(stopped());
    if (this.#running.size >= this.#maxProbes) {
      return Promise.reject(new SiderolinkError('exhausted', 'too many joins wait for an answer of a machine'));
    }
    const { promise: answer, resolve, reject } = Promise.withResolvers<Liveness>();
    this.#running.set(name, { answer, reject });
    void this.#ask(probe)
      .then(resolve, reject)
      .finally(() => this.#running.delete(name));
    return answer;
  }

  /** Nobody is kept waiting for an incumbent any longer: the newcomers try again, and find our successor. */
  stop(): void {
    this.#stopped = true;
    for (const { reject } of this.#running.values()) reject(stopped());
  }

  async #ask({ machine, key, address, withinMs, ended }: Probe): Promise<Liveness> {
    try {
      const alive = await this.#links.isAlive({ publicKey: key, address }, withinMs, ended);
      this.#metrics.probes.inc({ result: alive ? 'alive' : 'silent' });
      return { machine, key, alive };
    } catch (cause) {
      this.#metrics.probes.inc({ result: 'failed' });
      const message = `it is not known whether the machine of this UUID answers: ${errorMessage(cause)}`;
      throw new SiderolinkError('unavailable', message, { machine }, { cause });
    }
  }
}

interface Running {
  readonly answer: Promise<Liveness>;
  readonly reject: (error: Error) => void;
}

function stopped(): SiderolinkError {
  return new SiderolinkError('unavailable', 'joins are not taken any more');
}
