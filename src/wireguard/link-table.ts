import type { PublicKey } from '../domain/keys.ts';
import type { LinkEvent, LinkState, ObservedDevice, ObservedPeer } from './types.ts';

export interface LinkTableOptions {
  /** Up: the rx counter grew within so many milliseconds. Three keepalives of Talos. */
  readonly upWindowMs: number;
  /** So long counters of an address and the state of a key are remembered while the device does not show them. */
  readonly forgetAfterMs: number;
  /** What was told of a peer before a restart, so that it is not told again. */
  readonly lastTold: (publicKey: PublicKey) => 'up' | 'down' | undefined;
}

/** One reading of the device, with the times when it was taken, in milliseconds. */
export interface Reading {
  readonly device: ObservedDevice;
  /** Monotonic. */
  readonly at: number;
  /** Since the epoch. */
  readonly wall: number;
}

/** What readings say about one key. */
export interface KeyHistory {
  /** Bytes that this key's counter grew by while we watched: only growth is a sign of life. */
  readonly received: number;
  /** Monotonic time of the first reading that showed the key, and of the last growth; `null` if we saw none. */
  readonly since: number;
  readonly lastGrowth: number | null;
  readonly latestHandshake: number;
  /** `host:port` where the device sends to; `null` if it knows no place. */
  readonly endpoint: string | null;
}

interface Counters {
  rx: number;
  tx: number;
  seenAt: number;
}

interface Entry extends KeyHistory {
  received: number;
  lastGrowth: number | null;
  latestHandshake: number;
  rawRx: number;
  rawTx: number;
  lastRx: number | null;
  endpoint: string | null;
  lastEndpoint: string | null;
  state: LinkState['state'];
  told: 'up' | 'down' | undefined;
  counters: Counters;
  seenAt: number;
  /** Number of the last reading that showed it. */
  seenIn: number;
}

/**
 * A session without a packet for so long has no valid key left (REJECT_AFTER_TIME of the WireGuard paper). A machine that
 * lives renews its handshake every 120 s. Only a hint for the first window after our start.
 */
const SESSION_LIFE_SECONDS = 180;

const UNKNOWN: LinkState = {
  state: 'never',
  endpoint: null,
  latestHandshake: 0,
  lastRx: null,
  rxBytes: 0,
  txBytes: 0,
};

/** Folds readings of the device into the state of each link. No clock of its own: a reading carries its times. */
export class LinkTable {
  readonly #options: LinkTableOptions;
  readonly #entries = new Map<PublicKey, Entry>();
  /** By address: a machine keeps its address when its key changes, and its counters must not run backwards. */
  readonly #counters = new Map<string, Counters>();
  #readings = 0;
  #madeAnew: ReadonlyMap<PublicKey, number> | undefined;

  constructor(options: LinkTableOptions) {
    this.#options = options;
  }

  /** Takes a reading; gives what changed, and how many bytes went through since the one before. */
  take(reading: Reading): { readonly events: readonly LinkEvent[]; readonly rx: number; readonly tx: number } {
    const events: LinkEvent[] = [];
    this.#readings += 1;
    this.#madeAnew = reading.device.madeAnew;
    const first = this.#readings === 1;
    let rx = 0;
    let tx = 0;
    for (const peer of reading.device.peers.values()) {
      const entry = this.#entries.get(peer.publicKey) ?? this.#admit(peer, reading, first);
      const growth = this.#grow(entry, peer, reading);
      rx += growth.rx;
      tx += growth.tx;
      for (const kind of this.#judge(entry, peer, reading)) {
        events.push({ kind, publicKey: peer.publicKey, link: view(entry) });
      }
    }
    this.#forget(reading.at);
    return { events, rx, tx };
  }

  state(publicKey: PublicKey): LinkState {
    const entry = this.#shown(publicKey);
    return entry === undefined ? UNKNOWN : view(entry);
  }

  /** `undefined` if the last reading did not show the key. */
  history(publicKey: PublicKey): KeyHistory | undefined {
    return this.#shown(publicKey);
  }

  /** When a repair made the peer anew, unless it was heard since: monotonic milliseconds. */
  madeAnewAt(publicKey: PublicKey): number | undefined {
    const at = this.#madeAnew?.get(publicKey);
    const heardAt = this.#shown(publicKey)?.lastGrowth ?? null;
    return at !== undefined && heardAt !== null && heardAt > at ? undefined : at;
  }

