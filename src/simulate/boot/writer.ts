import type { MachineFacts, ScriptEvent, ScriptLine } from '../boot-script.ts';
import { PRIORITIES } from '../kmsg-line.ts';
import type { EventBody } from '../machine-events.ts';
import { between, type Random } from '../random.ts';

/** Writes a boot script in order: each entry a little later than the one before. */
export class ScriptWriter {
  readonly lines: ScriptLine[] = [];
  readonly events: ScriptEvent[] = [];
  readonly #random: Random;
  #clock = 0;
  #apiReady: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Microseconds since boot. */
  get clock(): number {
    return this.#clock;
  }

  /** When the Talos API is up, in microseconds; without a word about it, now. */
  get apiReady(): number {
    return this.#apiReady ?? this.#clock;
  }

  /** From now on the Talos API answers. */
  apiUp(): this {
    this.#apiReady = this.#clock;
    return this;
  }

  /** Lets time pass, in milliseconds, a little more or less. */
  wait(milliseconds: number): this {
    this.#clock += Math.round(milliseconds * 1000 * (0.6 + 0.8 * this.#random()));
    return this;
  }

  /** Kernel lines `6 text`, spread over about this time; 0: all at the clock as it is. */
  kernel(texts: readonly string[], milliseconds: number): this {
    for (const text of texts) {
      if (milliseconds > 0) this.#clock += Math.round((milliseconds * 1000 * 2 * this.#random()) / texts.length);
      const priority = PRIORITIES[Number(text.charAt(0))] ?? 'info';
      // Device lines carry their device on lines of their own, after the text's newline.
      this.lines.push({ clock: this.#clock, facility: 'kern', priority, template: `${text.slice(2)}\n` });
    }
    return this;
  }

  /** A line of Talos itself: facility user, priority warning. */
  talos(text: string): this {
    this.#clock += between(this.#random, 40, 9000);
    this.lines.push({ clock: this.#clock, facility: 'user', priority: 'warning', template: `[talos] ${text}\n` });
    return this;
  }

  /** A line of a service that writes to the kernel's log. */
  other(priority: ScriptLine['priority'], facility: ScriptLine['facility'], text: string): this {
    this.#clock += between(this.#random, 40, 5000);
    this.lines.push({ clock: this.#clock, facility, priority, template: `${text}\n` });
    return this;
  }

  event(event: (facts: MachineFacts) => EventBody): this {
    this.events.push({ clock: this.#clock, event });
    return this;
  }
}
