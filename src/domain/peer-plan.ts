import { SiderolinkError } from './errors.ts';
import type { PublicKey } from './keys.ts';
import type { OverlayAddress } from './overlay.ts';

/** A peer as it should be: AllowedIPs are exactly `address`/128. */
export interface DesiredPeer {
  readonly publicKey: PublicKey;
  readonly address: OverlayAddress;
  /** `host:port` where it was last; for the step that makes it anew. */
  readonly endpoint?: string;
}

/** What the plan needs to know of a peer in the device. */
export interface ShownPeer {
  readonly allowedIps: readonly string[];
}

/** One step on a device: `remove` before `set`. */
export interface PeerStep {
  readonly remove?: PublicKey;
  readonly set?: DesiredPeer;
}

export interface PeerPlan {
  /** In an order that ends in the desired state whatever is stolen on the way: removals, then sets. */
  readonly steps: readonly PeerStep[];
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** Peers shown without any AllowedIP: another peer took theirs (facts/users.md B7). A part of the others. */
  readonly empty: readonly PublicKey[];
}

/** The AllowedIP of an address, as `wg` shows it. */
export function allowedIp(address: OverlayAddress): string {
  return `${address}/128`;
}

/** Whether a peer has exactly its address. */
export function isRight(shown: ShownPeer | undefined, address: OverlayAddress): boolean {
  return shown?.allowedIps.length === 1 && shown.allowedIps[0] === allowedIp(address);
}

/**
 * The steps from what a device shows to what it should show. A peer that is right is not touched, because touching may
 * reset its session. An address belongs to one peer, and setting it takes it from the one that had it; that one is
 * wrong here by definition, so it has a step of its own.
 *
 * @throws SiderolinkError `internal` if two desired peers share a key or an address: no device can show that
 */
export function planPeers(desired: Iterable<DesiredPeer>, observed: ReadonlyMap<PublicKey, ShownPeer>): PeerPlan {
  const wanted = indexed(desired);
  const removals: PeerStep[] = [];
  const sets: PeerStep[] = [];
  const empty: PublicKey[] = [];
  let added = 0;
  for (const [publicKey, shown] of observed) {
    if (shown.allowedIps.length === 0) empty.push(publicKey);
    if (!wanted.has(publicKey)) removals.push({ remove: publicKey });
  }
  for (const peer of wanted.values()) {
    const shown = observed.get(peer.publicKey);
    if (isRight(shown, peer.address)) continue;
    if (shown === undefined) added += 1;
    // A peer that is there knows better where it is.
    sets.push({ set: shown === undefined ? peer : { publicKey: peer.publicKey, address: peer.address } });
  }
  return { steps: [...removals, ...sets], added, removed: removals.length, changed: sets.length - added, empty };
}

function indexed(desired: Iterable<DesiredPeer>): ReadonlyMap<PublicKey, DesiredPeer> {
  const byKey = new Map<PublicKey, DesiredPeer>();
  const addresses = new Set<OverlayAddress>();
  for (const peer of desired) {
    if (byKey.has(peer.publicKey) || addresses.has(peer.address)) {
      throw new SiderolinkError('internal', 'two machines share a WireGuard key or an overlay address', {
        publicKey: peer.publicKey,
        address: peer.address,
      });
    }
    byKey.set(peer.publicKey, peer);
    addresses.add(peer.address);
  }
  return byKey;
}

/**
 * The desired peers after changes that were asked for later, in their order. The newest owner of an address has it.
 */
export function patchPeers(desired: Iterable<DesiredPeer>, changes: Iterable<PeerStep>): readonly DesiredPeer[] {
  const later = [...changes];
  const peers = [...desired];
  if (later.length === 0) return peers;
  const byKey = new Map(peers.map((peer) => [peer.publicKey, peer]));
  const owners = new Map(peers.map((peer) => [peer.address, peer.publicKey]));
  for (const { remove, set } of later) {
    if (remove !== undefined) byKey.delete(remove);
    if (set === undefined) continue;
    const owner = owners.get(set.address);
    if (owner !== undefined && byKey.get(owner)?.address === set.address) byKey.delete(owner);
    byKey.set(set.publicKey, set);
    owners.set(set.address, set.publicKey);
  }
  return [...byKey.values()];
}

/** What a device shows once all steps are done in their order: the address of each key named, `null` where it is gone. */
export function outcome(steps: Iterable<PeerStep>): ReadonlyMap<PublicKey, OverlayAddress | null> {
  const state = new Map<PublicKey, OverlayAddress | null>();
  for (const { remove, set } of steps) {
    if (remove !== undefined) state.set(remove, null);
    if (set !== undefined) state.set(set.publicKey, set.address);
  }
  return state;
}
