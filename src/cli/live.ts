import type { Envelope, Machine } from '../client/api.ts';
import { parseSubject, type Subject, summarise, type Tone } from './summary.ts';
import { formatClock, printable, type Style } from './text.ts';

export interface LiveRendererOptions {
  /** First token of every subject, as the daemon's status gives it. */
  readonly prefix: string;
  readonly style: Style;
  /** Width of the machine column. Default 16. */
  readonly nameWidth?: number;
}

const STREAM_WIDTH = 7;
const LEVEL_WIDTH = 5;

/**
 * Records as lines for a person: time, machine, stream, level, what happened. It learns hostnames from
 * the records it renders; `know` gives it those that are known before.
 */
export class LiveRenderer {
  readonly #prefix: string;
  readonly #style: Style;
  readonly #nameWidth: number;
  readonly #hostnames = new Map<string, string>();

  constructor(options: LiveRendererOptions) {
    this.#prefix = options.prefix;
    this.#style = options.style;
    this.#nameWidth = options.nameWidth ?? 16;
  }

  know(machine: Pick<Machine, 'server_uuid' | 'hostname'>): void {
    if (machine.hostname !== null && machine.hostname !== '')
      this.#hostnames.set(machine.server_uuid, machine.hostname);
  }

  /** One record: a line, or several where its text has several; with the line feed. */
  render(record: Envelope): string {
    const subject = parseSubject(this.#prefix, record.subject);
    this.#learn(subject, record);
    const summary = summarise(subject, record);
    const time = formatClock(Date.parse(record.received_at));
    const name = column(printable(this.#nameOf(subject)), this.#nameWidth);
    const paint = paintTone(this.#style, summary.tone);
    const stream = this.#style.dim(column(printable(subject.stream), STREAM_WIDTH));
    const level = paint(column(printable(summary.level), LEVEL_WIDTH));
    const head = `${this.#style.dim(time)} ${paintName(this.#style, subject.uuid)(name)} ${stream} ${level} `;
    const indent = ' '.repeat(time.length + this.#nameWidth + STREAM_WIDTH + LEVEL_WIDTH + 4);
    const lines = summary.text.split('\n').map((line) => paint(printable(line)));
    return `${head}${lines.join(`\n${indent}`)}\n`;
  }

  #learn(subject: Subject, record: Envelope): void {
    const hostname = record.body['hostname'];
    const tells = subject.stream === 'machine' || (subject.stream === 'event' && subject.detail[0] === 'AddressEvent');
    if (tells && typeof hostname === 'string' && hostname !== '') this.#hostnames.set(subject.uuid, hostname);
  }

  #nameOf({ uuid }: Subject): string {
    if (uuid === '_' || uuid === '') return 'siderolinkd';
    return this.#hostnames.get(uuid) ?? uuid.slice(0, 8);
  }
}

/** Each machine keeps a colour of its own, so that the eye can follow it. */
export function paintName(style: Style, uuid: string): (text: string) => string {
  const { cyan, green, magenta, blue, yellow } = style;
  const colours = [cyan, green, magenta, blue, yellow];
  let hash = 0;
  for (const char of uuid) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return colours[hash % colours.length] ?? cyan;
}

export function paintTone(style: Style, tone: Tone): (text: string) => string {
  switch (tone) {
    case 'good':
      return style.green;
    case 'warn':
      return style.yellow;
    case 'bad':
      return style.red;
    case 'quiet':
      return style.dim;
    case 'plain':
      return (text) => text;
  }
}

/** The text in exactly so many columns; the end of a longer one gives way to `…`. */
function column(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
