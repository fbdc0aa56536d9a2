import { allowedIp } from '../domain/peer-plan.ts';
import { DumpReader } from './dump.ts';
import type { InterfaceName } from './interface-name.ts';
import type { Runner } from './runner.ts';
import type { ObservedDevice, PeerChange } from './types.ts';

/** The WireGuard side of an interface, by `wg`: `set` and `show` only. `syncconf` resends every peer (facts/users.md B3). */
export class Wg {
  readonly #name: InterfaceName;
  readonly #runner: Runner;
  readonly #dumps = new DumpReader();

  constructor(options: { readonly interface: InterfaceName }, deps: { readonly runner: Runner }) {
    this.#name = options.interface;
    this.#runner = deps.runner;
  }

  /** Reads everything. Always of one interface by name: userspace devices of other network namespaces would be listed too. */
  async dump(): Promise<ObservedDevice> {
    const text = await this.#runner.run(['wg', 'show', this.#name, 'dump'], { into: this.#dumps.input });
    return this.#dumps.read(text);
  }

  /** `file`: what `wg` reads the key from, a real file (facts/users.md B4). */
  async setPrivateKey(file: string): Promise<void> {
    await this.#runner.run(['wg', 'set', this.#name, 'private-key', file]);
  }

  async setListenPort(port: number): Promise<void> {
    await this.#runner.run(['wg', 'set', this.#name, 'listen-port', String(port)]);
  }

  /**
   * Does the changes in their order, in one call; the caller keeps them few. No keepalive of ours: the machines send
   * theirs, and ours would go to dead ones for ever (facts/users.md B11).
   */
  async setPeers(changes: Iterable<PeerChange>): Promise<void> {
    const args: string[] = [];
    for (const { remove, set } of changes) {
      if (remove !== undefined) args.push('peer', remove, 'remove');
      if (set === undefined) continue;
      args.push('peer', set.publicKey, 'allowed-ips', allowedIp(set.address));
      if (set.endpoint !== undefined) args.push('endpoint', set.endpoint);
    }
    if (args.length > 0) await this.#runner.run(['wg', 'set', this.#name, ...args]);
  }
}

/** Splits changes into runs that name at most `size` peers each; a change stays whole. */
export function chunkChanges<T extends PeerChange>(changes: readonly T[], size: number): readonly (readonly T[])[] {
  const chunks: T[][] = [];
  let room = 0;
  for (const change of changes) {
    const weight = (change.remove === undefined ? 0 : 1) + (change.set === undefined ? 0 : 1);
    const last = chunks.at(-1);
    if (last === undefined || weight > room) {
      chunks.push([change]);
      room = size - weight;
    } else {
      last.push(change);
      room -= weight;
    }
  }
  return chunks;
}
