#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import type { Clash } from '../config/combinations.ts';
import type { Config } from '../config/config.ts';
import { ERRORS, errorCode, errorMessage } from '../domain/errors.ts';
import { systemClock } from '../lib/clock.ts';
import { simulateCommand } from '../simulate/command.ts';
import { version } from '../version.ts';
import { doctorCommand, initCommand, restoreCommand } from './commands.ts';

const EXIT_CODES = `
Exit codes:
  0   done
  1   doctor found an error
  2   wrong usage
  5   another daemon uses the state directory, or it belongs to another installation
  69  a part could not be started, or went away
  71  a system command (wg, ip, nft) failed
  74  the store cannot be read or written
  78  the configuration is wrong; every mistake is listed
  70  anything else: a defect of ours`;

interface ConfigOptions {
  readonly config?: string;
}

/**
 * A command loads what it needs when it is called: all that there is takes three times as long to load as what `run` needs
 * to begin with, and thirty times as long as what `version` does.
 */
function program(): Command {
  const root = new Command('siderolinkd')
    .description('A SideroLink endpoint for Talos Linux machines.')
    .version(`siderolinkd ${version}`, '-V, --version', 'print name and version')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();

  withConfig(root.command('run').description('run the daemon in the foreground')).action(
    async (options: ConfigOptions) => {
      const [config, { run }, { createLogger }] = await Promise.all([
        configOf(options),
        import('./run.ts'),
        import('../telemetry/logger.ts'),
      ]);
      process.exitCode = await run(config, createLogger(config.log.level));
    },
  );

  withConfig(
    root
      .command('check-config')
      .description('check the configuration and the files that it names, and say what is wrong'),
  ).action(async ({ config: path }: ConfigOptions) => {
    const [{ DEFAULT_CONFIG_PATH, loadConfig }, { namedFiles }] = await Promise.all([
      import('../config/config.ts'),
      import('./named-files.ts'),
    ]);
    const warnings: Clash[] = [];
    loadConfig({
      path,
      env: process.env,
      inspect: (config) => {
        const files = namedFiles(config, systemClock.now());
        warnings.push(...files.warnings);
        return files.problems;
      },
    });
    for (const { paths, message } of warnings) print(`warning: ${paths[0]}: ${message}`);
    const file = path ?? DEFAULT_CONFIG_PATH;
    print(existsSync(file) ? `${file} is right.` : `There is no ${file}: all defaults. The environment is right.`);
  });

  initCommand(withConfig(root.command('init')), { load: configOf, env: process.env, print });

  restoreCommand(withConfig(root.command('restore')), { load: configOf, print, now: () => systemClock.now() });

  withConfig(root.command('down').description('remove the WireGuard device, its routes and the firewall table')).action(
    async (options: ConfigOptions) => {
      const { takeDown } = await import('./down.ts');
      await takeDown(await configOf(options));
    },
  );

  doctorCommand(withConfig(root.command('doctor')), (text) => process.stdout.write(text));

  root.addCommand(simulateCommand());

  root
    .command('version')
    .description('print the version alone, for programs')
    .action(() => print(version));
  return root;
}

function withConfig(command: Command): Command {
  return command.option('--config <file>', 'configuration file (default: /etc/siderolinkd/config.yaml if there)');
}

async function configOf(options: ConfigOptions): Promise<Config> {
  const { loadConfig } = await import('../config/config.ts');
  return loadConfig({ path: options.config, env: process.env });
}

/** What went wrong and why, without saying a thing twice: some messages hold their cause's already. */
function messages(error: unknown): string {
  const message = errorMessage(error);
  const cause = error instanceof Error && error.cause !== undefined ? messages(error.cause) : '';
  return cause === '' || message.includes(cause) ? message : `${message}: ${cause}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

// What this process makes is its user's alone; what others may open, like the control socket, is opened to them on purpose.
process.umask(0o077);

process.title = 'siderolinkd';

// Our waits do not keep the process alive, so that none of them can hold up its end; until then this does.
const alive = setInterval(() => {}, 2 ** 30);
try {
  await program().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : ERRORS.invalid_argument.exit;
  } else {
    const code = errorCode(error);
    process.stderr.write(`siderolinkd: ${code === 'internal' ? inspect(error) : messages(error)}\n`);
    process.exitCode = ERRORS[code].exit;
  }
} finally {
  clearInterval(alive);
}
