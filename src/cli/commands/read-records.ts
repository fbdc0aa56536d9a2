import type { Envelope } from '../../client/api.ts';
import { SiderolinkError } from '../../domain/errors.ts';
import type { Context } from '../context.ts';
import { History } from '../history.ts';
import type { TimeKind } from '../line-time.ts';
import { Lines } from '../lines.ts';
import { rawPart } from '../matching.ts';
import { type Choice, Selection } from '../selection.ts';
import { Body, parseSubject, tellsOfLoss } from '../summary.ts';
import { printable } from '../text.ts';
import { follow } from './follow.ts';

export interface ReadOptions extends Choice {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly until?: string;
  readonly grep?: string;
  /** From 1 on; 0 is the current one, -1 the one before. */
  readonly boot?: number;
}

/** What one command reads, and how it shows it. */
export interface Kind {
  /** What the records are called. */
  readonly what: string;
  /** Subjects behind the machine. */
  readonly rests: readonly string[];
  readonly time: TimeKind;
  /** Whether lines of several services come. */
  readonly services: boolean;
  /** Options of its own that leave records out. */
  readonly filters: readonly string[];
  /** Whether a record has the text, which is in lower case. */
  readonly holds: (record: Envelope, text: string) => boolean;
  /** Why there may be nothing. */
  readonly hint: string | undefined;
}

// Who follows wants what comes, with enough of what went before to understand it.
const FOLLOW_TAIL = 100;

/** Filters of one request: the API takes no more. */
const MAX_FILTERS = 32;

/** A record is never stamped earlier than its boot began, but for the span that one stamp stands for. Milliseconds. */
const BOOT_MARGIN = 1_000;

/** Reads records of machines, and then what comes if that is wanted. */
export async function readRecords(
  context: Context,
  names: readonly string[],
  options: ReadOptions,
  kind: Kind,
): Promise<void> {
  const { prefix, records } = await context.client.status();
  const selection = await Selection.make(context.client, names, options);
  const reader = new Reader(context, prefix, selection, options, kind);
  await reader.read(records.head);
  if (options.follow === true) await reader.follow(records.head);
}

class Reader {
  readonly #context: Context;
  readonly #prefix: string;
  readonly #selection: Selection;
  readonly #options: ReadOptions;
  readonly #kind: Kind;
  readonly #lines: Lines;
  readonly #text: string | undefined;
  /** The boot that is wanted of each machine; without an entry: none of them. */
  readonly #boots: ReadonlyMap<string, number> | undefined;

