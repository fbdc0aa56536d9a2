import { controlTokenDigest, controlTokenLine, newControlToken, type Role } from '../../domain/control-token.ts';
import { type Format, type Io, printJson } from '../context.ts';

/** Makes a token for the control API over TCP. It needs no daemon: the daemon knows tokens by the lines of its file. */
export function controlTokenCreate(io: Io, format: Format, name: string, { role }: { readonly role: Role }): void {
  const token = newControlToken();
  const hash = controlTokenDigest(token).toString('hex');
  const line = controlTokenLine({ role, hash, name });
  if (format === 'json') {
    printJson(io, { token, role, name, hash, line });
    return;
  }
  io.err(`this line goes into the file that control.tokens_file names:\n${line}\n`);
  io.err('and this token to the caller; this is the only time that it is shown:\n');
  // Alone on stdout, so that a script takes it as it is.
  io.out(`${token}\n`);
}
