import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrivateKey } from '../../src/domain/keys.ts';
import type { PeerSpec } from '../../src/wireguard/types.ts';
import type { Namespace } from '../helpers/netns.ts';
import type { World } from './world.ts';

export interface MachineOptions {
  readonly interface: string;
  /** `host:port` of the gateway as this machine reaches it. */
  readonly endpoint: string;
  /** Seconds; Talos uses 25. 0: none. */
  readonly keepalive: number;
  /** What this machine takes for the gateway's; default the server's address only, as Talos does. */
  readonly allowedIps?: string;
  /** Called with its key and address before its first packet, so that this is not refused and sent again 5 s later. */
  readonly join: (spec: PeerSpec) => Promise<unknown>;
}

/** The WireGuard side of a machine in its own namespace, by the system's own tools. */
export class Machine {
  readonly namespace: Namespace;
  readonly interface: string;
  spec: PeerSpec;
  readonly #directory = mkdtempSync(join(tmpdir(), 'siderolink-machine-'));
  readonly #peer: readonly [string, ...string[]];
  readonly #server: string;

  private constructor(namespace: Namespace, world: World, options: MachineOptions) {
    this.namespace = namespace;
    this.interface = options.interface;
    this.spec = world.peer();
    this.#server = world.key.publicKey;
    const allowed = options.allowedIps ?? `${world.overlay.server}/128`;
    const keepalive = options.keepalive === 0 ? 'off' : String(options.keepalive);
    this.#peer = ['allowed-ips', allowed, 'endpoint', options.endpoint, 'persistent-keepalive', keepalive];
  }

  static async boot(namespace: Namespace, world: World, options: MachineOptions): Promise<Machine> {
    const { run } = namespace.runner;
    const machine = new Machine(namespace, world, options);
    const { interface: name } = machine;
    await run(['wireguard-go', name], { detached: true });
    await options.join(await machine.newKey());
    await run(['ip', 'link', 'set', 'dev', name, 'mtu', '1280', 'up']);
    await run(['ip', '-6', 'addr', 'add', `${machine.spec.address}/128`, 'dev', name, 'nodad']);
    await run(['ip', '-6', 'route', 'add', world.overlay.prefix, 'dev', name]);
    await machine.relink();
    return machine;
  }

  /** Forgets its session and makes a new one, as it would by itself 15 s after its words got no answer. */
  async relink(): Promise<void> {
    const peer = ['wg', 'set', this.interface, 'peer', this.#server] as const;
    await this.namespace.run([...peer, 'remove']);
    await this.namespace.run([...peer, ...this.#peer]);
  }

  /** As at every boot: a new key, the same address. */
  async newKey(): Promise<PeerSpec> {
    const key = PrivateKey.generate();
    const file = join(this.#directory, 'key');
    writeFileSync(file, key.reveal(), { mode: 0o600 });
    await this.namespace.run(['wg', 'set', this.interface, 'private-key', file]);
    this.spec = { publicKey: key.publicKey, address: this.spec.address };
    return this.spec;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
