import type { PublicKey } from '../domain/keys.ts';
import { DumpBytes, isSame, KEY_LENGTH } from './dump-bytes.ts';
import { DumpFields, malformed } from './dump-fields.ts';
import { KeyPlaces } from './key-places.ts';
import type { OutputMemory } from './runner.ts';
import type { ObservedDevice, ObservedPeer } from './types.ts';

const NONE = '(none)';
const DEVICE_FIELDS = 4;
const LINE_FEED = 0x0a;

/**
 * Parses the output of `wg show <interface> dump` (wg(8)): a line of private key, public key, listen port and mark; then
 * a line a peer: public key, preshared key, endpoint, allowed IPs, latest handshake, received, sent, keepalive.
 *
 * @throws SiderolinkError `command_failed`; it names the line by number only, because line 1 holds the private key
 */
export function parseDump(text: string): ObservedDevice {
  return new DumpReader().read(text);
}

/**
 * Parses one dump of a device after the other. A peer whose line is byte for byte what it was is the same object again,
 * wherever its line stands (wireguard-go has another order each time); of one that changed, what did not is kept. Ten
 * thousand peers are read every few seconds, and making them anew is garbage that costs more than reading them.
 */
export class DumpReader {
  /** The dump that is being read, and the one before: they change places. Each ends with a line feed. */
  #now = new DumpBytes();
  #before = new DumpBytes();
  readonly #keys = new KeyPlaces();
  readonly #fields = new DumpFields();
  /** By place, as `#keys` gives them: the peer, where its line begins, how long it is, and the reading that has shown it last. */
  #peers: readonly ObservedPeer[] = [];
  #starts = new Int32Array(0);
  #lengths = new Int32Array(0);
  #seenIn = new Int32Array(0);
  #readings = 0;
  #shown: ReadonlyMap<PublicKey, ObservedPeer> = new Map();

  /** Where the next dump may be put; `read` needs no text then. */
  readonly input: OutputMemory = { take: (length, write) => this.#now.take(length, write) };

  /** `text`: empty if the dump was put into `input`. @throws SiderolinkError `command_failed`, as {@link parseDump} */
  read(text: string): ObservedDevice {
    try {
      if (text !== '') this.#now.load(text);
      const { bytes, end } = this.#now;
      if (end === 0) throw malformed(1);
      const first = bytes.indexOf(LINE_FEED);
      const device = parseDevice(bytes.toString('latin1', 0, first));
      this.#readPeers(first + 1);
      return { ...device, peers: this.#shown };
    } catch (error) {
      // Half of a reading is nothing to compare the next one with.
      this.#clear();
      throw error;
    } finally {
      this.#now.clear();
    }
  }

  /** `from`: where the peers begin. */
  #readPeers(from: number): void {
    const { words, end } = this.#now;
    this.#readings += 1;
    // Made when the first peer differs: who has the reading before keeps that.
    let changed: ObservedPeer[] | undefined;
    let shown = 0;
    for (let at = from, line = 2; at < end; line += 1) {
      const known = this.#keys.find(words, at);
      const isFirst = known === -1 || this.#seenIn[known] !== this.#readings;
      let place = known;
      let next = known !== -1 && isFirst ? this.#endOfSame(known, at, end) : -1;
      if (next === -1) {
        changed ??= [...this.#peers];
        const peer = this.#parse(at, line, known === -1 ? undefined : changed[known]);
        if (known === -1) place = this.#admit(at);
        changed[place] = peer;
        next = this.#fields.at;
      }
      this.#starts[place] = at;
      this.#lengths[place] = next - at;
      this.#seenIn[place] = this.#readings;
      if (isFirst) shown += 1;
      at = next;
    }
    const peers = changed ?? this.#peers;
    if (shown < peers.length) this.#show(this.#withoutGone(peers));
    else if (changed !== undefined) this.#show(changed);
    [this.#now, this.#before] = [this.#before, this.#now];
  }

  /** Where the line of a known key ends if it is as it was in the dump before; -1 if it is not. */
  #endOfSame(place: number, at: number, end: number): number {
    const from = this.#starts[place] ?? 0;
    const length = this.#lengths[place] ?? 0;
    return at + length <= end && isSame(this.#now.words, at, this.#before.words, from, length) ? at + length : -1;
  }

  #parse(at: number, line: number, old: ObservedPeer | undefined): ObservedPeer {
    const fields = this.#fields;
    fields.begin(this.#now.bytes, at, line);
    const publicKey = fields.text(old?.publicKey ?? '');
    if (publicKey.length !== KEY_LENGTH) throw malformed(line);
    fields.skip();
    const endpoint = fields.text(old?.endpoint ?? NONE);
    const allowedIps = fields.text(old?.allowedIps[0] ?? NONE);
    const latestHandshake = fields.count();
    const rxBytes = fields.count();
    const txBytes = fields.count();
    fields.last();
    return {
      publicKey: publicKey as PublicKey,
      endpoint: endpoint === NONE ? null : endpoint,
      allowedIps: sameOrSplit(allowedIps, old?.allowedIps),
      latestHandshake,
      rxBytes,
      txBytes,
    };
  }

  /** Gives a new peer its place. */
  #admit(at: number): number {
    const place = this.#keys.add(this.#now.words, at);
    if (place >= this.#starts.length) {
      this.#starts = longer(this.#starts, place);
      this.#lengths = longer(this.#lengths, place);
      this.#seenIn = longer(this.#seenIn, place);
    }
    return place;
  }

  /** Those that the dump shows; all get new places. */
  #withoutGone(peers: readonly ObservedPeer[]): readonly ObservedPeer[] {
    this.#keys.clear();
    const kept: ObservedPeer[] = [];
    for (const [place, peer] of peers.entries()) {
      if (this.#seenIn[place] !== this.#readings) continue;
      const start = this.#starts[place] ?? 0;
      this.#starts[kept.length] = start;
      this.#lengths[kept.length] = this.#lengths[place] ?? 0;
      this.#keys.add(this.#now.words, start);
      kept.push(peer);
    }
    return kept;
  }

  #show(peers: readonly ObservedPeer[]): void {
    const shown = new Map<PublicKey, ObservedPeer>();
    for (const peer of peers) shown.set(peer.publicKey, peer);
    this.#peers = peers;
    this.#shown = shown;
  }

  #clear(): void {
    this.#keys.clear();
    this.#show([]);
  }
}

function sameOrSplit(text: string, before: readonly string[] | undefined): readonly string[] {
  if (before !== undefined && before.length <= 1 && text === (before[0] ?? NONE)) return before;
  return text === NONE ? [] : text.split(',');
}

function longer(numbers: Int32Array<ArrayBuffer>, least: number): Int32Array<ArrayBuffer> {
  const all = new Int32Array(2 * (least + 32));
  all.set(numbers);
  return all;
}

function parseDevice(line: string): Pick<ObservedDevice, 'publicKey' | 'listenPort'> {
  const [, publicKey, listenPort = '', ...rest] = line.split('\t');
  if (publicKey === undefined || rest.length !== DEVICE_FIELDS - 3 || !/^\d{1,5}$/.test(listenPort)) throw malformed(1);
  return { publicKey: publicKey === NONE ? null : (publicKey as PublicKey), listenPort: Number(listenPort) };
}
