import type { Envelope } from '../../client/api.ts';
import type { RecordFilter } from '../../client/client.ts';
import type { StreamItem, StreamStart } from '../../client/stream.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { Context } from '../context.ts';
import { LiveRenderer } from '../live.ts';

export function renderer(context: Context, prefix: string): LiveRenderer {
  return new LiveRenderer({ prefix, style: context.style });
}

/** After so long without a record a person at the terminal is told that nothing is wrong. */
const QUIET_MS = 2_000;

/**
 * Prints records as they come until the user ends it; says when the connection breaks and is back.
 *
 * @param accepts whether a record is printed; asked for each, one after the other
 */
export async function follow(
  context: Context,
  filter: Pick<RecordFilter, 'filter' | 'machine'>,
  start: StreamStart,
  render: (record: Envelope) => string,
  accepts: (record: Envelope) => boolean | Promise<boolean> = () => true,
): Promise<void> {
  const waiting = context.errIsTty
    ? context.clock.after(QUIET_MS, () =>
        context.err('nothing new yet: waiting for records, until Ctrl-C (--tail 20 shows the last ones first)\n'),
      )
    : () => {};
  try {
    const items = context.client.stream(filter, start, context.signal);
    await print(context, items, render, async (record) => {
      const isAccepted = await accepts(record);
      if (isAccepted) waiting();
      return isAccepted;
    });
  } finally {
    waiting();
  }
}

async function print(
  context: Context,
  items: AsyncIterable<StreamItem>,
  render: (record: Envelope) => string,
  accepts: (record: Envelope) => Promise<boolean>,
): Promise<void> {
  let interrupted = false;
  for await (const item of items) {
    if (item.type === 'interrupted') {
      // One line for an interruption, however many tries it takes.
      if (!interrupted) context.err(`siderolinkctl: ${reason(item.error)}; trying to resume\n`);
      interrupted = true;
      continue;
    }
    if (interrupted) context.err('siderolinkctl: resumed\n');
    interrupted = false;
    if (item.type !== 'record' || !(await accepts(item.record))) continue;
    context.out(context.format === 'json' ? `${item.json}\n` : render(item.record));
  }
}

function reason(error: unknown): string {
  return error === undefined ? 'the daemon ended the stream' : errorMessage(error);
}
