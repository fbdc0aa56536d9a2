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
  /** As it was shown last: the same object means that nothing has changed. */
  peer: ObservedPeer | undefined;
}

/**
 * A session without a packet for so long has no valid key left (REJECT_AFTER_TIME of the WireGuard paper). A machine that
 * lives renews its handshake every 120 s. Only a hint for the first window after our start.
 */
const SESSION_LIFE_SECONDS = 180;

/** What was not shown is looked for so often in the time that it is remembered: all are gone through then. */
const FORGETTING_PER_LIFE = 60;

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
  #census: Readonly<Record<LinkState['state'], number>> = { up: 0, down: 0, never: 0 };
  #forgotAt = Number.NEGATIVE_INFINITY;
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
    const census = { up: 0, down: 0, never: 0 };
    const grown = { rx: 0, tx: 0 };
    for (const peer of reading.device.peers.values()) {
      const entry = this.#entries.get(peer.publicKey) ?? this.#admit(peer, reading, first);
      // Most say nothing between two readings: for them only time has passed.
      const moved = entry.peer !== peer && this.#follow(entry, peer, reading, grown);
      const kind = this.#judge(entry, reading.at);
      if (kind !== undefined) events.push({ kind, publicKey: peer.publicKey, link: view(entry) });
      if (moved) events.push({ kind: 'moved', publicKey: peer.publicKey, link: view(entry) });
      entry.seenIn = this.#readings;
      entry.seenAt = reading.at;
      entry.counters.seenAt = reading.at;
      census[entry.state] += 1;
    }
    this.#census = census;
    this.#forget(reading.at);
    return { events, ...grown };
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
    return this.#census;
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
      // What was told of it stands until it is heard or a window has passed. An old handshake may be a clock that was set;
      // a fresh one outlives its machine by minutes, so one that was down does not seem to be back by our restart.
      state: before ?? (peer.latestHandshake === 0 ? 'never' : fresh ? 'up' : 'down'),
      told: before ?? presumed,
      counters,
      seenAt: at,
      seenIn: this.#readings,
      peer: undefined,
    };
    this.#entries.set(peer.publicKey, entry);
    return entry;
  }

  /**
   * Takes what a peer shows otherwise than before, adds what went through to `grown`, and gives whether it moved. Counters
   * that are less than before were reset with the peer: what they show is all new (facts/users.md B19).
   */
  #follow(entry: Entry, peer: ObservedPeer, { at, wall }: Reading, grown: { rx: number; tx: number }): boolean {
    const rx = peer.rxBytes < entry.rawRx ? peer.rxBytes : peer.rxBytes - entry.rawRx;
    const tx = peer.txBytes < entry.rawTx ? peer.txBytes : peer.txBytes - entry.rawTx;
    entry.peer = peer;
    entry.rawRx = peer.rxBytes;
    entry.rawTx = peer.txBytes;
    entry.received += rx;
    entry.counters.rx += rx;
    entry.counters.tx += tx;
    grown.rx += rx;
    grown.tx += tx;
    entry.latestHandshake = peer.latestHandshake;
    if (rx > 0) {
      entry.lastGrowth = at;
      entry.lastRx = wall;
    }
    const before = entry.lastEndpoint;
    entry.endpoint = peer.endpoint;
    entry.lastEndpoint = peer.endpoint ?? before;
    return before !== null && peer.endpoint !== null && peer.endpoint !== before;
  }

  /** What is to be told of it, if anything. */
  #judge(entry: Entry, at: number): 'up' | 'down' | undefined {
    const proven = this.#proven(entry, at);
    if (proven !== undefined) entry.state = proven;
    if (proven === undefined || proven === 'never' || proven === entry.told) return undefined;
    entry.told = proven;
    return proven;
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
    if (at - this.#forgotAt < forgetAfterMs / FORGETTING_PER_LIFE) return;
    this.#forgotAt = at;
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
