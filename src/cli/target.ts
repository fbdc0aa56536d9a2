import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Target } from '../client/transport.ts';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';

const DEFAULT_SOCKET = '/run/siderolinkd/control.sock';

interface TargetOptions {
  readonly socket: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
}

/** Where the control API is: its socket, or its address on TCP with a token. */
export function addTargetOptions(program: Command): void {
  program
    .addOption(new Option('--socket <path>', 'the control socket').env('SIDEROLINKCTL_SOCKET').default(DEFAULT_SOCKET))
    .addOption(
      new Option('--url <url>', 'the control API over TCP instead: https://host:port').env('SIDEROLINKCTL_URL'),
    )
    .addOption(
      new Option('--token-file <file>', 'with --url: file that holds a control token').env('SIDEROLINKCTL_TOKEN_FILE'),
    )
    .addOption(
      new Option('--ca-file <file>', "with --url: certificates (PEM) to trust instead of the system's").env(
        'SIDEROLINKCTL_CA_FILE',
      ),
    );
}

/**
 * What the command line says goes before what the environment says.
 *
 * @throws SiderolinkError `invalid_argument` for options that contradict each other and files that cannot be read
 */
export function targetOf(program: Command): Target {
  const { socket, url, tokenFile, caFile } = program.opts<TargetOptions>();
  const given = (name: string) => program.getOptionValueSource(name) === 'cli';
  if (given('socket') && given('url')) throw wrong('--socket and --url name two daemons: give one');
  if (url === undefined || given('socket')) {
    // Those of the environment may stand there for other calls.
    if (given('tokenFile')) {
      throw wrong('--token-file is the control token for --url; a join token goes into --join-token-file');
    }
    if (given('caFile')) throw wrong('--ca-file goes with --url');
    return { socket };
  }
  if (tokenFile === undefined) {
    throw wrong('--url needs --token-file: the file with a token of `siderolinkctl control-token create`');
  }
  return {
    url,
    token: readToken(tokenFile),
    ...(caFile !== undefined && { ca: readText('--ca-file', caFile) }),
  };
}

function readToken(path: string): string {
  const token = readText('--token-file', path).trim();
  if (token === '' || /\s/.test(token)) throw wrong(`--token-file ${path} holds no single control token`);
  return token;
}

function readText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw wrong(`cannot read ${option}: ${errorMessage(error)}`);
  }
}

function wrong(message: string): SiderolinkError {
  return new SiderolinkError('invalid_argument', message);
}
