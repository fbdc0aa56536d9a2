import { Command, Option } from 'commander';
import { ControlClient } from '../client/client.ts';
import { version } from '../version.ts';
import { addCompletionCommands } from './completion/command.ts';
import { type Context, type Format, type Io, type Run, styleFor } from './context.ts';
import { addTargetOptions, targetOf } from './target.ts';
import { printable } from './text.ts';
import { addDoctorCommand, addKernelArgsCommand, addStatusCommand } from './tree/host.ts';
import { addMachineCommands } from './tree/machine.ts';
import { addRecordCommands, addRepublishCommand } from './tree/records.ts';
import { addBackupCommand, addConnectCommand, addControlTokenCommands } from './tree/remote.ts';
import { addTokenCommands } from './tree/token.ts';

const HELP = `
<machine> is a UUID, the beginning of one, a hostname or an address; <token-id> the
id of a join token, or the beginning of one.

Exit codes:
  0    done; also when the reader of the output went away
  1    doctor found an error
  2    the command or a value is wrong
  4    no such machine or token
  5    conflict with what is there
  69   the daemon does not answer
  70   an error of the daemon; its log says more
  74   the daemon cannot store now
  75   too many at once; try again
  77   not allowed: no access to the socket, or no token for it
  130  ended by Ctrl-C, the usual end of what follows (143: by SIGTERM)

Environment:
  SIDEROLINKCTL_SOCKET, SIDEROLINKCTL_URL, SIDEROLINKCTL_TOKEN_FILE, SIDEROLINKCTL_CA_FILE
                        as the options; the command line goes before them
  NO_COLOR              no colours, on a terminal either
`;

/** The command tree. Its actions print through `io` and throw SiderolinkErrors. */
export function buildProgram(io: Io): Command {
  const program = new Command('siderolinkctl');
  program
    .description('Looks after the machines of a siderolinkd through its control API')
    .version(`siderolinkctl ${version}`, '-V, --version', 'print name and version')
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(['table', 'json', 'wide'])
        .default('table'),
    )
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(harmless(text)) })
    .exitOverride()
    .addHelpText('after', HELP);
  addTargetOptions(program);
  const run: Run =
    <Args extends unknown[]>(action: (context: Context, ...args: Args) => Promise<void> | void) =>
    async (...args: unknown[]) =>
      // The last two are commander's own: the options, which actions take, and the command.
      action(contextOf(program, io), ...(args.slice(0, -1) as Args));

  addStatusCommand(program, run);
  addMachineCommands(program, run);
  addTokenCommands(program, run);
  addRecordCommands(program, run);
  addConnectCommand(program, run);
  addControlTokenCommands(program, io);
  addKernelArgsCommand(program, run);
  addBackupCommand(program, run);
  addRepublishCommand(program, run);
  addDoctorCommand(program);
  addCompletionCommands(program, io, (timeoutMs) => clientOf(program, io, { timeoutMs }));
  return program;
}

function contextOf(program: Command, io: Io): Context {
  const { output } = program.opts<{ output: Format }>();
  return {
    ...io,
    client: clientOf(program, io),
    format: output,
    formatIsChosen: program.getOptionValueSource('output') !== 'default',
    style: styleFor(io),
  };
}

function clientOf(program: Command, io: Io, options: { readonly timeoutMs?: number } = {}): ControlClient {
  return new ControlClient({ target: targetOf(program), ...options }, { clock: io.clock });
}

/** commander repeats what was typed, or what a script took from elsewhere and passed on. */
function harmless(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
