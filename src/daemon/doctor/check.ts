import type { Severity } from '../../telemetry/health.ts';

/** What the doctor found of one thing. */
export interface Check {
  /** Stable: programs look for it. */
  readonly name: string;
  readonly severity: Severity;
  /** What is, in a sentence. */
  readonly message: string;
  /** What to do about it; null where there is nothing to do. */
  readonly remedy: string | null;
}

export function ok(name: string, message: string): Check {
  return { name, severity: 'ok', message, remedy: null };
}

export function warning(name: string, message: string, remedy: string): Check {
  return { name, severity: 'warning', message, remedy };
}

export function wrong(name: string, message: string, remedy: string): Check {
  return { name, severity: 'error', message, remedy };
}
