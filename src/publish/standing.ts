import { formatDuration } from '../domain/duration.ts';
import type { ConditionName } from '../telemetry/conditions.ts';
import type { Severity } from '../telemetry/health.ts';
import type { PublishState } from './protocol.ts';

interface Told {
  readonly name: ConditionName;
  readonly severity: Severity;
  readonly message: string;
}

/**
 * What an operator is told. Without a connection everything else works as ever (law 9), so that is a warning; a stream
 * that must be changed is an error, because it stays so until somebody does.
 *
 * @param ageMs age of the oldest record that is not acknowledged; 0 if there is none
 * @param lateMs from which age on that is worth a warning
 */
export function conditionsOf(state: PublishState, ageMs: number, lateMs: number): readonly Told[] {
  return [connectionOf(state, ageMs, lateMs), streamOf(state)];
}

function streamOf({ streamProblem, loss }: PublishState): Told {
  const name = 'nats_stream';
  if (streamProblem !== null) return { name, severity: 'error', message: streamProblem };
  return { name, severity: loss === null ? 'ok' : 'warning', message: loss ?? '' };
}

function connectionOf(state: PublishState, ageMs: number, lateMs: number): Told {
  const name = 'nats';
  const waiting = ageMs > 0 ? `; the oldest of the records that wait is ${roughly(ageMs)} old` : '';
  if (state.server === null) {
    return { name, severity: 'warning', message: `not connected: ${state.problem ?? 'unknown'}${waiting}` };
  }
  if (ageMs < lateMs) return { name, severity: 'ok', message: '' };
  const why = state.refusal === null ? '' : `; last refusal: ${state.refusal}`;
  return { name, severity: 'warning', message: `behind${waiting}${why}` };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What keeps records from being published; null if nothing does, also where something did a moment ago. */
export function obstacleOf({ problem, streamProblem, refusal, waiting }: PublishState): string | null {
  return problem ?? streamProblem ?? (waiting > 0 ? refusal : null);
}

/** Coarse, so that a message does not change every second. */
function roughly(ms: number): string {
  if (ms < MINUTE_MS) return 'less than a minute';
  const step = ms < 2 * HOUR_MS ? MINUTE_MS : HOUR_MS;
  return formatDuration(Math.floor(ms / step) * step);
}
