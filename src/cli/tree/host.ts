import { type Command, Option } from 'commander';
import { SiderolinkError } from '../../domain/errors.ts';
import { doctor } from '../commands/doctor.ts';
import { kernelArgs } from '../commands/kernel-args.ts';
import { status } from '../commands/status.ts';
import type { Format, Run } from '../context.ts';
import { examples } from './values.ts';

/** Commands that concern the daemon and its host. */

export function addStatusCommand(program: Command, run: Run): void {
  const command = program
    .command('status')
    .description('what the daemon is, and whether it is well')
    .action(run((context) => status(context)));
  examples(command, 'status', 'status -o json | jq .conditions');
}

export function addKernelArgsCommand(program: Command, run: Run): void {
  const command = program
    .command('kernel-args')
    .description('the kernel arguments a machine boots with to join')
    .addOption(
      new Option('--token <token>', 'join token to put in; others may see it in the list of processes').conflicts(
        'joinTokenFile',
      ),
    )
    .option('--join-token-file <file>', 'file that holds the join token; - is stdin')
    .option('--tunnel', 'ask for WireGuard over gRPC, where UDP is blocked (Talos 1.7 or newer)')
    .option('--talos-version <version>', 'for this Talos, as v1.13.0')
    .option('--config', 'print the same as machine-config documents (YAML)')
    .action(run(kernelArgs));
  examples(command, 'kernel-args --join-token-file token', 'kernel-args --config --tunnel');
}

export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('check this host, the configuration and the running daemon, and say what to do; run it as root')
    .option('--config <file>', "the daemon's configuration (default: /etc/siderolinkd/config.yaml if there)")
    .action(async (options: { config?: string }) => {
      const { output, socket } = program.opts<{ output: Format; socket: string }>();
      if (program.getOptionValueSource('url') === 'cli') {
        throw new SiderolinkError('invalid_argument', 'doctor looks at the host that it runs on: without --url, there');
      }
      const isNamed = program.getOptionValueSource('socket') !== 'default';
      await doctor({ ...options, output, socket: isNamed ? socket : undefined });
    });
  examples(command, 'doctor', 'doctor --config ./config.yaml -o json | jq .errors');
}
