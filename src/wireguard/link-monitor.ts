import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { Clock } from '../lib/clock.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type Knock, tcpKnock } from './knock.ts';
import { type KeyHistory, LinkTable } from './link-table.ts';
import type { WireGuardMetrics } from './metrics.ts';
import type { LinkEvent, LinkMonitor, LinkState, PeerSpec, WireGuard } from './types.ts';

export interface PollingLinkMonitorOptions {
  /** Time between two readings of the device. It grows with their cost, up to a fifth of `upWindowMs`. Default 5 s. */
  readonly pollMs?: number;
  /** Time between two readings while someone waits for a peer's answer. Default 250 ms. */
  readonly probePollMs?: number;
  /** Default 75 s: three keepalives of Talos. */
  readonly upWindowMs?: number;
  /** A peer silent for so long is not asked. Default 60 s. */
  readonly silentMs?: number;
  /**
   * So long after a repair had to make a peer anew its silence proves nothing: its machine does not know of it. Default
   * 135 s: it renews its handshake after 120 s at the latest (REKEY_AFTER_TIME of the WireGuard paper), and again if lost.
   */
  readonly recoveryMs?: number;
  /** How long counters are remembered of what the device does not show. Default 1 h. */
  readonly forgetAfterMs?: number;
  /** Questions at once; one more is refused as `unavailable`. Default 4,096: each holds a socket. */
  readonly maxProbes?: number;
  /** The port knocked at: Talos' API. Default 50000. */
  readonly probePort?: number;
  /** What was told of a peer before a restart, so that it is not told again. Default: nothing. */
  readonly lastTold?: (publicKey: PublicKey) => 'up' | 'down' | undefined;
}

export interface PollingLinkMonitorDeps {
  readonly device: Pick<WireGuard, 'observe'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: WireGuardMetrics;
  /** Default: a TCP connection attempt. */
  readonly knock?: Knock;
  /** Called for each reading that failed: the device may be gone. */
  readonly onUnreadable?: () => void;
}

interface Probe {
  readonly peer: PeerSpec;
  readonly withinMs: number;
  readonly ended: boolean;
  readonly answer: (alive: boolean, why: 'alive' | 'silent' | 'no_answer' | 'unknown') => void;
  readonly fail: (error: Error) => void;
  /** Gives up if the device cannot be read at all. Monotonic. */
  readonly giveUpAt: number;
  /** Set once knocked. */
  knocked: { readonly received: number; readonly until: number; readonly end: () => void } | undefined;
}

/** WireGuard tries at once and again after 5 s (REKEY_TIMEOUT); a peer that took longer has a machine that cannot reach us. */
const FIRST_HANDSHAKE_MS = 6_000;
/** A peer that was made anew has no session: our knock begins a handshake, tried at once and twice more, 5 s apart. */
const HANDSHAKE_TRIES_MS = 12_000;
/** Reading may take at most this part of the time, 1 in 50, */
const POLL_COST_FACTOR = 50;
/** though so often it is read in the time that a link counts as up: on a busy host a reading is slow that costs little. */
const POLLS_PER_WINDOW = 5;
const CONDITION = 'wireguard_links';

/** Reads the peers' counters again and again. */
export class PollingLinkMonitor implements LinkMonitor {
  readonly #pollMs: number;
  readonly #maxPollMs: number;
  readonly #probePollMs: number;
  readonly #silentMs: number;
  readonly #recoveryMs: number;
  readonly #maxProbes: number;
  readonly #probePort: number;
  readonly #device: Pick<WireGuard, 'observe'>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #health: Health;
  readonly #metrics: WireGuardMetrics;
  readonly #knock: Knock;
  readonly #onUnreadable: () => void;
  readonly #table: LinkTable;
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  readonly #probes = new Set<Probe>();
  readonly #stopping = new AbortController();
  #polling: Promise<void> | undefined;
  #probing: Promise<void> | undefined;
  #reading: Promise<void> = Promise.resolve();
  #nextReading: Promise<void> | undefined;

