import { SiderolinkError } from '../domain/errors.ts';
import type { Io } from './context.ts';

/**
 * Asks the person at the terminal; only a yes is one.
 *
 * @throws SiderolinkError `invalid_argument` where nobody can be asked
 */
export async function confirm(io: Pick<Io, 'ask'>, question: string): Promise<boolean> {
  if (io.ask === undefined) {
    throw new SiderolinkError('invalid_argument', 'nobody can be asked here whether you mean it: say it with --yes');
  }
  const answer = await io.ask(`${question} [y/N] `);
  return /^\s*y(?:es)?\s*$/i.test(answer);
}
