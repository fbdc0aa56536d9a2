import { type Command, InvalidArgumentError, Option } from 'commander';
import { ROLES, type Role } from '../../domain/control-token.ts';
import { type HostPort, splitHostPort } from '../../domain/host-port.ts';
import { backup } from '../commands/backup.ts';
import { connect } from '../commands/connect.ts';
import { controlTokenCreate } from '../commands/control-token.ts';
import type { Format, Io, Run } from '../context.ts';
import { examples, wholeNumber } from './values.ts';

const LOOPBACK = '127.0.0.1';

export function addConnectCommand(program: Command, run: Run): void {
  const command = program
    .command('connect <machine>')
    .description("a local port that leads to a machine's Talos API, until Ctrl-C; stdout gets its address")
    .addOption(new Option('--port <port>', "the machine's port").argParser(wholeNumber(1)).default(50_000))
    .addOption(
      new Option('--listen <address>', 'local port or host:port; 0 takes a free port')
        .argParser(listenAddress)
        .default({ host: LOOPBACK, port: 0 }, `${LOOPBACK}:0`),
    )
    .action(run(connect));
  examples(command, 'connect cp-1', 'connect cp-1 --listen 50000');
}

export function addBackupCommand(program: Command, run: Run): void {
  const command = program
    .command('backup <file>')
    .description('one file that is all a new host needs, with the private keys; - is stdout')
    .option('--force', 'write over a file that is there')
    .action(run(backup));
  examples(command, 'backup gateway.backup', 'backup - | age -r "$RECIPIENT" >gateway.backup.age');
}

/** Tokens of the control API itself, not to be taken for join tokens. */
export function addControlTokenCommands(program: Command, io: Io): void {
  const group = program.command('control-token').description('tokens for the control API over TCP');
  const create = group
    .command('create <name>')
    .description("make a token and its line for the daemon's tokens file; asks no daemon")
    .addOption(
      new Option('--role <role>', 'what its bearer may: look, look after machines, or all')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .action((name: string, options: { role: Role }) =>
      controlTokenCreate(io, program.opts<{ output: Format }>().output, name, options),
    );
  examples(create, 'control-token create --role operator ci');
}

function listenAddress(text: string): HostPort {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return { host: LOOPBACK, port: Number(text) };
  const address = splitHostPort(text);
  if (address === undefined) throw new InvalidArgumentError('It is neither a port nor host:port.');
  return { host: address.host, port: address.port };
}
