import type { Envelope } from '../../client/api.ts';
import type { RecordFilter } from '../../client/client.ts';
import type { StreamStart } from '../../client/stream.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { Context } from '../context.ts';
import { LiveRenderer } from '../live.ts';

export function renderer(context: Context, prefix: string): LiveRenderer {
  return new LiveRenderer({ prefix, style: context.style });
}

/** Prints records as they come until the user ends it; says when the connection breaks and is back. */
export async function follow(
  context: Context,
  filter: Pick<RecordFilter, 'filter' | 'machine'>,
  start: StreamStart,
  render: (record: Envelope) => string,
): Promise<void> {
  let interrupted = false;
  for await (const item of context.client.stream(filter, start, context.signal)) {
    if (item.type === 'interrupted') {
      // One line for an interruption, however many tries it takes.
      if (!interrupted) context.err(`siderolinkctl: ${reason(item.error)}; trying to resume\n`);
      interrupted = true;
      continue;
    }
    if (interrupted) context.err('siderolinkctl: resumed\n');
    interrupted = false;
    if (item.type === 'record') context.out(context.format === 'json' ? `${item.json}\n` : render(item.record));
  }
}

function reason(error: unknown): string {
  return error === undefined ? 'the daemon ended the stream' : errorMessage(error);
}
