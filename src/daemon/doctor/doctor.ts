import { systemClock } from '../../lib/clock.ts';
import { CommandRunner } from '../../wireguard/runner.ts';
import { gather } from './gather.ts';
import { judge } from './judge.ts';
import { checksJson, exitCodeOf, formatChecks } from './report.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly output: 'table' | 'wide' | 'json';
}

/** Looks at this host and at what runs on it, changes nothing; what it found as text, and the exit code that says so. */
export async function doctor({
  config,
  socket,
  output,
}: DoctorOptions): Promise<{ readonly text: string; readonly exitCode: number }> {
  const deps = { runner: new CommandRunner(), clock: systemClock };
  const checks = judge(await gather({ config, socket, env: process.env }, deps));
  const colour = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  return {
    text: output === 'json' ? checksJson(checks) : formatChecks(checks, colour),
    exitCode: exitCodeOf(checks),
  };
}
