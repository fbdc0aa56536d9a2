import type { Envelope, Machine } from '../client/api.ts';
import { type TimeKind, timeText } from './line-time.ts';
import { paintName, paintTone } from './live.ts';
import { shortNames } from './names.ts';
import { Body, parseSubject, type Subject, summarise, tellsOfLoss, trimNewline } from './summary.ts';
import { formatTime, printable, type Style } from './text.ts';
import { cells, expandTabs, fitted, wrap } from './wrap.ts';

export interface LinesOptions {
  /** First token of every subject. */
  readonly prefix: string;
  readonly style: Style;
  readonly time: TimeKind;
  /** Whether lines begin with the name of their machine. */
  readonly named: boolean;
  /** Facility and priority before each line, as `dmesg -x` has them. */
  readonly wide: boolean;
  /** Whether lines begin with the name of their service. */
  readonly services: boolean;
  /** Width of the terminal; undefined: lines are not wrapped. */
  readonly columns: () => number | undefined;
}

type Paint = (text: string) => string;

interface PaintedLine {
  readonly text: string;
  readonly paint: Paint;
}

/** The name of a machine, or of a service, takes at most so many columns. */
const MAX_NAME = 24;
/** Text that would be narrower than this begins at the left. */
const MIN_TEXT = 24;
const SHORT_INDENT = 2;

/** Records of machines as lines for a person: a log as dmesg prints it, events; with lines for boots and for gaps. */
export class Lines {
  readonly #options: LinesOptions;
  readonly #boots = new Map<string, number>();
  #machines: readonly Machine[] = [];
  #names: ReadonlyMap<string, string> = new Map();
  #nameWidth = 0;

  constructor(options: LinesOptions) {
    this.#options = options;
  }

  /** The machines whose records come. */
  know(machines: readonly Machine[]): void {
    this.#machines = machines;
    this.#names = shortNames(machines);
    const longest = [...this.#names.values()].reduce((most, name) => Math.max(most, cells(name)), 0);
    this.#nameWidth = Math.min(MAX_NAME, longest);
  }

  get machines(): readonly Machine[] {
    return this.#machines;
  }

  nameOf(uuid: string): string {
    return this.#names.get(uuid) ?? uuid;
  }

  /** One record: a line, or several; with the line feed. */
  render(record: Envelope): string {
    const subject = parseSubject(this.#options.prefix, record.subject);
    if (tellsOfLoss(subject)) return this.#loss(record);
    if (subject.stream === 'gap') return this.#gap(subject, record);
    const between = this.#bootLine(subject, record);
    return `${between}${subject.stream === 'event' ? this.#event(subject, record) : this.#log(subject, record)}`;
  }

  #log(subject: Subject, record: Envelope): string {
    const { style, wide, services, time } = this.#options;
    const body = new Body(record.body);
    const head = new Head().add(...this.#name(subject)).add(`${timeText(time, record)} `, style.green);
    if (wide) head.add(facility(subject, body), style.dim);
    if (services && subject.stream === 'log') {
      const service = inHead(body.text('talos-service') || (subject.detail[0] ?? ''));
      head.add(`${cells(service) > MAX_NAME ? fitted(service, MAX_NAME) : service}: `, style.yellow);
    }
    const paint = levelPaint(style, subject, body);
    const [first = '', ...more] = trimNewline(body.text('msg')).split('\n');
    const speaker = subject.stream === 'kmsg' ? (SPEAKER.exec(first)?.[0] ?? '') : '';
    let speaks = speaker !== '';
    const paintFirst: Paint = (text) => {
      const isFirst = speaks && text.startsWith(speaker);
      speaks = false;
      return isFirst ? `${style.yellow(speaker)}${paint(text.slice(speaker.length))}` : paint(text);
    };
    return this.#text(head, [
      { text: first, paint: paintFirst },
      ...more.map((text) => ({ text, paint: text.startsWith(' ') ? style.dim : paint })),
    ]);
  }

