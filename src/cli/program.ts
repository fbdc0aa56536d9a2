import { Command, InvalidArgumentError, Option } from 'commander';
import { LINK_STATES, MACHINE_STATES } from '../client/api.ts';
import { ControlClient } from '../client/client.ts';
import { parseDuration } from '../domain/duration.ts';
import { LEVELS } from '../domain/record.ts';
import { version } from '../version.ts';
import { kernelArgs } from './commands/kernel-args.ts';
import { machineGet, machineList, machineWatch } from './commands/machine.ts';
import { events, logs, stream } from './commands/records.ts';
import { status } from './commands/status.ts';
import { tokenCreate, tokenDelete, tokenList, tokenRevoke } from './commands/token.ts';
import { type Context, type Format, type Io, styleFor } from './context.ts';

const DEFAULT_SOCKET = '/run/siderolinkd/control.sock';

const HELP = `
MACHINE is a UUID, the beginning of one, a hostname or an address.

Exit codes:
  0    done; also when the reader of the output went away
  2    the command or a value is wrong
  4    no such machine or token
  5    conflict with what is there
  69   the daemon does not answer
  70   an error of the daemon; its log says more
  74   the daemon cannot store now
  75   too many at once; try again
  77   not allowed: no access to the socket
  130  ended by Ctrl-C, the usual end of what follows (143: by SIGTERM)

Environment:
  SIDEROLINKCTL_SOCKET  as --socket
  NO_COLOR              no colours, on a terminal either
`;

/** The command tree. Its actions print through `io` and throw SiderolinkErrors. */
export function buildProgram(io: Io): Command {
  const program = new Command('siderolinkctl');
  program
    .description('Looks after the machines of a siderolinkd through its control API')
    .version(version)
    .addOption(
      new Option('-o, --output <format>', 'for people or for programs')
        .choices(['table', 'json', 'wide'])
        .default('table'),
    )
    .addOption(new Option('--socket <path>', 'the control socket').env('SIDEROLINKCTL_SOCKET').default(DEFAULT_SOCKET))
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .exitOverride()
    .addHelpText('after', HELP);
  const run =
    <Args extends unknown[]>(action: (context: Context, ...args: Args) => Promise<void>) =>
    (...args: unknown[]) =>
      // The last two are commander's own: the options, which actions take, and the command.
      action(contextOf(program, io), ...(args.slice(0, -1) as Args));

  program
    .command('status')
    .description('what the daemon is, and whether it is well')
    .action(run((context) => status(context)));
  addMachineCommands(program, run);
  addTokenCommands(program, run);
  addRecordCommands(program, run);
  program
    .command('kernel-args')
    .description('the kernel arguments a machine boots with to join')
    .addOption(
      new Option('--token <token>', 'join token to put in; others may see it in the list of processes').conflicts(
        'tokenFile',
      ),
    )
    .option('--token-file <file>', 'file that holds the join token; - is stdin')
    .option('--tunnel', 'ask for WireGuard over gRPC, where UDP is blocked (Talos 1.7 or newer)')
    .option('--talos-version <version>', 'for this Talos, as v1.13.0')
    .option('--config', 'print the same as machine-config documents (YAML)')
    .action(run(kernelArgs));
  return program;
}

type Run = <Args extends unknown[]>(
  action: (context: Context, ...args: Args) => Promise<void>,
) => (...args: unknown[]) => Promise<void>;

function addMachineCommands(program: Command, run: Run): void {
  const machine = program.command('machine').description('the machines');
  machine
    .command('list')
    .description('all machines, or those that pass')
    .addOption(new Option('--state <state...>').choices([...MACHINE_STATES]))
    .option('--owner <owner>', 'only machines of this owner; _ for those without one')
    .addOption(new Option('--link <state>').choices([...LINK_STATES]))
    .action(run(machineList));
  machine
    .command('get <machine>')
    .description('all that is known of a machine')
    .action(run((context, text: string) => machineGet(context, text)));
  machine
    .command('watch')
    .description('the table, and then each change until Ctrl-C')
    .action(run((context) => machineWatch(context)));
}

function addTokenCommands(program: Command, run: Run): void {
  const token = program.command('token').description('join tokens');
  token
    .command('create [name]')
    .description('make a join token; stdout gets it once')
    .option('--expires <time>', 'a duration from now (30d, 12h) or RFC 3339; default: never')
    .option('--max-uses <n>', 'how many machines may join with it', wholeNumber(1))
    .action(
      run((context, name: string | undefined, options: { expires?: string; maxUses?: number }) =>
        tokenCreate(context, { ...options, name: name ?? '' }),
      ),
    );
  token
    .command('list')
    .description('all join tokens, without secrets')
    .action(run((context) => tokenList(context)));
  token
    .command('revoke <id>')
    .description('no machine joins with it any more')
    .action(run((context, id: string) => tokenRevoke(context, id)));
  token
    .command('delete <id>')
    .description('forget one that is revoked or expired')
    .action(run((context, id: string) => tokenDelete(context, id)));
}

function addRecordCommands(program: Command, run: Run): void {
  const since = () => new Option('--since <time>', 'a duration before now (10m, 2h) or RFC 3339').argParser(moment);
  const tail = () =>
    new Option('--tail <n>', 'only the last so many (with -f: 100)').argParser(wholeNumber(1)).conflicts('since');
  program
    .command('logs <machine>')
    .description("a machine's kernel log, as dmesg prints it")
    .option('-f, --follow', 'and what comes, until Ctrl-C')
    .addOption(tail())
    .addOption(since())
    .addOption(new Option('--level <level>', 'this level and worse').choices(LEVELS.slice(0, -1)))
    .option('--service <name>', "a service's log instead of the kernel's")
    .action(run(logs));
  program
    .command('events <machine>')
    .description("a machine's events, one a line")
    .option('-f, --follow', 'and what comes, until Ctrl-C')
    .addOption(tail())
    .addOption(since())
    .action(run(events));
  program
    .command('stream <filter...>')
    .description(
      'records as they come, by subject (siderolink.>), until Ctrl-C; JSON lines unless stdout is a terminal',
    )
    .addOption(
      new Option('--after <seq>', 'start after this record').argParser(wholeNumber(0)).conflicts(['since', 'tail']),
    )
    .addOption(since())
    .addOption(new Option('--tail <n>', 'start with the last so many').argParser(wholeNumber(1)).conflicts('since'))
    .action(run(stream));
}

function contextOf(program: Command, io: Io): Context {
  const { output, socket } = program.opts<{ output: Format; socket: string }>();
  return {
    ...io,
    client: new ControlClient({ target: { socket } }, { clock: io.clock }),
    format: output,
    formatIsChosen: program.getOptionValueSource('output') !== 'default',
    style: styleFor(io),
  };
}

function wholeNumber(min: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`It is no whole number from ${min} on.`);
    }
    return value;
  };
}

function moment(text: string): string {
  if (/^\d{4}-\d\d-\d\d[Tt]/.test(text)) return text;
  try {
    parseDuration(text);
    return text;
  } catch {
    throw new InvalidArgumentError('It is neither a duration (10m, 2h) nor RFC 3339 (2026-01-31T12:00:00Z).');
  }
}
