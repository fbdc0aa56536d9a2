import type { PublicKey } from '../domain/keys.ts';
import type { OverlayAddress } from '../domain/overlay.ts';

/** A peer as it should be: its AllowedIPs are exactly `address`/128. */
export interface PeerSpec {
  readonly publicKey: PublicKey;
  readonly address: OverlayAddress;
  /** `host:port` where it was last; only a peer that a repair has to make anew is given it. */
  readonly endpoint?: string;
}

/** A peer as `wg show <interface> dump` shows it. */
export interface ObservedPeer {
  readonly publicKey: PublicKey;
  /** `host:port`; null while no packet came. */
  readonly endpoint: string | null;
  readonly allowedIps: readonly string[];
  /** Unix seconds of the latest handshake; 0 for never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface ObservedDevice {
  readonly publicKey: PublicKey | null;
  readonly listenPort: number;
  readonly peers: ReadonlyMap<PublicKey, ObservedPeer>;
  /** Peers that a repair had to make anew within the last minutes, and when, in monotonic milliseconds. */
  readonly madeAnew?: ReadonlyMap<PublicKey, number>;
}

/**
 * One step on the peers, done at once for a machine: `remove` goes before `set`. Setting a peer that is there resets
 * nothing; naming it in both removes and adds it, which resets its session (facts/users.md B9).
 */
export interface PeerChange {
  readonly remove?: PublicKey;
  readonly set?: PeerSpec;
}

export interface Repair {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
}

/** The WireGuard device, its address, route and firewall. What `store` says should be; this makes it so. */
export interface WireGuard {
  readonly publicKey: PublicKey;
  readonly backend: 'kernel' | 'userspace';
  /** Makes the device or adopts the one that is there; key, port, address, MTU, route, firewall. Never rebuilds. */
  start(): Promise<void>;
  /** Reads, compares and repairs peers; also address, route, key and firewall. Idempotent. */
  reconcile(desired: readonly PeerSpec[]): Promise<Repair>;
  /**
   * Applies a change, together with others asked for within some 50 ms, and resolves once the device has it.
   * @throws SiderolinkError `command_failed`, `unavailable` after its deadline
   */
  apply(change: PeerChange): Promise<void>;
  observe(): Promise<ObservedDevice>;
  /** Stops our work on the device and leaves it up. */
  stop(): Promise<void>;
  /** Removes device, route and firewall. */
  down(): Promise<void>;
}

/** What the link monitor tells about a peer's link. */
export interface LinkState {
  readonly state: 'up' | 'down' | 'never';
  readonly endpoint: string | null;
  /** Unix seconds; 0 for never. */
  readonly latestHandshake: number;
  /** Wall-clock milliseconds when the rx counter last grew, as far as we saw; null if we never saw it grow. */
  readonly lastRx: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

export type LinkEvent = {
  readonly kind: 'up' | 'down' | 'moved';
  readonly publicKey: PublicKey;
  readonly link: LinkState;
};

/** Watches the peers' counters. */
export interface LinkMonitor {
  /** State of a peer; `never` for one that is not known. */
  state(publicKey: PublicKey): LinkState;
  /**
   * Whether the peer sends authenticated bytes now (DESIGN section 6, *alive*): silent for 60 s by its rx counter: no;
   * else a TCP SYN to port 50000 of its address, and growth of the counter within `withinMs`.
   *
   * @param ended its boot has told its end: it is given `withinMs` and no more, also where its peer was made anew
   */
  isAlive(peer: PeerSpec, withinMs: number, ended?: boolean): Promise<boolean>;
  /**
   * For how long the silence of this peer will prove nothing yet, milliseconds: a repair had to make it anew, and nobody
   * knows where to ask it. 0 for any other.
   */
  unknownFor(publicKey: PublicKey): number;
  onEvent(listener: (event: LinkEvent) => void): void;
  start(): void;
  stop(): Promise<void>;
}