  #event(subject: Subject, record: Envelope): string {
    const { style } = this.#options;
    const head = new Head()
      .add(...this.#name(subject))
      .add(`${formatTime(Date.parse(record.received_at))}  `, style.green);
    const { text, tone } = summarise(subject, record);
    const paint = paintTone(style, tone);
    return this.#text(
      head,
      text.split('\n').map((line) => ({ text: line, paint })),
    );
  }

  #gap(subject: Subject, record: Envelope): string {
    const known = this.#boots.get(subject.uuid);
    if (known === undefined) this.#boots.set(subject.uuid, record.boot);
    const boot = known === undefined || known === record.boot ? '' : ` of boot ${record.boot}`;
    const text = `-- ${gapText(new Body(record.body), boot)} --`;
    return this.#text(new Head().add(...this.#name(subject)), [{ text, paint: this.#options.style.yellow }]);
  }

  #loss(record: Envelope): string {
    const text = `-- ${lossText(new Body(record.body), record)} --`;
    return this.#text(new Head(), [{ text, paint: this.#options.style.yellow }]);
  }

  #bootLine(subject: Subject, record: Envelope): string {
    const known = this.#boots.get(subject.uuid);
    this.#boots.set(subject.uuid, record.boot);
    if (known === undefined || known === record.boot) return '';
    const { style } = this.#options;
    const text = `-- boot ${record.boot}, ${formatTime(Date.parse(record.received_at))} --`;
    return this.#text(new Head().add(...this.#name(subject)), [{ text, paint: style.bold }]);
  }

  #name({ uuid }: Subject): [string, Paint] {
    const { named, style } = this.#options;
    return named ? [`${fitted(inHead(this.nameOf(uuid)), this.#nameWidth)} `, paintName(style, uuid)] : ['', plain];
  }

  /** Behind the head, and under it what does not fitted, or is a line of its own. */
  #text(head: Head, lines: readonly PaintedLine[]): string {
    const columns = this.#options.columns();
    const isNarrow = columns !== undefined && columns - head.width < MIN_TEXT;
    // Where the head leaves too little, the text stands under it.
    const isUnder = isNarrow && head.width > 0;
    const indent = isUnder ? SHORT_INDENT : head.width;
    const width = columns === undefined ? undefined : Math.max(MIN_TEXT, columns - indent);
    let out = isUnder ? head.painted.trimEnd() : head.painted;
    let isFirst = true;
    for (const { text, paint } of lines) {
      const safe = printable(text);
      for (const piece of width === undefined ? [safe] : wrap(expandTabs(safe), width)) {
        if (isUnder || !isFirst) out += `\n${' '.repeat(indent)}`;
        out += paint(piece);
        isFirst = false;
      }
    }
    return `${out}\n`;
  }
}

/** What stands before a text, and how wide it is. */
class Head {
  painted = '';
  width = 0;

  add(text: string, paint: Paint): this {
    // Blanks are not painted: what a background or an underline would show of them is no text.
    const bare = text.trimEnd();
    this.painted += `${bare === '' ? '' : paint(bare)}${text.slice(bare.length)}`;
    this.width += cells(text);
    return this;
  }
}

/** What a machine has chosen, as part of what stands before a text: a tab would move all that follows. */
function inHead(text: string): string {
  return printable(text).replaceAll('\t', ' ');
}

function plain(text: string): string {
  return text;
}

/** Who speaks in a kernel line, as `[talos]` or `usb 1-1:`. */
const SPEAKER = /^(?:\[[\w.-]{1,32}\]|[^\s:]{1,32}(?: [^\s:]{1,32}){0,2}:(?= ))/;

/** By the kernel's own priority, else by the level that all logs have: the colours of dmesg. */
function levelPaint(style: Style, subject: Subject, body: Body): Paint {
  const level = subject.detail.at(-1) ?? '';
  switch (subject.stream === 'kmsg' ? body.text('priority') || level : level) {
    case 'emerg':
    case 'alert':
      return (text) => style.inverse(style.red(text));
    case 'crit':
      return (text) => style.bold(style.red(text));
    case 'err':
    case 'error':
      return style.red;
    case 'warning':
    case 'warn':
      return style.bold;
    case 'debug':
      return style.dim;
    default:
      return plain;
  }
}

/** `kern  :warn  : ` for a kernel line; the level alone for a service's. */
function facility({ stream, detail }: Subject, body: Body): string {
  const level = (stream === 'kmsg' && body.text('priority')) || body.text('talos-level') || (detail.at(-1) ?? '');
  const shown = `${fitted(inHead(level), 7)}: `;
  return stream === 'kmsg' ? `${fitted(inHead(body.text('facility')), 8)}:${shown}` : shown;
}

const REASONS: Readonly<Record<string, string>> = {
  missing: '',
  rate: ', more than the machine may send',
  backpressure: ', the store was behind',
};

/** What is gone from the store, in words. The body is that of a gap record which is made for the reader. */
function lossText(body: Body, { received_at }: Envelope): string {
  if (body.text('reason') !== 'damaged') {
    const what = { logs: 'logs', others: 'events' }[body.text('series')] ?? 'records';
    return `${what} received until ${formatTime(Date.parse(received_at))} are not kept any more`;
  }
  const [from, to] = [body.text('from'), body.text('to')];
  return `${body.text('count') || 'some'} stored records cannot be read: the store is damaged (records ${from} to ${to})`;
}

/** What is missing of a kernel log, in words. The body is that of `gap.kmsg` (DESIGN section 5.3). */
function gapText(body: Body, boot: string): string {
  const [from, to, count, reason] = [body.text('from'), body.text('to'), body.text('count'), body.text('reason')];
  const lines = count === '1' ? 'line' : 'lines';
  const range = from === '' ? '' : ` (seq ${from === to ? from : `${from}-${to}`})`;
  if (reason === 'filled') return `${count} missing ${lines} came after all${range}${boot}`;
  return `${count || 'some'} ${lines} missing${range}${boot}${REASONS[reason] ?? `, ${reason}`}`;
}
