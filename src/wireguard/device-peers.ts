import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import { outcome, planPeers } from '../domain/peer-plan.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { KnownDevice, shows } from './known-device.ts';
import type { WireGuardMetrics } from './metrics.ts';
import type { ObservedDevice, PeerChange, PeerSpec, Repair } from './types.ts';
import { chunkChanges, type Wg } from './wg.ts';

export interface DevicePeersOptions {
  /** The key that the device must show before anything counts as done. */
  readonly publicKey: PublicKey;
  /** Peers named in one `wg set` (facts/users.md B5). */
  readonly peersPerCall: number;
  /** So long it is remembered that a repair made a peer anew, milliseconds. */
  readonly rememberMs: number;
  /** So long after a reading changes are not read back, milliseconds. */
  readonly freshMs: number;
  /** Peers that may be changed until the next reading. */
  readonly maxUnread: number;
}

export interface DevicePeersDeps {
  readonly wg: Wg;
  /** The number that the system has given the interface; `undefined` if there is none of our name. */
  readonly index: () => Promise<number | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WireGuardMetrics;
}

/**
 * The peers of the device: sets them and believes what the device shows afterwards, or, where it is known well enough,
 * what `wg` says. Reading costs as much as there are peers, and joins change one.
 */
export class DevicePeers {
  readonly #options: DevicePeersOptions;
  readonly #deps: DevicePeersDeps;
  readonly #known: KnownDevice;
  readonly #madeAnew = new Map<PublicKey, number>();

  constructor(options: DevicePeersOptions, deps: DevicePeersDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#known = new KnownDevice(options, deps);
  }

  /** Peers that a repair made anew, and when: monotonic milliseconds. */
  get madeAnew(): ReadonlyMap<PublicKey, number> {
    return this.#madeAnew;
  }

  /** @throws SiderolinkError `command_failed` if the device does not show our key */
  verifyKey(observed: ObservedDevice): void {
    const { publicKey } = this.#options;
    if (observed.publicKey === publicKey) return;
    throw new SiderolinkError('command_failed', 'the WireGuard device does not show our public key', {
      expected: publicKey,
      shown: observed.publicKey,
    });
  }

  /**
   * Takes a reading for what the device is. `index` is of before it, where it was looked up.
   *
   * @throws SiderolinkError `command_failed` if it does not show our key, `unavailable` if it lacks what it was given
   */
  believe(observed: ObservedDevice, index?: number): void {
    try {
      this.verifyKey(observed);
      const missed = this.#known.missed(observed);
      if (missed.length > 0) {
        throw new SiderolinkError('unavailable', 'the WireGuard device does not show peers as it took them', {
          peers: missed.length,
          publicKey: missed[0],
        });
      }
    } catch (error) {
      this.#known.forget();
      throw error;
    }
    this.#known.read(index);
  }

  /** Nothing is known of the device any more: it could not be read, or is about to be repaired. */
  doubt(): void {
    this.#known.forget();
  }

