import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../domain/duration.ts';
import { errorMessage } from '../domain/errors.ts';

/** Adds the options to the command; `readSimulateOptions` (options.ts) reads what commander made of them. */
export function addSimulateOptions(command: Command): Command {
  return command
    .addOption(new Option('--count <n>', 'how many machines').default(1).argParser(wholeNumber(1, 50_000)))
    .addOption(
      new Option('--api <url>', 'API to join, e.g. grpc://198.51.100.1:8081?jointoken=…; sinks on ports 4001 and 4002'),
    )
    .addOption(
      new Option('--kernel-args <text>', 'kernel arguments to boot with, as siderolinkctl kernel-args prints them'),
    )
    .addOption(new Option('--kernel-args-file <file>', 'the same from a file'))
    .addOption(
      new Option('--join-token-file <file>', 'file with the join token, which replaces the one in the arguments'),
    )
    .addOption(
      new Option('--profile <version>', 'Talos version, 1.0 to 1.14; several with commas, in turn').default('1.13'),
    )
    .addOption(
      new Option('--seed <n>', 'the same seed makes the same machines')
        .default(1)
        .argParser(wholeNumber(0, 2 ** 32 - 1)),
    )
    .addOption(
      new Option('--transport <kind>', 'namespace: real WireGuard, a process each; direct: one process, no WireGuard')
        .choices(['namespace', 'direct'])
        .default('namespace'),
    )
    .addOption(new Option('--gateway-netns <name>', 'network namespace of the daemon (default: this one)'))
    .addOption(
      new Option('--reboot-every <duration>', 'reboot each machine about so often, e.g. 60s').argParser(duration),
    )
    .addOption(new Option('--kexec', 'those reboots are kexecs'))
    .addOption(
      new Option('--rate <lines>', 'kernel lines per second and machine after the boot')
        .default(0.5)
        .argParser(decimal),
    )
    .addOption(
      new Option('--speed <factor>', 'how much faster than real a boot goes; inf: at once').default(1).argParser(speed),
    )
    .addOption(
      new Option('--duration <duration>', 'shut the machines down after so long (default: at Ctrl-C)').argParser(
        duration,
      ),
    )
    .addOption(new Option('--lose-meta', 'booted from PXE or ISO: META is lost at each reboot'))
    .addOption(new Option('--maintenance', 'machines have no configuration and stay in maintenance mode'))
    .addOption(
      new Option(
        '--configure-after <duration>',
        'begin in maintenance mode and get a configuration so long after the start; with --lose-meta that installs',
      ).argParser(duration),
    )
    .addOption(new Option('--talos-api', 'serve the Talos API on port 50000 also with --transport direct'))
    .addOption(new Option('--uuid <uuid>', 'UUID of the machine, with --count 1'))
    .addOption(new Option('--ca-file <file>', 'certificate authority of an https:// API, PEM'))
    .addOption(new Option('--json', 'one JSON object per line instead of text'));
}

function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`a whole number from ${low} to ${high}`);
    }
    return value;
  };
}

function decimal(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('a number that is not negative');
  return Number(text);
}

function speed(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  const value = decimal(text);
  if (value === 0) throw new InvalidArgumentError('a number above zero, or inf');
  return value;
}

function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(errorMessage(error));
  }
}
