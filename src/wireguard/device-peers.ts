import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { PublicKey } from '../domain/keys.ts';
import { isRight, outcome, planPeers } from '../domain/peer-plan.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
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
}

export interface DevicePeersDeps {
  readonly wg: Wg;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: WireGuardMetrics;
}

/** The peers of the device: sets them and believes only what the device shows afterwards. */
export class DevicePeers {
  readonly #options: DevicePeersOptions;
  readonly #deps: DevicePeersDeps;
  readonly #madeAnew = new Map<PublicKey, number>();

  constructor(options: DevicePeersOptions, deps: DevicePeersDeps) {
    this.#options = options;
    this.#deps = deps;
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
   * Makes the peers those that are wanted. `onWhole` hears `false` before the device is given peers that it lacks, and
   * `true` once all were set, before it is known whether the device shows them: one that is not is its own trouble.
   *
   * @throws SiderolinkError `command_failed`
   */
  async repair(
    desired: readonly PeerSpec[],
    observed: ObservedDevice,
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
    return { added, removed, changed };
  }

  /** Does changes that were asked for together; gives for each its error, or `undefined` where the device shows it. */
  async apply(changes: readonly PeerChange[]): Promise<readonly (Error | undefined)[]> {
    const { wg, clock, logger, metrics } = this.#deps;
    const started = clock.monotonic();
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
    const observed = await wg.dump();
    this.verifyKey(observed);
    const expected = outcome(changes);
    for (const { remove, set } of changes) {
      if (remove !== undefined) this.#madeAnew.delete(remove);
      // Its machine has just called: it makes its session by itself.
      if (set !== undefined) this.#madeAnew.delete(set.publicKey);
    }
    metrics.batchSeconds.observe((clock.monotonic() - started) / 1000);
    return changes.map((change) => failures.get(change) ?? notShown(change, expected, observed));
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
    const address = expected.get(key) ?? null;
    const shown = observed.peers.get(key);
    const right = address === null ? shown === undefined : isRight(shown, address as PeerSpec['address']);
    if (!right) {
      return new SiderolinkError('command_failed', 'the WireGuard device does not show the peer that was set', {
        publicKey: key,
        address,
        shown: shown === undefined ? null : shown.allowedIps.join(','),
      });
    }
  }
  return undefined;
}
