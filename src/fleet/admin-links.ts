import type { PublicKey } from '../domain/keys.ts';
import type { WireGuard } from '../wireguard/types.ts';
import type { Roster } from './roster.ts';
import type { Boots, Machine } from './types.ts';

export interface AdminLinksDeps {
  readonly roster: Roster;
  readonly boots: Pick<Boots, 'current' | 'ofKey'>;
  readonly wireguard: Pick<WireGuard, 'apply'>;
}

/** What administration does to the device. Every step may be repeated: a change that was stored finishes so. */
export class AdminLinks {
  readonly #deps: AdminLinksDeps;

  constructor(deps: AdminLinksDeps) {
    this.#deps = deps;
  }

  /** Gives a machine that may have a link its peer again. @throws SiderolinkError `command_failed`, `unavailable` */
  async link(machine: Machine): Promise<void> {
    const { roster, boots, wireguard } = this.#deps;
    const { key, address } = machine;
    if (key === null || roster.bySource(address)?.id !== machine.id) return;
    await wireguard.apply({ set: { publicKey: key, address } });
    const previousBoot = boots.current(machine.id);
    // Its last join was stored and never reached the device: the boot begins now.
    if (previousBoot?.number !== machine.boot) roster.tell({ kind: 'boot', machine, previousBoot });
  }

  /** Takes its peer away. @throws SiderolinkError `command_failed`, `unavailable` */
  async unlink({ id, key }: Machine): Promise<void> {
    const { boots, wireguard } = this.#deps;
    const keys = new Set<PublicKey>();
    if (key !== null) keys.add(key);
    // The device may still have the key of the boot before, if the last join never reached it; unless a newcomer came
    // with it since, whose peer it is now.
    const former = boots.current(id)?.publicKey;
    if (former !== undefined && boots.ofKey(former)?.machine === id) keys.add(former);
    await Promise.all([...keys].map((remove) => wireguard.apply({ remove })));
  }
}
