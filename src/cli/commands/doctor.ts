import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERRORS, SiderolinkError } from '../../domain/errors.ts';
import { Ended, type Format } from '../context.ts';

export interface DoctorOptions {
  readonly config?: string;
  readonly output: Format;
  /** Only where the user named one: else the configuration's is asked. */
  readonly socket: string | undefined;
}

/** The other program of this package: what it checks is the host and the configuration, of which a client knows nothing. */
const DAEMON = fileURLToPath(new URL(`../../daemon/main${extname(import.meta.url)}`, import.meta.url));

/**
 * Runs `siderolinkd doctor` on this host, which prints for itself.
 *
 * @throws Ended with its exit code, if that is not 0
 */
export async function doctor({ config, output, socket }: DoctorOptions): Promise<void> {
  const args = ['doctor', '--output', output];
  if (config !== undefined) args.push('--config', config);
  if (socket !== undefined) args.push('--socket', socket);
  const child = spawn(process.execPath, [DAEMON, ...args], { stdio: 'inherit' });
  let code: number | null;
  try {
    [code] = await once(child, 'close');
  } catch (error) {
    throw new SiderolinkError('unavailable', 'siderolinkd could not be started', {}, { cause: error });
  }
  if (code !== 0) throw new Ended(code ?? ERRORS.internal.exit);
}