  constructor(context: Context, prefix: string, selection: Selection, options: ReadOptions, kind: Kind) {
    this.#context = context;
    this.#prefix = prefix;
    this.#selection = selection;
    this.#options = options;
    this.#kind = kind;
    this.#text = options.grep?.toLowerCase();
    this.#boots = options.boot === undefined ? undefined : bootsOf(selection, options.boot);
    this.#lines = new Lines({
      prefix,
      style: context.style,
      time: kind.time,
      named: selection.isOpen || selection.machines.length > 1,
      wide: context.format === 'wide',
      services: kind.services,
      columns: () => context.columns?.(),
    });
    this.#lines.know(selection.machines);
  }

  async read(head: number): Promise<void> {
    const context = this.#context;
    const options = this.#options;
    const isBounded = options.since !== undefined || options.boot !== undefined;
    const reading = {
      prefix: this.#prefix,
      machines: this.#selection.machines.map(({ server_uuid }) => server_uuid),
      rests: this.#kind.rests,
      head,
      tail: options.tail ?? (options.follow === true && !isBounded ? FOLLOW_TAIL : undefined),
      since: options.since ?? (await this.#bootStart()),
      until: options.until,
      grep: rawPart(options.grep ?? ''),
      accepts: (record: Envelope) => this.#accepts(record),
    };
    let count = 0;
    for await (const { record, json } of new History(context.client).read(reading)) {
      if (context.signal.aborted) return;
      context.out(context.format === 'json' ? `${json}\n` : this.#lines.render(record));
      count += 1;
    }
    if (count === 0 && options.follow !== true && context.format !== 'json') context.err(`${this.#nothing()}\n`);
  }

  /** What comes after `head`, until the user ends it, or nothing can come any more. */
  async follow(head: number): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, ended.signal]);
    const view: Context = { ...this.#context, signal };
    const gone = new Set<string>();
    await follow(
      view,
      { filter: this.#filters() },
      { after: head },
      (record) => this.#lines.render(record),
      async (record) => {
        const subject = parseSubject(this.#prefix, record.subject);
        if (await this.#selection.heed(subject)) this.#lines.know(this.#selection.machines);
        if (subject.stream === 'machine') {
          if (this.#selection.has(subject.uuid)) this.#tellRemoval(record, gone);
          if (!this.#selection.isOpen && gone.size === this.#selection.machines.length) ended.abort();
          return false;
        }
        return (this.#selection.has(subject.uuid) || tellsOfLoss(subject)) && this.#accepts(record);
      },
    );
  }

  /** Exactly what is wanted if the API takes so many filters; else more, of which the rest is left out here. */
  #filters(): readonly string[] {
    const each = (machine: string, rests: readonly string[]) =>
      rests.map((rest) => `${this.#prefix}.*.${machine}.${rest}`);
    if (this.#selection.isOpen) return each('*', [...this.#kind.rests, 'machine.*']);
    const rests = [...this.#kind.rests, 'machine.removed', 'machine.readmitted'];
    const { machines } = this.#selection;
    if (machines.length * rests.length > MAX_FILTERS) return each('*', rests);
    return machines.flatMap(({ server_uuid }) => each(server_uuid, rests));
  }

  #tellRemoval(record: Envelope, gone: Set<string>): void {
    const { uuid, detail } = parseSubject(this.#prefix, record.subject);
    if (detail[0] === 'readmitted') gone.delete(uuid);
    if (detail[0] !== 'removed' || gone.has(uuid)) return;
    gone.add(uuid);
    const by = new Body(record.body).by();
    const name = this.#lines.nameOf(uuid);
    this.#context.err(printable(`siderolinkctl: ${name} was removed${by && ` ${by}`}: nothing comes of it any more`));
    this.#context.err('\n');
  }

  #accepts(record: Envelope): boolean {
    if (this.#text !== undefined && !this.#kind.holds(record, this.#text)) return false;
    if (this.#boots === undefined) return true;
    const wanted = this.#boots.get(parseSubject(this.#prefix, record.subject).uuid);
    if (wanted === undefined) return false;
    // Who follows from a boot on does not want to miss the next one.
    return this.#options.follow === true ? record.boot >= wanted : record.boot === wanted;
  }

  /** When the boot that is wanted of one machine began, so that nothing of before is read. */
  async #bootStart(): Promise<string | undefined> {
    const [machine, ...more] = this.#selection.machines;
    if (machine === undefined || more.length > 0 || this.#boots === undefined) return undefined;
    const wanted = this.#boots.get(machine.server_uuid);
    const boots = await this.#context.client.boots(machine.server_uuid);
    const boot = boots.find((one) => one.boot === wanted);
    return boot && new Date(Date.parse(boot.started_at) - BOOT_MARGIN).toISOString();
  }

  /** Why there is nothing, and what to do about it. */
  #nothing(): string {
    const { machines } = this.#selection;
    const { what, hint, filters } = this.#kind;
    const [only, ...more] = machines;
    if (only === undefined) return 'no machines pass; `siderolinkctl machine list` shows all';
    const names = ['since', 'until', 'grep', 'boot', ...filters] as const;
    const given = names.filter((name) => (this.#options as Readonly<Record<string, unknown>>)[name] !== undefined);
    const whose =
      more.length === 0 ? printable(only.hostname || only.server_uuid) : `these ${machines.length} machines`;
    if (hint !== undefined) return `no ${what}: ${hint}`;
    if (given.length > 0) {
      return `no ${what} of ${whose} pass ${given.map((name) => `--${name}`).join(', ')}`;
    }
    const look = more.length === 0 ? `machine get ${only.server_uuid}` : 'machine list';
    return `no ${what} of ${whose} are stored; \`siderolinkctl ${look}\` shows whether it was heard`;
  }
}

/** The boot that is meant of each machine. @throws SiderolinkError `not_found` if no machine has it */
function bootsOf({ machines }: Selection, wanted: number): ReadonlyMap<string, number> {
  const boots = new Map<string, number>();
  for (const { server_uuid, boot } of machines) {
    const number = wanted > 0 ? wanted : boot + wanted;
    if (number >= 1 && number <= boot) boots.set(server_uuid, number);
  }
  const [only, ...more] = machines;
  if (boots.size > 0 || only === undefined) return boots;
  const has = only.boot === 0 ? 'it never joined' : only.boot === 1 ? 'it has one' : `it has 1 to ${only.boot}`;
  const whose = more.length === 0 ? `there is no such boot: ${has}` : 'none of these machines has such a boot';
  throw new SiderolinkError('not_found', whose);
}
