import { randomBytes } from 'node:crypto';
import { open, stat, truncate } from 'node:fs/promises';
import { errorMessage } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

const STEP_BYTES = 1024 * 1024;

export interface BallastOptions {
  /** The file; it holds nothing but its length. */
  readonly path: string;
}

/** Gives back what an earlier run took; whether that was anything. */
export async function throwOff(path: string): Promise<boolean> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > 0) await truncate(path, 0);
  return size > 0;
}

export interface BallastDeps {
  readonly logger: Logger;
}

/**
 * Bytes of the disk that are taken while there is room and thrown off when there is none. Whoever fills the disk to its
 * last byte, between two looks at it or because it is not ours, leaves the store no room even to drop what is oldest:
 * freeing space takes some.
 */
export class Ballast {
  readonly #path: string;
  readonly #logger: Logger;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: BallastOptions, deps: BallastDeps) {
    this.#path = options.path;
    this.#logger = deps.logger;
  }

  /** Takes so many bytes, if it does not have them yet. */
  take(bytes: number): void {
    this.#then(async () => {
      const { size } = await stat(this.#path).catch(() => ({ size: 0 }));
      if (size !== bytes) await this.#fill(bytes);
    });
  }

  /** Gives all of it back. */
  throwOff(): void {
    this.#then(async () => {
      await throwOff(this.#path);
    });
  }

  /** Resolves when what was asked for is done. */
  settled(): Promise<void> {
    return this.#running;
  }

  /** Ends after the part that is being written. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  /** A part at a time, so that a disk that becomes full meanwhile is noticed. */
  async #fill(bytes: number): Promise<void> {
    await using file = await open(this.#path, 'w', 0o600);
    // Zeros would take nothing where the file system compresses.
    const part = randomBytes(STEP_BYTES);
    for (let left = bytes; left > 0 && !this.#isStopped; left -= part.length) {
      await file.write(left < part.length ? part.subarray(0, left) : part);
    }
  }

  #then(step: () => Promise<void>): void {
    this.#running = this.#running.then(step).catch((error: unknown) => {
      this.#logger.debug({ error: errorMessage(error) }, 'the space kept for emergencies could not be changed');
    });
  }
}
