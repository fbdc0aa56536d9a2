import type { Check } from './check.ts';

/** What was found, for people: a check, and what to do about it below. */
export function formatChecks(checks: readonly Check[], colour: boolean): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[39m` : text);
  const marks = { ok: paint(32, 'ok     '), warning: paint(33, 'warning'), error: paint(31, 'error  ') };
  const indent = ' '.repeat(width + 11);
  const lines = checks.map(({ name, severity, message, remedy }) => {
    const text = safe(message).split('\n').join(`\n${indent}`);
    const todo = remedy === null ? '' : `${indent}to do: ${safe(remedy)}\n`;
    return `${marks[severity]}  ${name.padEnd(width)}  ${text}\n${todo}`;
  });
  return `${lines.join('')}\n${summary(checks)}\n`;
}

/** The same for programs, on one line. */
export function checksJson(checks: readonly Check[]): string {
  return `${JSON.stringify({ errors: count(checks, 'error'), warnings: count(checks, 'warning'), checks })}\n`;
}

/** 0 when there is no error, else 1. */
export function exitCodeOf(checks: readonly Check[]): 0 | 1 {
  return count(checks, 'error') === 0 ? 0 : 1;
}

function summary(checks: readonly Check[]): string {
  const [errors, warnings] = [count(checks, 'error'), count(checks, 'warning')];
  if (errors + warnings === 0) return 'all is well';
  const plural = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
  return [
    ...(errors > 0 ? [plural(errors, 'error')] : []),
    ...(warnings > 0 ? [plural(warnings, 'warning')] : []),
  ].join(', ');
}

function count(checks: readonly Check[], severity: Check['severity']): number {
  return checks.filter((check) => check.severity === severity).length;
}

/** Messages may hold what others wrote into files: no control characters but the line feed. */
function safe(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '?');
}
