import type { Clock } from '../lib/clock.ts';
import { type BootScript, type MachineFacts, paceOf, renderLine } from './boot-script.ts';
import type { KernelRecord } from './kmsg-line.ts';
import type { EventBody } from './machine-events.ts';

const MICROS = 1000;

/** Where the numbers of these lines begin, so that they are not those of the boot's own lines. */
const FIRST_INDEX = 100_000;

export interface ScriptPlayerDeps {
  readonly clock: Clock;
  readonly line: (record: KernelRecord) => void;
  readonly event: (event: EventBody) => void;
  readonly apiReady: () => void;
}

/**
 * Plays a script that does not begin with the kernel, such as what follows when a machine gets its configuration: lines
 * and events in order, each at its time after now. Resolves at its end, or when `signal` aborts.
 */
export async function playScript(
  { script, facts, speed }: { script: BootScript; facts: MachineFacts; speed: number },
  deps: ScriptPlayerDeps,
  signal: AbortSignal,
): Promise<void> {
  const steps = [
    ...script.lines.map((line, index) => ({
      clock: line.clock,
      play: () => deps.line(renderLine(line, FIRST_INDEX + index, facts)),
    })),
    ...script.events.map(({ clock, event }) => ({ clock, play: () => deps.event(event(facts)) })),
    { clock: script.apiReady, play: deps.apiReady },
  ].sort((a, b) => a.clock - b.clock);
  const started = deps.clock.monotonic();
  for (const { clock, play } of steps) {
    const due = started + (clock * paceOf(facts)) / MICROS / speed;
    const wait = due - deps.clock.monotonic();
    if (wait > 0) await deps.clock.sleep(wait, signal);
    if (signal.aborted) return;
    play();
  }
}
