import type { RepublishProgress } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import { type Context, printJson } from '../context.ts';
import { resolveMachine } from '../resolve.ts';
import { printable } from '../text.ts';

const PROGRESS_MS = 200;

export interface RepublishOptions {
  readonly machine?: string;
  readonly after?: number;
  readonly before?: number;
  readonly since?: string;
  readonly until?: string;
}

/** Has kept records published once more, and tells how far it is. */
export async function republish(
  context: Context,
  filter: readonly string[],
  { machine, ...bounds }: RepublishOptions,
): Promise<void> {
  const { client, signal } = context;
  if (filter.length === 0 && machine === undefined && Object.keys(bounds).length === 0) {
    const what = "say which records: a filter, --machine, --since …; '>' is everything that is kept";
    throw new SiderolinkError('invalid_argument', what);
  }
  const of = machine === undefined ? {} : { machine: (await resolveMachine(client, machine)).server_uuid };
  const wanted = { filter: filter.length > 0 ? [...filter] : ['>'], ...of, ...bounds };
  const progress = new Progress(context);
  let last: RepublishProgress | undefined;
  try {
    for await (const item of client.republish(wanted, signal)) {
      last = item;
      progress.show(item);
    }
  } catch (error) {
    progress.clear();
    // What went out need not go out again.
    if (last !== undefined && last.published > 0) {
      context.err(`${words(last)}; go on with --after ${last.through}\n`);
    }
    throw error;
  }
  progress.clear();
  if (last === undefined) throw new SiderolinkError('internal', 'the daemon said nothing of what it did');
  if (context.format === 'json') {
    const { published, duplicates, through } = last;
    printJson(context, { published, duplicates, through });
  } else context.out(`${words(last)}\n`);
}

function words({ published, duplicates, through }: RepublishProgress): string {
  const known = duplicates === 0 ? '' : `; ${duplicates} of them the stream had already, and dropped`;
  return `${published} ${published === 1 ? 'record' : 'records'} republished, through seq ${through}${known}`;
}

/** One line that changes, on a terminal. */
class Progress {
  readonly #context: Context;
  #last = Number.NEGATIVE_INFINITY;

  constructor(context: Context) {
    this.#context = context;
  }

  show({ published, through, problem }: RepublishProgress): void {
    const { clock, err, errIsTty } = this.#context;
    if (!errIsTty || (problem === null && clock.now() - this.#last < PROGRESS_MS)) return;
    this.#last = clock.now();
    const waits = problem === null ? '' : `; waiting: ${printable(problem)}`;
    err(`\r\x1b[K${published} records republished, through seq ${through}${waits}`);
  }

  clear(): void {
    if (this.#context.errIsTty) this.#context.err('\r\x1b[K');
  }
}
