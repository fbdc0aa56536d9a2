import type { Envelope } from '../client/api.ts';

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'quiet';

/** What a record says, in words for a person; not yet made safe for a terminal. */
export interface Summary {
  /** `error`, `warn`, `info`, …; empty where there is none. */
  readonly level: string;
  readonly text: string;
  readonly tone: Tone;
}

/** A subject taken apart (DESIGN section 5.3). */
export interface Subject {
  readonly owner: string;
  readonly uuid: string;
  readonly stream: string;
  readonly detail: readonly string[];
}

export function parseSubject(prefix: string, subject: string): Subject {
  const rest = subject.startsWith(`${prefix}.`) ? subject.slice(prefix.length + 1) : subject;
  const [owner = '', uuid = '', stream = '', ...detail] = rest.split('.');
  return { owner, uuid, stream, detail };
}

/** Whether a record tells that others are gone from the store, whichever machines they were of. */
export function tellsOfLoss({ uuid, stream }: Subject): boolean {
  return uuid === '_' && stream === 'gap';
}

export function summarise(subject: Subject, record: Envelope): Summary {
  const { stream, detail } = subject;
  const body = new Body(record.body);
  switch (stream) {
    case 'kmsg':
      return logSummary(detail[0] ?? '', `${kernelClock(record.body)}${trimNewline(body.text('msg'))}`);
    case 'log':
      return logSummary(detail[1] ?? '', `${body.text('talos-service')}: ${trimNewline(body.text('msg'))}`);
    case 'event':
      return eventSummary(detail[0] ?? '', body);
    case 'link':
      return linkSummary(detail[0] ?? '', body);
    case 'machine':
      return machineSummary(detail[0] ?? '', body);
    case 'gap':
      return { level: '', text: gapText(detail[0] ?? '', body), tone: 'warn' };
    default:
      return {
        level: '',
        text: [detail.join(' '), body.text('name'), body.by()].filter(Boolean).join(' '),
        tone: 'plain',
      };
  }
}

/** `[   12.345678] `, as dmesg has it; empty for a line without a clock (microseconds since boot). */
export function kernelClock(body: Readonly<Record<string, unknown>>): string {
  const clock = body['clock'];
  if (typeof clock !== 'number' || !Number.isFinite(clock) || clock < 0) return '';
  const micros = Math.floor(clock);
  const seconds = String(Math.floor(micros / 1_000_000)).padStart(5);
  return `[${seconds}.${String(micros % 1_000_000).padStart(6, '0')}] `;
}

