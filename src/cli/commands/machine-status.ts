import type { Machine } from '../../client/api.ts';
import { ago } from '../text.ts';

/** A field of `machine get`, of one line or several. A line feed in what a machine has told makes no line of its own. */
export type Field = readonly [name: string, value: string | readonly string[]];

/** What a machine is and does, what is wrong with it, and what happened to it last: for a person, the worst first. */
export function statusFields(machine: Machine, now: number): readonly Field[] {
  const problems = problemsOf(machine, now);
  const errors = machine.config_errors.map(
    ({ kind, message, since }) => `${kind}: ${message} (${ago(since, now)} ago)`,
  );
  const unmet = machine.unmet_conditions.map(({ name, reason }) => `${name}${reason && ` (${reason})`}`);
  return [
    ['stage', stageText(machine, now)],
    ...(problems.length > 0 ? [['problem', problems] as const] : []),
    ...(errors.length > 0 ? [['config error', errors] as const] : []),
    ['unmet', unmet],
    ['doing', doingText(machine, now)],
    ['last reboot', rebootText(machine, now)],
  ];
}

/** What is for looking up: services, the ailing first, and conditions. */
export function detailFields(machine: Machine, now: number): readonly Field[] {
  const services = Object.entries(machine.services)
    .sort(([, a], [, b]) => rank(a) - rank(b))
    .map(([name, { state, healthy, message }]) => {
      const health = healthy === null ? '' : healthy ? ', healthy' : ', unhealthy';
      return `${name}: ${state}${health}${message && `, ${message}`}`;
    });
  const conditions = machine.conditions.map(({ type, status, severity, reason, message, last_transition_time }) => {
    const why = [severity, reason, message].filter(Boolean).join(', ');
    return `${type} ${status}${why && `: ${why}`} (${ago(last_transition_time, now)} ago)`;
  });
  return [
    ['services', services],
    ['conditions', conditions],
  ];
}

/** How many lines of the current boot's kernel log did not come, if any. */
export function missingFields({ missing_lines: missing, server_uuid }: Machine): readonly Field[] {
  if (missing === null || missing === 0) return [];
  return [['missing lines', `${missing} of this boot: \`siderolinkctl machine boots ${server_uuid}\` tells which`]];
}

function stageText({ stage, stage_since, ready }: Machine, now: number): string {
  if (stage === null) return '-';
  const readiness = ready === null ? '' : ready ? ', ready' : ', not ready';
  return `${stage}${readiness}${stage_since === null ? '' : `, for ${ago(stage_since, now)}`}`;
}

function problemsOf({ lost_after_upgrade: lost, stage_regression: regression }: Machine, now: number): string[] {
  const problems: string[] = [];
  if (lost !== null) {
    problems.push(
      `lost: it went with ${lost.sequence}, and has been silent for ${ago(lost.since, now)};`,
      'it may have booted without its kernel arguments: look at its console',
    );
  }
  if (regression !== null) {
    problems.push(
      `it was ${regression.from}, and is in ${regression.to} for ${ago(regression.since, now)}, though nobody reset it;`,
      'its disk or its META partition may be gone, or it boots from elsewhere',
    );
  }
  return problems;
}

const SEQUENCE_ENDS: Readonly<Record<string, string>> = { STOP: 'done', NOOP: 'over' };

function doingText({ sequence, phase, tasks }: Machine, now: number): string {
  const running = [
    ...(phase === null ? [] : [`phase ${phase}`]),
    ...(tasks.length === 0 ? [] : [`${tasks.length === 1 ? 'task' : 'tasks'} ${tasks.join(', ')}`]),
  ];
  if (sequence === null) return running.join(', ') || '-';
  const { name, action, error, since } = sequence;
  const age = since === null ? '' : ago(since, now);
  if (action === 'START') return [`${name}${age && `, for ${age}`}`, ...running].join(', ');
  const end = error === null ? (SEQUENCE_ENDS[action] ?? action) : 'failed';
  const last = `sequence ${name} ${end}${age && ` ${age} ago`}${error === null ? '' : `: ${error}`}`;
  return running.length === 0 ? `nothing; ${last}` : `${running.join(', ')}; ${last}`;
}

const REBOOTS: Readonly<Record<NonNullable<Machine['last_reboot']>['kind'], string>> = {
  reboot: 'it was told to',
  kexec: 'it was told to, by kexec',
  upgrade: 'an upgrade',
  reset: 'a reset',
  shutdown: 'it was shut down',
  install: 'an installation',
  unannounced: 'unannounced: power loss, reset button or crash',
};

function rebootText({ last_reboot: reboot, boot }: Machine, now: number): string {
  if (reboot === null) return boot === 0 ? 'it never joined' : 'none: this is its first boot here';
  const by = reboot.kind !== 'kexec' && reboot.command === 'kexec' ? ', by kexec' : '';
  return `${reboot.at} (${ago(reboot.at, now)} ago): ${REBOOTS[reboot.kind]}${by}`;
}

/** The ailing before those that wait or have ended, the well last. */
function rank({ state, healthy }: Machine['services'][string]): number {
  if (healthy === false || state === 'FAILED') return 0;
  return state === 'RUNNING' ? 2 : 1;
}
