import type { Envelope } from '../../client/api.ts';
import type { StreamStart } from '../../client/stream.ts';
import { LEVELS } from '../../domain/record.ts';
import { subjectToken } from '../../domain/subject.ts';
import type { Context } from '../context.ts';
import { paintTone } from '../live.ts';
import { resolveMachine } from '../resolve.ts';
import { Body, gapText, kernelClock, parseSubject, summarise, trimNewline } from '../summary.ts';
import { formatClock, printable } from '../text.ts';
import { follow, renderer } from './follow.ts';

export interface ReadOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
}

// Who follows wants what comes, with enough of what went before to understand it.
const FOLLOW_TAIL = 100;

// Subjects hold so much of a service's name (DESIGN section 5.3).
const MAX_SERVICE = 63;

export async function logs(
  context: Context,
  text: string,
  options: ReadOptions & { readonly level?: string; readonly service?: string },
): Promise<void> {
  const { prefix } = await context.client.status();
  const machine = await resolveMachine(context.client, text);
  const subject = `${prefix}.*.${machine.server_uuid}`;
  const stream = options.service === undefined ? 'kmsg' : `log.${subjectToken(options.service.slice(0, MAX_SERVICE))}`;
  const filter = [...levelsFrom(options.level).map((level) => `${subject}.${stream}.${level}`)];
  if (options.service === undefined) filter.push(`${subject}.gap.kmsg`);
  const lines = new LogLines(context, prefix);
  await print(context, filter, options, (record) => lines.render(record));
}

export async function events(context: Context, text: string, options: ReadOptions): Promise<void> {
  const { prefix } = await context.client.status();
  const machine = await resolveMachine(context.client, text);
  const filter = [`${prefix}.*.${machine.server_uuid}.event.>`];
  await print(context, filter, options, (record) => {
    const summary = summarise(parseSubject(prefix, record.subject), record);
    const time = context.style.dim(localTime(record.received_at));
    const paint = paintTone(context.style, summary.tone);
    return `${time}  ${paint(printable(summary.text))}\n`;
  });
}

export async function stream(context: Context, filter: readonly string[], start: StreamStart): Promise<void> {
  // Lines for people on a terminal, records for programs elsewhere, unless it is said.
  const asJson = context.format === 'json' || (!context.formatIsChosen && !context.outIsTty);
  const view: Context = { ...context, format: asJson ? 'json' : context.format };
  if (asJson) return follow(view, { filter }, start, () => '');
  const { prefix } = await context.client.status();
  const lines = renderer(context, prefix);
  for await (const machine of context.client.machines()) lines.know(machine);
  await follow(view, { filter }, start, (record) => lines.render(record));
}

async function print(
  context: Context,
  filter: readonly string[],
  options: ReadOptions,
  render: (record: Envelope) => string,
): Promise<void> {
  const { tail, since } = options;
  if (options.follow === true) {
    const start = since !== undefined ? { since } : { tail: tail ?? FOLLOW_TAIL };
    return follow(context, { filter }, start, render);
  }
  for await (const { record, json } of context.client.allRecords({ filter, since, tail })) {
    context.out(context.format === 'json' ? `${json}\n` : render(record));
    if (context.signal.aborted) return;
  }
}

/** A machine's log as dmesg prints it, with a line between boots and for what is missing. */
class LogLines {
  readonly #context: Context;
  readonly #prefix: string;
  #boot: number | undefined;

  constructor(context: Context, prefix: string) {
    this.#context = context;
    this.#prefix = prefix;
  }

  render(record: Envelope): string {
    const { style } = this.#context;
    const subject = parseSubject(this.#prefix, record.subject);
    const between = this.#bootLine(record);
    if (subject.stream === 'gap') {
      return `${between}${style.yellow(`-- ${printable(gapText('kmsg', new Body(record.body)))} --`)}\n`;
    }
    const service = subject.stream === 'log' ? `${localTime(record.received_at)} ` : '';
    const head = kernelClock(record.body) || service;
    const { tone } = summarise(subject, record);
    const message = record.body['msg'];
    const [first = '', ...more] = trimNewline(typeof message === 'string' ? message : '').split('\n');
    const lines = [`${style.dim(head)}${paintTone(style, tone)(printable(first))}`];
    for (const line of more) lines.push(`${' '.repeat(head.length)}${paintTone(style, tone)(printable(line))}`);
    return `${between}${lines.join('\n')}\n`;
  }

  #bootLine(record: Envelope): string {
    const known = this.#boot;
    this.#boot = record.boot;
    if (known === undefined || known === record.boot) return '';
    return `${this.#context.style.bold(`-- boot ${record.boot}, ${localTime(record.received_at)} --`)}\n`;
  }
}

/** The level and what is worse; what has no known level is never left out. */
function levelsFrom(level: string | undefined): readonly string[] {
  if (level === undefined) return ['>'];
  return LEVELS.slice((LEVELS as readonly string[]).indexOf(level));
}

function localTime(time: string): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${formatClock(date.getTime())}`;
}
