import { type FileHandle, open } from 'node:fs/promises';
import type { Backup, BackupSource } from '../control/types.ts';
import { SiderolinkError } from '../domain/errors.ts';
import { type BackupFacts, type BackupOptions, removeBackup } from '../store/backup.ts';
import { readIdentity, stateFiles } from './state-dir.ts';

export interface BackupsDeps {
  readonly log: { backup(options: BackupOptions, signal: AbortSignal): Promise<BackupFacts> };
}

/** Makes backups in the state directory, one at a time: none is left there, whatever happens. */
export class Backups implements BackupSource {
  readonly #directory: string;
  readonly #log: BackupsDeps['log'];
  #busy = false;

  constructor(options: { readonly stateDir: string }, { log }: BackupsDeps) {
    this.#directory = options.stateDir;
    this.#log = log;
  }

  /** Removes what a daemon that was killed has left. */
  async start(): Promise<void> {
    removeBackup(stateFiles(this.#directory).backup);
  }

  /** Nothing: who asked for a backup is told to give it up. */
  async stop(): Promise<void> {}

  async make(signal: AbortSignal): Promise<Backup> {
    if (this.#busy) throw new SiderolinkError('conflict', 'another backup is being made; wait for it');
    this.#busy = true;
    try {
      const { bytes, sha256, handle } = await this.#make(signal);
      return {
        bytes,
        sha256,
        read: () => handle.createReadStream(),
        [Symbol.asyncDispose]: async () => {
          this.#busy = false;
          await handle.close();
        },
      };
    } catch (error) {
      this.#busy = false;
      throw error;
    }
  }

  async #make(signal: AbortSignal): Promise<BackupFacts & { readonly handle: FileHandle }> {
    const { backup: target } = stateFiles(this.#directory);
    const facts = await this.#log.backup({ target, identity: readIdentity(this.#directory) }, signal);
    try {
      return { ...facts, handle: await open(target, 'r') };
    } finally {
      // Whoever has it open reads on; its bytes are free again when he is done, or gone.
      removeBackup(target);
    }
  }
}
