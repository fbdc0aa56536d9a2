import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import { isRight } from '../domain/peer-plan.ts';
import type { Clock } from '../lib/clock.ts';
import type { ObservedDevice } from './types.ts';

export interface KnownDeviceOptions {
  /** So long after a reading the device is taken for what it was, milliseconds. */
  readonly freshMs: number;
  /** Peers that may be changed without a reading. */
  readonly maxUnread: number;
}

/** What the device should show of a key: its address, or `null` for no such peer. */
type Outcome = ReadonlyMap<PublicKey, OverlayAddress | null>;

/**
 * What the last reading proved, so that a change of a few peers need not read them all again: that an interface, by its
 * index, has our key. The system gives no index twice, so while the index is the same, so is the device, its peers and
 * what `wg` said of a change; a device made anew has another one. What was changed meanwhile is looked for in the next
 * reading, whoever needs that.
 */
export class KnownDevice {
  readonly #options: KnownDeviceOptions;
  readonly #clock: Clock;
  #index: number | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #unread = new Map<PublicKey, OverlayAddress | null>();

  constructor(options: KnownDeviceOptions, deps: { readonly clock: Clock }) {
    this.#options = options;
    this.#clock = deps.clock;
  }

  /** The next change is read back. */
  forget(): void {
    this.#index = undefined;
  }

  /**
   * A reading showed our key and all that was changed before. `index` was looked up before it; without one it was a
   * reading of whatever has the name: if that was another device, the next look at the index shows it.
   */
  read(index: number | undefined = this.#index): void {
    this.#index = index;
    this.#readAt = this.#clock.monotonic();
    this.#unread.clear();
  }

  /** Whether a change that `wg` did without an error is known to be in the device that has this index now. */
  vouchesFor(index: number | undefined, changes: Outcome): boolean {
    return (
      index !== undefined &&
      index === this.#index &&
      this.#clock.monotonic() - this.#readAt <= this.#options.freshMs &&
      this.#unread.size + changes.size <= this.#options.maxUnread
    );
  }

  /** Changes that were not read back. */
  note(changes: Outcome): void {
    for (const [key, address] of changes) this.#unread.set(key, address);
  }

  /** These were changed again and are read back now. */
  drop(changes: Outcome): void {
    for (const key of changes.keys()) this.#unread.delete(key);
  }

  /** Keys that were changed without a reading and that this one shows otherwise. */
  missed(observed: ObservedDevice): readonly PublicKey[] {
    const missed: PublicKey[] = [];
    for (const [key, address] of this.#unread) if (!shows(observed, key, address)) missed.push(key);
    return missed;
  }
}

/** Whether a reading shows a key with exactly its address, or not at all for `null`. */
export function shows(observed: ObservedDevice, key: PublicKey, address: OverlayAddress | null): boolean {
  const peer = observed.peers.get(key);
  return address === null ? peer === undefined : isRight(peer, address);
}