  constructor(options: PollingLinkMonitorOptions, deps: PollingLinkMonitorDeps) {
    this.#pollMs = options.pollMs ?? 5_000;
    const upWindowMs = options.upWindowMs ?? 75_000;
    this.#maxPollMs = upWindowMs / POLLS_PER_WINDOW;
    this.#probePollMs = options.probePollMs ?? 250;
    this.#silentMs = options.silentMs ?? 60_000;
    this.#recoveryMs = options.recoveryMs ?? 135_000;
    this.#maxProbes = options.maxProbes ?? 4_096;
    this.#probePort = options.probePort ?? 50_000;
    this.#device = deps.device;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#health = deps.health;
    this.#metrics = deps.metrics;
    this.#knock = deps.knock ?? tcpKnock;
    this.#onUnreadable = deps.onUnreadable ?? (() => {});
    this.#table = new LinkTable({
      upWindowMs,
      forgetAfterMs: options.forgetAfterMs ?? 3_600_000,
      lastTold: options.lastTold ?? (() => undefined),
    });
  }

  state(publicKey: PublicKey): LinkState {
    return this.#table.state(publicKey);
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#listeners.add(listener);
  }

  start(): void {
    this.#polling ??= this.#poll();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const probe of this.#probes) probe.fail(stopped());
    await Promise.all([this.#polling, this.#probing]);
  }

  /** @throws SiderolinkError `unavailable` where it cannot be known: nobody may take that for a no */
  isAlive(peer: PeerSpec, withinMs: number, ended = false): Promise<boolean> {
    if (this.#stopping.signal.aborted) return Promise.reject(stopped());
    if (this.#probes.size >= this.#maxProbes) {
      return Promise.reject(
        new SiderolinkError('unavailable', 'too many peers are being probed', { probes: this.#probes.size }),
      );
    }
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#probes.delete(probe);
        probe.knocked?.end();
      };
      const probe: Probe = {
        peer,
        withinMs,
        ended,
        giveUpAt: this.#clock.monotonic() + withinMs,
        knocked: undefined,
        answer: (alive, why) => {
          end();
          this.#metrics.probes.inc({ answer: why });
          resolve(alive);
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      this.#probes.add(probe);
      this.#probing ??= this.#probeAll();
    });
  }

  unknownFor(publicKey: PublicKey): number {
    const at = this.#table.madeAnewAt(publicKey);
    if (at === undefined || this.#table.history(publicKey)?.endpoint != null) return 0;
    return Math.max(0, at + this.#recoveryMs - this.#clock.monotonic());
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const started = this.#clock.monotonic();
      try {
        await this.#read();
        this.#health.set(CONDITION, 'ok');
      } catch (error) {
        this.#health.set(CONDITION, 'error', `cannot read the WireGuard device: ${errorMessage(error)}`);
        this.#onUnreadable();
      }
      const cost = this.#clock.monotonic() - started;
      await this.#clock.sleep(Math.max(this.#pollMs, Math.min(cost * POLL_COST_FACTOR, this.#maxPollMs)), signal);
    }
  }

  /** One loop for all probes: they share their readings. */
  async #probeAll(): Promise<void> {
    // All who ask in one turn of the event loop share the first reading too.
    await Promise.resolve();
    while (this.#probes.size > 0) {
      // Only who asked before a reading began may take it for the state before its knock.
      const asking = [...this.#probes];
      try {
        await this.#read();
        for (const probe of asking) if (this.#probes.has(probe)) this.#advance(probe);
      } catch (error) {
        for (const probe of asking) this.#giveUpLate(probe, error);
      }
      if (this.#probes.size > 0) await this.#clock.sleep(this.#probePollMs, this.#stopping.signal);
    }
    this.#probing = undefined;
  }

  #advance(probe: Probe): void {
    const now = this.#clock.monotonic();
    const history = this.#table.history(probe.peer.publicKey);
    const { knocked } = probe;
    if (history === undefined) {
      probe.answer(false, 'unknown');
    } else if (knocked === undefined) {
      this.#begin(probe, history, now);
    } else if (history.received > knocked.received) {
      probe.answer(true, 'alive');
    } else if (now >= knocked.until) {
      // Without a place to send the knock to, nothing was asked: it has to come by itself.
      const leftMs = probe.ended ? 0 : this.unknownFor(probe.peer.publicKey);
      if (leftMs > 0) probe.fail(recovering(leftMs));
      else probe.answer(false, 'no_answer');
    }
  }

  #recovers(publicKey: PublicKey, now: number): boolean {
    const at = this.#table.madeAnewAt(publicKey);
    return at !== undefined && now - at < this.#recoveryMs;
  }

  #begin(probe: Probe, history: KeyHistory, now: number): void {
    const { lastGrowth, since, latestHandshake } = history;
    const recovers = this.#recovers(probe.peer.publicKey, now);
    // Made a moment ago by its join, it may be in its first handshake.
    const isNew = lastGrowth === null && latestHandshake === 0 && !recovers;
    const silentFrom = isNew ? since + FIRST_HANDSHAKE_MS : (lastGrowth ?? since) + this.#silentMs;
    if (now > silentFrom && !recovers) {
      probe.answer(false, 'silent');
      return;
    }
    const hasPlace = recovers && history.endpoint !== null && !probe.ended;
    const until = now + (hasPlace ? Math.max(probe.withinMs, HANDSHAKE_TRIES_MS) : probe.withinMs);
    probe.knocked = {
      received: history.received,
      until: isNew ? Math.min(until, silentFrom) : until,
      end: this.#knock(probe.peer.address, this.#probePort),
    };
  }

  #giveUpLate(probe: Probe, error: unknown): void {
    const now = this.#clock.monotonic();
    if (now < (probe.knocked?.until ?? probe.giveUpAt)) return;
    probe.fail(new SiderolinkError('unavailable', 'the WireGuard device cannot be read', {}, { cause: error }));
  }

  /**
   * A reading that begins after this call; callers that wait for one share it. One after the other: readings taken out of
   * order would look like counters that were reset.
   */
  #read(): Promise<void> {
    this.#nextReading ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#nextReading = undefined;
        this.#reading = this.#take();
        return this.#reading;
      });
    return this.#nextReading;
  }

  async #take(): Promise<void> {
    const device = await this.#device.observe();
    const { events, rx, tx } = this.#table.take({ device, at: this.#clock.monotonic(), wall: this.#clock.now() });
    this.#metrics.bytes.inc({ direction: 'received' }, rx);
    this.#metrics.bytes.inc({ direction: 'sent' }, tx);
    const census = this.#table.census();
    for (const state of ['up', 'down', 'never'] as const) this.#metrics.links.set({ state }, census[state]);
    for (const event of events) this.#tell(event);
  }

  #tell(event: LinkEvent): void {
    this.#metrics.linkEvents.inc({ kind: event.kind });
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error({ error: errorMessage(error), kind: event.kind }, 'a listener of link events failed');
      }
    }
  }
}

function recovering(leftMs: number): SiderolinkError {
  const left = `its silence proves nothing for ${Math.ceil(leftMs / 1000)} s more`;
  return new SiderolinkError('unavailable', `its peer was made anew, which it may not know yet: ${left}`, { leftMs });
}

function stopped(): SiderolinkError {
  return new SiderolinkError('unavailable', 'the link monitor is stopping');
}
