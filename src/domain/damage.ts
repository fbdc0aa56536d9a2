import { SiderolinkError } from './errors.ts';

/**
 * Stored bytes are not what was written: a disk or a hand has changed them. Thrown where they are checked or decoded, and
 * by nothing else: who meets it passes over what lies there, which for a fault of the program would be the wrong answer.
 */
export class DamageError extends SiderolinkError {
  constructor(what: string, cause?: unknown) {
    super('storage', `the store is damaged: ${what}`, {}, cause === undefined ? undefined : { cause });
  }
}
