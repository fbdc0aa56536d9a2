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
}

/** The WireGuard side of a machine in its own namespace, by the system's own tools. */
export class Machine {
  readonly namespace: Namespace;
  readonly interface: string;
  spec: PeerSpec;
  readonly #directory = mkdtempSync(join(tmpdir(), 'siderolink-machine-'));

  private constructor(namespace: Namespace, name: string, spec: PeerSpec) {
    this.namespace = namespace;
    this.interface = name;
    this.spec = spec;
  }

  static async boot(namespace: Namespace, world: World, options: MachineOptions): Promise<Machine> {
    const { run } = namespace.runner;
    const machine = new Machine(namespace, options.interface, world.peer());
    const { interface: name } = machine;
    await run(['wireguard-go', name], { detached: true });
    await machine.newKey();
    await run(['ip', 'link', 'set', 'dev', name, 'mtu', '1280', 'up']);
    await run(['ip', '-6', 'addr', 'add', `${machine.spec.address}/128`, 'dev', name, 'nodad']);
    await run(['ip', '-6', 'route', 'add', world.overlay.prefix, 'dev', name]);
    const allowed = options.allowedIps ?? `${world.overlay.server}/128`;
    const keepalive = options.keepalive === 0 ? 'off' : String(options.keepalive);
    await run([
      ...(['wg', 'set', name, 'peer', world.key.publicKey, 'allowed-ips', allowed] as const),
      ...['endpoint', options.endpoint, 'persistent-keepalive', keepalive],
    ]);
    return machine;
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
