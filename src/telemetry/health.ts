import type { ConditionName } from './conditions.ts';

export type Severity = 'ok' | 'warning' | 'error';

export interface Condition {
  readonly name: ConditionName;
  readonly severity: Severity;
  /** What is wrong and what to do about it; empty when ok. */
  readonly message: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Named conditions, from which `/readyz`, the metric and systemd's STATUS line follow. */
export class Health {
  readonly #conditions = new Map<ConditionName, Condition>();
  readonly #listeners = new Set<(condition: Condition) => void>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  set(name: ConditionName, severity: Severity, message = ''): void {
    const before = this.#conditions.get(name);
    if (before?.severity === severity && before.message === message) return;
    const since = before?.severity === severity ? before.since : this.#now();
    const condition = { name, severity, message, since };
    this.#conditions.set(name, condition);
    for (const listener of this.#listeners) listener(condition);
  }

  get conditions(): readonly Condition[] {
    return [...this.#conditions.values()];
  }

  /** Ready: no condition is an error. */
  get ready(): boolean {
    return this.conditions.every((condition) => condition.severity !== 'error');
  }

  /** One line for systemd's STATUS: what is wrong, the worst first, or `ready`. */
  get summary(): string {
    const wrong = (['error', 'warning'] as const).flatMap((severity) =>
      this.conditions.filter((condition) => condition.severity === severity),
    );
    if (wrong.length === 0) return 'ready';
    return wrong.map(({ name, severity, message }) => `${severity}: ${name}: ${message}`).join('; ');
  }

  onChange(listener: (condition: Condition) => void): void {
    this.#listeners.add(listener);
  }
}