  /** How many peers of the last reading are in each state. */
  census(): Readonly<Record<LinkState['state'], number>> {
    const census = { up: 0, down: 0, never: 0 };
    for (const entry of this.#entries.values()) {
      if (entry.seenIn === this.#readings) census[entry.state] += 1;
    }
    return census;
  }

  #shown(publicKey: PublicKey): Entry | undefined {
    const entry = this.#entries.get(publicKey);
    return entry !== undefined && entry.seenIn === this.#readings ? entry : undefined;
  }

  #admit(peer: ObservedPeer, { at, wall }: Reading, first: boolean): Entry {
    const address = peer.allowedIps[0] ?? peer.publicKey;
    const counters = this.#counters.get(address) ?? { rx: 0, tx: 0, seenAt: at };
    this.#counters.set(address, counters);
    // What the counters of our first reading hold was counted before us: it is shown, but it is no growth.
    if (first) {
      counters.rx += peer.rxBytes;
      counters.tx += peer.txBytes;
    }
    const fresh = wall / 1000 - peer.latestHandshake < SESSION_LIFE_SECONDS;
    const presumed = first && peer.latestHandshake !== 0 && !fresh ? 'down' : undefined;
    // What was told of it is of a device that is gone: this one was made anew and does not know its handshakes.
    const before = this.#options.lastTold(peer.publicKey);
    const entry: Entry = {
      received: 0,
      since: at,
      lastGrowth: null,
      lastRx: null,
      latestHandshake: peer.latestHandshake,
      rawRx: first ? peer.rxBytes : 0,
      rawTx: first ? peer.txBytes : 0,
      endpoint: peer.endpoint,
      lastEndpoint: peer.endpoint,
      state: peer.latestHandshake === 0 ? (before ?? 'never') : fresh ? 'up' : 'down',
      told: before ?? presumed,
      counters,
      seenAt: at,
      seenIn: this.#readings,
    };
    this.#entries.set(peer.publicKey, entry);
    return entry;
  }

  /** Counters that are less than before were reset with the peer: what they show is all new (facts/users.md B19). */
  #grow(entry: Entry, peer: ObservedPeer, { at, wall }: Reading): { readonly rx: number; readonly tx: number } {
    const rx = peer.rxBytes < entry.rawRx ? peer.rxBytes : peer.rxBytes - entry.rawRx;
    const tx = peer.txBytes < entry.rawTx ? peer.txBytes : peer.txBytes - entry.rawTx;
    entry.rawRx = peer.rxBytes;
    entry.rawTx = peer.txBytes;
    entry.received += rx;
    entry.counters.rx += rx;
    entry.counters.tx += tx;
    entry.counters.seenAt = at;
    entry.seenAt = at;
    entry.seenIn = this.#readings;
    entry.latestHandshake = peer.latestHandshake;
    if (rx > 0) {
      entry.lastGrowth = at;
      entry.lastRx = wall;
    }
    return { rx, tx };
  }

  #judge(entry: Entry, peer: ObservedPeer, { at }: Reading): readonly LinkEvent['kind'][] {
    const kinds: LinkEvent['kind'][] = [];
    const proven = this.#proven(entry, at);
    if (proven !== undefined) entry.state = proven;
    if ((proven === 'up' || proven === 'down') && proven !== entry.told) {
      entry.told = proven;
      kinds.push(proven);
    }
    const before = entry.lastEndpoint;
    entry.endpoint = peer.endpoint;
    entry.lastEndpoint = peer.endpoint ?? before;
    if (before !== null && peer.endpoint !== null && peer.endpoint !== before) kinds.push('moved');
    return kinds;
  }

  /** The state that the counters prove; `undefined` in a key's first window with us, when it stays what was presumed. */
  #proven({ lastGrowth, since, latestHandshake, told }: Entry, at: number): LinkState['state'] | undefined {
    const { upWindowMs } = this.#options;
    if (lastGrowth !== null) return at - lastGrowth <= upWindowMs ? 'up' : 'down';
    if (latestHandshake === 0 && told === undefined) return 'never';
    return at - since > upWindowMs ? 'down' : undefined;
  }

  #forget(at: number): void {
    const { forgetAfterMs } = this.#options;
    for (const [key, entry] of this.#entries) if (at - entry.seenAt > forgetAfterMs) this.#entries.delete(key);
    for (const [address, { seenAt }] of this.#counters) {
      if (at - seenAt > forgetAfterMs) this.#counters.delete(address);
    }
  }
}

function view(entry: Entry): LinkState {
  return {
    state: entry.state,
    endpoint: entry.endpoint,
    latestHandshake: entry.latestHandshake,
    lastRx: entry.lastRx,
    rxBytes: entry.counters.rx,
    txBytes: entry.counters.tx,
  };
}
