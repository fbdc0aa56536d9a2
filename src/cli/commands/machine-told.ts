import type { Machine } from '../../client/api.ts';
import { ago } from '../text.ts';

/** What a machine has told of itself beyond its stage. An older daemon does not pass it on. */
export interface Told extends Pick<Machine, 'stage'> {
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string | null;
    readonly message: string | null;
    readonly last_transition_time: string;
  }[];
  readonly config_errors?: readonly { readonly kind: string; readonly message: string; readonly since: string }[];
  readonly last_reboot?: { readonly at: string; readonly kind: string; readonly command: string | null } | null;
  readonly stage_regression?: { readonly from: string; readonly to: string; readonly since: string } | null;
  readonly lost_after_upgrade?: { readonly since: string; readonly sequence: string } | null;
  readonly missing_lines?: number | null;
}

/** As lines of `machine get`; only what is there. `now`: milliseconds since the epoch. */
export function toldFields(machine: Told, now: number): readonly (readonly [name: string, value: string])[] {
  const { conditions = [], config_errors: errors = [], last_reboot: reboot = null } = machine;
  const {
    stage_regression: regression = null,
    lost_after_upgrade: lost = null,
    missing_lines: missing = null,
  } = machine;
  const since = (time: string) => `${ago(time, now)} ago`;
  const lines = conditions.map(({ type, status, reason, message, last_transition_time: time }) => {
    const why = [reason, message].filter((text) => text !== null && text !== '').join(': ');
    return `${type} ${status}, since ${ago(time, now)}${why === '' ? '' : `, ${why}`}`;
  });
  const wrong = errors.map(({ kind, message, since: time }) => `${kind}, ${since(time)}: ${message}`);
  return [
    ...(lines.length === 0 ? [] : [['conditions', lines.join('\n')] as const]),
    ...(wrong.length === 0 ? [] : [['configuration', wrong.join('\n')] as const]),
    ...(reboot === null ? [] : [['last reboot', `${rebootText(reboot)}, ${since(reboot.at)}`] as const]),
    ...(regression === null
      ? []
      : [
          [
            'attention',
            `it went from ${regression.from} to ${regression.to}, though nobody reset it, ${since(regression.since)}`,
          ] as const,
        ]),
    ...(lost === null ? [] : [['attention', `silent since its ${lost.sequence}, ${since(lost.since)}`] as const]),
    ...(missing === null || missing === 0 ? [] : [['missing lines', `${missing} of this boot`] as const]),
  ];
}

function rebootText({ kind, command }: { readonly kind: string; readonly command: string | null }): string {
  return command === null ? kind : `${kind} (${command})`;
}
