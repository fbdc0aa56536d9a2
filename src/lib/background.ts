import { getPriority, setPriority } from 'node:os';

/** Beside a thread that has nothing to wait for, one of this niceness gets a sixtieth of a core; what nobody wants is all its own. */
const NICENESS = 19;

/**
 * Lets the other threads of this process go first where there are fewer cores than threads with work. In Linux it holds for the
 * calling thread alone, and for ever: only a privileged process takes it back.
 */
export function beBackground(): void {
  try {
    if (getPriority() < NICENESS) setPriority(NICENESS);
  } catch {
    // Some sandboxes refuse it. The thread then competes, and nothing else is different.
  }
}
