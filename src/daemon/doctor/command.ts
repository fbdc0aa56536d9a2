import { type Command, Option } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { CommandRunner } from '../../wireguard/runner.ts';
import { gather } from './gather.ts';
import { judge } from './judge.ts';
import { checksJson, exitCodeOf, formatChecks } from './report.ts';

interface DoctorOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly output: 'table' | 'wide' | 'json';
}

/** `doctor`: looks at this host and at what runs on it, changes nothing. `command` has `--config` already. */
export function doctorCommand(command: Command, print: (text: string) => void): Command {
  return command
    .description('check this host, the configuration and the running daemon, and say what to do')
    .option('--socket <path>', "the control socket; default: the configuration's")
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(['table', 'json', 'wide'])
        .default('table'),
    )
    .action(async ({ config, socket, output }: DoctorOptions) => {
      const deps = { runner: new CommandRunner(), clock: systemClock };
      const checks = judge(await gather({ config, socket, env: process.env }, deps));
      const colour = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
      print(output === 'json' ? checksJson(checks) : formatChecks(checks, colour));
      process.exitCode = exitCodeOf(checks);
    });
}
