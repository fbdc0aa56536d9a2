import type { Caller } from './types.ts';

/** Who made a change, for its record: `operator deploy-bot`. */
export function callerName({ role, name }: Caller): string {
  return `${role} ${name}`;
}