export function trimNewline(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** What a gap record says: `what` is the detail of its subject. */
function gapText(what: string, body: Body): string {
  const reason = body.text('reason');
  const [from, to] = [body.text('from'), body.text('to')];
  const range = from === '' ? '' : ` (seq ${from}${from === to ? '' : ` to ${to}`})`;
  const count = body.text('count') || 'some';
  const records = count === '1' ? 'record' : 'records';
  if (reason === 'filled') return `${what}: ${count} missing ${records} came after all${range}`;
  const why = reason === '' || reason === 'missing' ? '' : `, ${reason}`;
  return `${what}: ${count} ${records} missing${range}${why}`;
}

const LEVEL_TONES: Readonly<Record<string, Tone>> = { error: 'bad', warn: 'warn', debug: 'quiet' };

function logSummary(level: string, text: string): Summary {
  return { level, text, tone: LEVEL_TONES[level] ?? 'plain' };
}

/** Linux reboot(2) commands (facts/talos-client.md section 4.3). */
const RESTARTS: Readonly<Record<string, string>> = {
  '19088743': 'restart',
  '1163412803': 'kexec',
  '1126301404': 'power off',
  '3454992675': 'halt',
};

function eventSummary(message: string, body: Body): Summary {
  const event = (text: string, tone: Tone = 'plain'): Summary => ({ level: body.text('level'), text, tone });
  const error = body.text('error');
  // Of one that could not be decoded nothing else is known.
  if (body.has('raw')) return event(`${message}: ${rawText(body)}`, 'quiet');
  switch (message) {
    case 'AddressEvent':
      return event(
        `address ${body.text('hostname') || 'no hostname'} ${body.list('addresses').join(', ') || 'none'}`,
        'quiet',
      );
    case 'MachineStatusEvent':
      return statusSummary(body);
    case 'SequenceEvent':
      return event(
        `sequence ${body.text('sequence')} ${body.text('action')}${body.has('error') ? `: ${failure(body)}` : ''}`,
        body.has('error') ? 'bad' : 'plain',
      );
    case 'PhaseEvent':
      return event(`phase ${body.text('phase')} ${body.text('action')}`, 'quiet');
    case 'TaskEvent':
      return event(`task ${body.text('task')} ${body.text('action')}`, 'quiet');
    case 'ServiceStateEvent': {
      const action = body.text('action');
      const said = body.text('message');
      const isSick = body.item('health')?.value('healthy') === false && body.item('health')?.value('unknown') !== true;
      const tone = action === 'FAILED' ? 'bad' : action !== 'RUNNING' ? 'plain' : isSick ? 'warn' : 'good';
      return event(`service ${body.text('service')} ${action}${said && `: ${said}`}`, tone);
    }
    case 'RestartEvent':
      return event(`restart: ${RESTARTS[body.text('cmd')] ?? body.text('cmd')}`, 'warn');
    case 'ConfigLoadErrorEvent':
      return event(`configuration does not load: ${error}`, 'bad');
    case 'ConfigValidationErrorEvent':
      return event(`configuration is not valid: ${error}`, 'bad');
    default:
      return event([message, body.text('msg'), error].filter(Boolean).join(': '), 'quiet');
  }
}

/** What a sequence failed with: `FATAL` and the like are for those that look for them, the text is for all. */
function failure(body: Body): string {
  const code = body.text('error_code');
  return `${body.text('error') || 'it failed'}${code && ` (${code})`}`;
}

/** How much there is of an event that nobody here understands, broken or newer than we are. */
function rawText(body: Body): string {
  const bytes = body.text('raw_bytes') || String(Buffer.byteLength(body.text('raw'), 'base64'));
  return bytes === '0' ? 'no data' : `not understood, ${bytes} ${bytes === '1' ? 'byte' : 'bytes'}`;
}

function statusSummary(body: Body): Summary {
  const unmet = body.items('unmet_conditions').map((item) => {
    const reason = item.text('reason');
    return `${item.text('name')}${reason && ` (${reason})`}`;
  });
  const ready = body.value('ready') === true;
  const text = `stage ${body.text('stage')}, ${ready ? 'ready' : 'not ready'}${unmet.length > 0 ? `: ${unmet.join(', ')}` : ''}`;
  return { level: body.text('level'), text, tone: ready ? 'good' : 'plain' };
}

function linkSummary(change: string, body: Body): Summary {
  const endpoint = body.text('endpoint');
  const mode = body.text('mode') === 'tunnel' ? ' through the gRPC tunnel' : '';
  const tone: Tone = change === 'up' ? 'good' : change === 'down' ? 'bad' : 'plain';
  const heard = change === 'down' && body.text('last_rx') !== '' ? `, last heard ${body.text('last_rx')}` : '';
  const place = endpoint === '' ? '' : change === 'moved' ? ` to ${endpoint}` : ` ${endpoint}`;
  return { level: '', text: `${change}${place}${mode}${heard}`, tone };
}

const MACHINE_TONES: Readonly<Record<string, Tone>> = {
  conflict: 'bad',
  removed: 'warn',
  rejected: 'warn',
  changed: 'quiet',
};

function machineSummary(change: string, body: Body): Summary {
  const tone = MACHINE_TONES[change] ?? 'good';
  const changes = changesOf(change, body);
  if (changes !== '') return { level: '', text: `${change}: ${[changes, body.by()].filter(Boolean).join(', ')}`, tone };
  const facts = [
    body.text('talos_version') && `Talos ${body.text('talos_version')}`,
    body.text('address'),
    body.text('boot') && `boot ${body.text('boot')}`,
    body.item('previous_boot')?.has('seq') &&
      `the boot before ended after seq ${body.item('previous_boot')?.text('seq')}`,
    body.text('state'),
    body.by(),
  ].filter(Boolean);
  return { level: '', text: `${change}: ${facts.join(', ')}`, tone };
}

/** What a change was about; empty where the whole machine says more. */
function changesOf(change: string, body: Body): string {
  switch (change) {
    case 'changed':
      return changesText(body);
    case 'claimed':
      return OWNERSHIP.flatMap((name) => (body.has(name) ? [`${name.replace('_', ' ')} ${body.text(name)}`] : [])).join(
        ', ',
      );
    case 'released':
      return body.has('owner') ? `no more of ${body.text('owner')}` : '';
    case 'labeled':
      return [...(body.item('set')?.pairs() ?? []), ...body.list('unset').map((key) => `${key}-`)].join(' ');
    default:
      return '';
  }
}

const OWNERSHIP = ['owner', 'namespace', 'cluster', 'metal_machine', 'machine'] as const;

/** What `machine.changed` says is different, with what it is now where that is a word. */
function changesText(body: Body): string {
  return body
    .list('changed')
    .map((name) => [name.replaceAll('_', ' '), body.text(name)].filter(Boolean).join(' '))
    .join(', ');
}

/** A record's body read without trust in its types. */
export class Body {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  has(name: string): boolean {
    return this.value(name) !== undefined && this.value(name) !== null;
  }

  /** A string, number or boolean as text; else empty. */
  text(name: string): string {
    return asText(this.value(name));
  }

  list(name: string): string[] {
    const value = this.value(name);
    return Array.isArray(value) ? value.map(asText) : [];
  }

  items(name: string): Body[] {
    const value = this.value(name);
    return Array.isArray(value) ? value.filter(isObject).map((item) => new Body(item)) : [];
  }

  item(name: string): Body | undefined {
    const value = this.value(name);
    return isObject(value) ? new Body(value) : undefined;
  }

  /** `name=value`, each. */
  pairs(): string[] {
    return Object.entries(this.#values).map(([name, value]) => `${name}=${asText(value)}`);
  }

  by(): string {
    const by = this.text('by');
    return by === '' ? '' : `by ${by}`;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
