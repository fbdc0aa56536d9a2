import type { Envelope } from '../../client/api.ts';
import type { StreamStart } from '../../client/stream.ts';
import { LEVELS } from '../../domain/record.ts';
import { subjectToken } from '../../domain/subject.ts';
import type { Context } from '../context.ts';
import type { TimeKind } from '../line-time.ts';
import { holdsText, valuesOf } from '../matching.ts';
import { follow, renderer } from './follow.ts';
import { type ReadOptions, readRecords } from './read-records.ts';

// Subjects hold so much of a service's name (DESIGN section 5.3).
const MAX_SERVICE = 63;

export interface LogOptions extends ReadOptions {
  /** Levels as they are in subjects. */
  readonly level?: readonly string[];
  readonly service?: string;
  readonly time?: TimeKind;
}

/** Kernel logs of machines as dmesg prints them, or logs of services. */
export async function logs(context: Context, names: readonly string[], options: LogOptions): Promise<void> {
  const { level = LEVELS, service, time = 'kernel' } = options;
  const stream = service === undefined ? 'kmsg' : `log.${serviceToken(service)}`;
  const rests = level.length === LEVELS.length ? [`${stream}.*`] : level.map((one) => `${stream}.${one}`);
  // What is missing is told whatever the level: nobody knows which one it had.
  if (service === undefined) rests.push('gap.kmsg');
  await readRecords(context, names, options, {
    what: 'lines',
    rests,
    time,
    services: service === 'all',
    filters: ['level', 'service'],
    holds: ({ body }, text) => holdsText(body['msg'], text),
    hint:
      service === undefined
        ? undefined
        : 'services are logged where `machine.logging.destinations` of the machine configuration leads here',
  });
}

/** Events of machines, one a line. */
export async function events(context: Context, names: readonly string[], options: ReadOptions): Promise<void> {
  await readRecords(context, names, options, {
    what: 'events',
    rests: ['event.>'],
    time: 'received',
    services: false,
    filters: [],
    holds: ({ body }, text) => valuesOf(body).some((value) => holdsText(value, text)),
    hint: undefined,
  });
}

export interface StreamOptions extends StreamStart {
  /** Only what is stored, up to then. */
  readonly until?: string;
}

/** Records by subject: those that come, or those of a range. */
export async function stream(context: Context, filter: readonly string[], options: StreamOptions): Promise<void> {
  // Lines for people on a terminal, records for programs elsewhere, unless it is said.
  const asJson = context.format === 'json' || (!context.formatIsChosen && !context.outIsTty);
  const view: Context = { ...context, format: asJson ? 'json' : context.format };
  const render = asJson ? () => '' : await liveLines(context);
  const { until, ...start } = options;
  if (until === undefined) return follow(view, { filter }, start, render);
  for await (const { record, json } of context.client.allRecords({ filter, ...start, until })) {
    if (context.signal.aborted) return;
    context.out(asJson ? `${json}\n` : render(record));
  }
}

async function liveLines(context: Context): Promise<(record: Envelope) => string> {
  const { prefix } = await context.client.status();
  const lines = renderer(context, prefix);
  for await (const machine of context.client.machines()) lines.know(machine);
  return (record) => lines.render(record);
}

function serviceToken(service: string): string {
  return service === 'all' ? '*' : subjectToken(service.slice(0, MAX_SERVICE));
}