  /**
   * Makes the peers those that are wanted. `onWhole` hears `false` before the device is given peers that it lacks, and
   * `true` once all were set, before it is known whether the device shows them: one that is not is its own trouble.
   *
   * @throws SiderolinkError `command_failed`
   */
  async repair(
    desired: readonly PeerSpec[],
    { observed, index }: { readonly observed: ObservedDevice; readonly index: number },
    onWhole: (isWhole: boolean) => void,
  ): Promise<Repair> {
    const { wg, logger, metrics } = this.#deps;
    this.#forget();
    const plan = planPeers(desired, observed.peers);
    if (plan.added > 0) onWhole(false);
    for (const chunk of chunkChanges(plan.steps, this.#options.peersPerCall)) await this.#setOrWithoutEndpoints(chunk);
    const now = this.#deps.clock.monotonic();
    for (const { set } of plan.steps) {
      if (set !== undefined && !observed.peers.has(set.publicKey)) this.#madeAnew.set(set.publicKey, now);
    }
    onWhole(true);
    const { added, removed, changed, empty, steps } = plan;
    if (steps.length > 0) {
      const after = await wg.dump();
      this.verifyKey(after);
      const left = planPeers(desired, after.peers).steps.length;
      if (left > 0) {
        throw new SiderolinkError('command_failed', 'the WireGuard device does not show the peers that were set', {
          left,
        });
      }
      metrics.repairs.inc({ what: 'peer' }, steps.length);
      logger.info({ added, removed, changed, empty: empty.length }, 'repaired the peers of the device');
    }
    this.#known.read(index);
    return { added, removed, changed };
  }

  /**
   * Does changes that were asked for together; gives for each its error, or `undefined` where it is in the device.
   *
   * @throws SiderolinkError `command_failed`
   */
  async apply(changes: readonly PeerChange[]): Promise<readonly (Error | undefined)[]> {
    const { clock, metrics } = this.#deps;
    const started = clock.monotonic();
    const failures = await this.#set(changes);
    for (const { remove, set } of changes) {
      if (remove !== undefined) this.#madeAnew.delete(remove);
      // Its machine has just called: it makes its session by itself.
      if (set !== undefined) this.#madeAnew.delete(set.publicKey);
    }
    const expected = outcome(changes);
    const observed = await this.#verify(expected, failures.size > 0);
    metrics.batchSeconds.observe((clock.monotonic() - started) / 1000);
    if (observed === undefined) return changes.map(() => undefined);
    return changes.map((change) => failures.get(change) ?? notShown(change, expected, observed));
  }

  async #set(changes: readonly PeerChange[]): Promise<ReadonlyMap<PeerChange, Error>> {
    const { wg, logger, metrics } = this.#deps;
    const failures = new Map<PeerChange, Error>();
    for (const chunk of chunkChanges(changes, this.#options.peersPerCall)) {
      try {
        await wg.setPeers(chunk);
      } catch (error) {
        metrics.commandFailures.inc({ kind: 'apply' });
        logger.error({ error: errorMessage(error), changes: chunk.length }, 'the device refused changes of peers');
        for (const change of chunk) failures.set(change, error as Error);
      }
    }
    return failures;
  }

  /** What the device shows after changes; `undefined` where what is known of it says that it has them. */
  async #verify(
    expected: ReadonlyMap<PublicKey, PeerSpec['address'] | null>,
    failed: boolean,
  ): Promise<ObservedDevice | undefined> {
    const { wg, index: lookUp } = this.#deps;
    const index = await lookUp();
    if (!failed && this.#known.vouchesFor(index, expected)) {
      this.#known.note(expected);
      return undefined;
    }
    this.#known.forget();
    this.#known.drop(expected);
    const observed = await wg.dump();
    this.verifyKey(observed);
    // Changes of before that it does not show are none of this batch's: the next observation is to find them.
    if (this.#known.missed(observed).length === 0) this.#known.read(index);
    return observed;
  }

  /** An endpoint is worth having, and no reason to be without peers. */
  async #setOrWithoutEndpoints(chunk: readonly PeerChange[]): Promise<void> {
    const { wg, logger } = this.#deps;
    try {
      await wg.setPeers(chunk);
    } catch (error) {
      if (chunk.every(({ set }) => set?.endpoint === undefined)) throw error;
      logger.warn({ error: errorMessage(error) }, 'the device refused peers with their last endpoints');
      await wg.setPeers(chunk.map(withoutEndpoint));
    }
  }

  #forget(): void {
    const before = this.#deps.clock.monotonic() - this.#options.rememberMs;
    for (const [key, at] of this.#madeAnew) if (at < before) this.#madeAnew.delete(key);
  }
}

function withoutEndpoint(change: PeerChange): PeerChange {
  const { remove, set } = change;
  if (set === undefined) return change;
  const { publicKey, address } = set;
  return { ...(remove !== undefined && { remove }), set: { publicKey, address } };
}

/** Why a change does not count as done; `undefined` if the device shows its outcome, or that of a later one for its peers. */
function notShown(
  { remove, set }: PeerChange,
  expected: ReadonlyMap<PublicKey, string | null>,
  observed: ObservedDevice,
): Error | undefined {
  for (const key of [remove, set?.publicKey]) {
    if (key === undefined) continue;
    const address = (expected.get(key) ?? null) as PeerSpec['address'] | null;
    if (!shows(observed, key, address)) {
      const shown = observed.peers.get(key);
      return new SiderolinkError('command_failed', 'the WireGuard device does not show the peer that was set', {
        publicKey: key,
        address,
        shown: shown === undefined ? null : shown.allowedIps.join(','),
      });
    }
  }
  return undefined;
}
