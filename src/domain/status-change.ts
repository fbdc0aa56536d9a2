import { configErrors } from './conditions.ts';
import { type EventStatus, stageRegression } from './status.ts';

/** What of a machine a control plane acts on, by the names that the API has for it. */
export const WATCHED = [
  'stage',
  'ready',
  'hostname',
  'addresses',
  'conditions',
  'config_errors',
  'stage_regression',
  'last_reboot',
  'talos_version',
  'lost_after_upgrade',
] as const;
export type Watched = (typeof WATCHED)[number];

/** What of it two states of a status differ in; never a service, a phase or a task, which come by the dozen. */
export function statusChanges(before: EventStatus, after: EventStatus): Watched[] {
  if (before === after) return [];
  return Object.entries(PARTS).flatMap(([name, part]) =>
    same(part(before), part(after)) ? [] : [name as keyof typeof PARTS],
  );
}

const PARTS = {
  stage: ({ stage }: EventStatus): unknown => stage,
  ready: ({ ready }: EventStatus): unknown => ready,
  hostname: ({ hostname }: EventStatus): unknown => hostname,
  addresses: ({ addresses }: EventStatus): unknown => addresses,
  conditions: ({ conditions }: EventStatus): unknown => conditions,
  config_errors: ({ conditions }: EventStatus): unknown => configErrors(conditions),
  stage_regression: (status: EventStatus): unknown => stageRegression(status),
  last_reboot: ({ lastReboot }: EventStatus): unknown => lastReboot,
} as const satisfies Partial<Record<Watched, unknown>>;

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
