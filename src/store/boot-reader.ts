import type { Database, Statement } from 'better-sqlite3';
import type { PublicKey } from '../domain/keys.ts';
import type { RegistryImage } from '../domain/registry.ts';

type BootRow = RegistryImage['boots'][number];

/** Reads the boots of one machine from the registry. */
export class BootReader {
  readonly #select: Statement;

  constructor(db: Database) {
    this.#select = db.prepare('select boot, public_key, doc from boot where machine = ? order by boot').raw();
  }

  boots(machine: number): readonly BootRow[] {
    const rows = this.#select.all(machine) as [number, PublicKey, string][];
    return rows.map(([boot, publicKey, doc]) => ({ machine, boot, publicKey, doc }));
  }
}
