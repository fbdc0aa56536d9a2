import { type Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import type { DoctorOptions } from './doctor/doctor.ts';
import type { InitOptions } from './init.ts';
import { SYSTEMD_DIR } from './socket-units.ts';

/** What the commands take. What they do is loaded when they are called. Each `command` has `--config` already. */

interface Deps {
  readonly load: (options: { readonly config?: string }) => Promise<Config>;
  readonly print: (text: string) => void;
}

/** `init`: makes or adopts the identity, and tells systemd what to listen on. */
export function initCommand(
  command: Command,
  { load, ...deps }: Deps & { readonly env: Readonly<Record<string, string | undefined>> },
): Command {
  return command
    .description('make the identity of this installation, or adopt another one’s, and tell systemd what to listen on')
    .option('--installation-id-file <file>', 'adopt the installation id in this file (may be empty)')
    .option('--private-key-file <file>', 'adopt the WireGuard private key in this file')
    .option('--systemd-dir <directory>', `where systemd's units are (default: ${SYSTEMD_DIR}, if ours are there)`)
    .option('--no-systemd', 'leave systemd alone')
    .action(async (options: InitOptions) => {
      const { init } = await import('./init.ts');
      init(await load(options), options, deps);
    });
}

/** `restore FILE`: makes of an empty state directory the installation that a backup holds. */
export function restoreCommand(command: Command, { load, print, now }: Deps & { readonly now: () => number }): Command {
  return command
    .description('make of an empty state directory the installation that a backup holds; the old host must be off')
    .argument('<file>', 'what `siderolinkctl backup` wrote')
    .action(async (file: string, options: { readonly config?: string }) => {
      const { restore, restoreReport } = await import('./restore.ts');
      print(restoreReport(restore(file, (await load(options)).state_dir, now())));
    });
}

/** `doctor`: looks at this host and at what runs on it, changes nothing. */
export function doctorCommand(command: Command, print: (text: string) => void): Command {
  return command
    .description('check this host, the configuration and the running daemon, and say what to do')
    .option('--socket <path>', "the control socket; default: the configuration's")
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(['table', 'json', 'wide'])
        .default('table'),
    )
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor/doctor.ts');
      const { text, exitCode } = await doctor(options);
      print(text);
      process.exitCode = exitCode;
    });
}
