import { isDeepStrictEqual } from 'node:util';
import { Envelopes } from '../../../src/domain/envelope.ts';
import { readObjectLine } from '../../../src/domain/json-text.ts';
import { ZERO_RECORD } from '../../../src/domain/kernel-line.ts';
import { LEVELS, TAG_NAMES, type Tags } from '../../../src/domain/record.ts';
import { Redactor } from '../../../src/domain/redact.ts';
import { BootTable } from '../../../src/fleet/boots.ts';
import { renderLine } from '../../../src/simulate/boot-script.ts';
import { BootScripts } from '../../../src/simulate/boot-scripts.ts';
import { formatKernelLine } from '../../../src/simulate/kmsg-line.ts';
import { talosProfile } from '../../../src/simulate/profile.ts';
import { LineSink, lineOrigin } from '../../../src/sinks/line-sink.ts';
import type { LogLines, LogSource } from '../../../src/stream/types.ts';
import { ManualClock, newKey } from '../../sinks/fakes.ts';
import { uuidOf } from '../../stream/harness.ts';
import { type Dice, EDGES } from '../dice.ts';
import { type Check, must, type Target } from '../fuzzer.ts';
import { CANARY, jsonString, jsonText, OUR_WORDS, objectText, secretText } from '../grammar.ts';

const TAGS: Tags = { id: 7, server_uuid: uuidOf(7), ownership: { owner: 'o"w', machine: 'm' } };
/** Is in no input, so it must be in nothing stored. */
const SECRET = 'SeCrEt0123456789';
const MARK = 2 ** 40;
const SHORT_LINES = 300;
const LONG_LINES = 65_536;
/** How deep the reader goes. */
const MAX_DEPTH = 64;

/** Blocks of lines through the real sink; what is kept is compared with what `JSON.parse` says of the lines. */
export const kernelLines: Target = {
  name: 'kernel-lines',
  share: 200,
  words: OUR_WORDS,
  outcomes: ['kept', 'partly', 'dropped'],
  seeds: bootLines,
  generate: (dice) => Buffer.from(dice.list(12, () => lineText(dice)).join('\n')),
  begin: () => {
    const stored: Stored[] = [];
    const log = { appendLog: (source: LogSource, lines: LogLines) => stored.push(...recordsOf(source, lines)) > 0 };
    const sinks = new Map(
      [SHORT_LINES, LONG_LINES].map((max) => [
        max,
        new LineSink({ maxLineBytes: max }, { log, redactor: new Redactor() }),
      ]),
    );
    const key = newKey();
    const take: Check = (input, dice) => {
      const max = dice.chance(0.3) ? SHORT_LINES : LONG_LINES;
      const boots = new BootTable({}, { image: { boots: [] }, clock: new ManualClock() });
      const origin = lineOrigin(boots.begin(1, key).boot);
      stored.length = 0;
      // Whatever stands around it, a secret stays outside.
      const secret = `{"seq":${MARK},"msg":${jsonString(dice, secretText(dice, SECRET))}}\n`;
      const block = Buffer.concat([input, Buffer.from(`\n${dice.chance(0.1) ? secret : ''}`)]);
      // A part at a time, as it comes from a socket.
      const cut = dice.chance(0.5) ? block.lastIndexOf(10, dice.int(0, block.length - 1)) + 1 : 0;
      const drops = new Map<string, number>();
      for (const part of [block.subarray(0, cut), block.subarray(cut)]) {
        if (part.length === 0) continue;
        for (const [reason, count] of sinks.get(max)?.take(origin, TAGS, part).drops ?? []) {
          drops.set(reason, (drops.get(reason) ?? 0) + count);
        }
      }
      compare(block, stored, drops, max);
      must(!stored.some(({ text }) => text.includes(SECRET)), 'no secret is stored');
      checkEnvelopes(stored, dice);
      if (drops.size === 0) return 'kept';
      return stored.length > 0 ? 'partly' : 'dropped';
    };
    return take;
  },
};

interface Stored {
  readonly text: string;
  readonly stream: string;
  readonly name: string;
}

function recordsOf(source: LogSource, lines: LogLines): Stored[] {
  const texts = Buffer.from(lines.payload).toString('utf8').split('\n');
  must(texts.pop() === '', 'the payload ends with a line feed');
  must(texts.length === lines.details.length, 'as many details as lines');
  return texts.map((text, i) => {
    const name = lines.names[lines.details[i] ?? -1];
    must(name !== undefined, 'every detail has a name');
    return { text, stream: source.stream, name };
  });
}

/** What the block should come to. */
function compare(block: Buffer, stored: readonly Stored[], drops: ReadonlyMap<string, number>, max: number): void {
  const expected = { bad: 0, not_object: 0, too_deep: 0, oversized: 0, zero_record: 0, replay: 0 };
  let next = 0;
  let highest = -1;
  for (let from = 0; from < block.length; ) {
    const feed = block.indexOf(10, from);
    const line = block.subarray(from, feed);
    from = feed + 1;
    const told = line.length > max ? 'oversized' : judged(line.toString('utf8'));
    if (typeof told === 'string') {
      expected[told] += 1;
      continue;
    }
    const record = stored[next];
    if (record !== undefined && isSame(told, record)) {
      next += 1;
    } else {
      must(told.seq !== null && told.seq <= highest, `a new line is not kept as it is: ${told.text}: ${record?.text}`);
      expected.replay += 1;
    }
    highest = Math.max(highest, told.seq ?? -1);
  }
  must(next === stored.length, `a record that no line gave: ${stored[next]?.text}`);
  const { bad, ...others } = expected;
  const told = (name: string) => drops.get(name) ?? 0;
  for (const [name, count] of Object.entries(others)) {
    const isFuzzy = name === 'too_deep';
    must(isFuzzy || told(name) === count, `drops as ${name}: ${told(name)}, not ${count}`);
  }
  // Text that is too deep and no JSON behind that is either.
  must(told('not_json') + told('too_deep') === bad + others.too_deep && told('not_json') <= bad, 'faults are counted');
}

interface Told {
  readonly text: string;
  readonly value: Record<string, unknown>;
  readonly stream: string;
  readonly level: string;
  readonly seq: number | null;
  readonly isPlain: boolean;
}

function judged(text: string): 'bad' | 'not_object' | 'too_deep' | 'zero_record' | Told {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'bad';
  }
  if (depthOf(value) > MAX_DEPTH) return 'too_deep';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not_object';
  const object = value as Record<string, unknown>;
  const clean = cleaned(object) as Record<string, unknown>;
  const own = Object.entries(clean).filter(([name]) => (TAG_NAMES as readonly string[]).includes(name));
  const others = Object.entries(clean).filter(([name]) => !(TAG_NAMES as readonly string[]).includes(name));
  const kept = Object.fromEntries(others);
  if (own.length > 0) kept['sent'] = Object.fromEntries(own);
  const isPlain = own.length === 0 && isDeepStrictEqual(clean, object);
  if (isPlain && isZero(text, object)) return 'zero_record';
  const service = object['talos-service'];
  const isLog = typeof service === 'string' && clean['talos-service'] !== '';
  const level = (LEVELS as readonly unknown[]).includes(clean['talos-level']) ? String(clean['talos-level']) : 'other';
  const isNumbered = [object['seq'], object['clock']].every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const seq = isNumbered && !isLog ? (object['seq'] as number) : null;
  return { text, value: kept, stream: isLog ? 'log' : 'kmsg', level, seq, isPlain };
}

function isSame(told: Told, { text, stream, name }: Stored): boolean {
  if (stream !== told.stream) return false;
  if (!(stream === 'kmsg' ? name === told.level : /^[\w-]+\.\w+$/.test(name) && name.endsWith(`.${told.level}`)))
    return false;
  if (!isDeepStrictEqual(JSON.parse(text), told.value)) return false;
  // Numbers and strings as they were sent; of a key that came twice, only the last.
  return !told.isPlain || text === compact(told.text) || text.length < compact(told.text).length;
}

const ZERO: unknown = JSON.parse(ZERO_RECORD);
const NO_GUARD = { literal: (raw: string) => raw, isSecretName: () => false };

/** Also where keys come several times, and the last of each are those of the record, in its order. */
function isZero(text: string, object: unknown): boolean {
  if (!isDeepStrictEqual(object, ZERO)) return false;
  const line = readObjectLine(text, NO_GUARD);
  return typeof line !== 'string' && line.text === ZERO_RECORD;
}

const redactor = new Redactor();

/** What is stored of a JSON value. */
function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return redactor.text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cleaned);
  const members = Object.entries(value).map(([name, member]) => [
    redactor.text(name),
    redactor.isSecretName(name) && member !== null ? '[redacted]' : cleaned(member),
  ]);
  return Object.fromEntries(members);
}

function depthOf(value: unknown): number {
  let depth = 0;
  for (let level: unknown[] = [value]; ; depth += 1) {
    level = level.filter((item) => typeof item === 'object' && item !== null);
    if (level.length === 0) return depth;
    level = level.flatMap((item) => Object.values(item as object));
  }
}

/** JSON text without the white space between its tokens. */
function compact(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, '$1');
}

/** What a reader gets is JSON, and who it is of is what we say. */
function checkEnvelopes(stored: readonly Stored[], dice: Dice): void {
  const record = dice.pick(stored);
  if (record === undefined) return;
  const context = { stream: 'kmsg', boot: 1, tags: TAGS, time: 0, names: [record.name] } as const;
  const { body } = JSON.parse(new Envelopes('siderolink', context).render(1, 0, record.text));
  const { server_uuid, owner, machine, ...rest } = body;
  must(server_uuid === TAGS.server_uuid && owner === 'o"w' && machine === 'm', 'the tags are ours');
  must(isDeepStrictEqual(rest, JSON.parse(record.text)), 'the body is what is stored');
}

function lineText(dice: Dice): string {
  switch (dice.int(0, 9)) {
    case 0:
      return jsonText(dice);
    case 1:
      return objectText(
        dice,
        dice.list(9, () => [dice.pick(['seq', 'clock', 'msg', 'owner', 'talos-service']), jsonText(dice, 2)]),
      );
    case 2:
      return `{"msg":${jsonString(dice, dice.text(9))},"talos-level":"info","talos-service":"${dice.pick(['apid', 'é', ''])}"}`;
    default:
      return kernelText(dice);
  }
}

function kernelText(dice: Dice): string {
  const number = () => (dice.chance(0.1) ? BigInt(dice.pick(EDGES)).toString() : String(dice.int(0, 20)));
  const msg = dice.chance(0.1) ? secretText(dice) : dice.text(dice.few(200));
  const level = dice.pick([...LEVELS, 'fatal', '', dice.text(2)]);
  const escaped = jsonString(dice, msg);
  const go = dice.chance(0.5) ? escaped : escaped.replaceAll('&', '\\u0026').replaceAll('<', '\\u003c');
  return (
    `{"clock":${number()},"facility":"kern","msg":${go},"priority":${jsonString(dice, dice.text(4))},` +
    `"seq":${number()},"talos-level":${JSON.stringify(level)},"talos-time":"2026-01-01T00:00:00Z"}${dice.pick(['', '', '', ' ', '\r'])}`
  );
}

/** The first line of every tenth of a boot, in one block each. */
function bootLines(): Buffer[] {
  const facts = {
    seed: 5,
    boot: 1,
    uuid: uuidOf(5),
    hostname: 'talos-a1',
    commandLine: `console=tty0 siderolink.api=grpc://192.0.2.1:8081?jointoken=${CANARY}&grpc_tunnel=n`,
    kernel: '6.18.24-talos',
    tag: 'v1.13.0',
    addresses: ['198.18.0.2'],
  };
  const { lines } = new BootScripts().script(talosProfile('1.13'), 5, 'running');
  const texts = lines.map((line, seq) =>
    formatKernelLine(renderLine(line, seq, facts), seq, { seconds: 1_790_000_000, nanos: 5 }),
  );
  return Array.from({ length: Math.ceil(texts.length / 40) }, (_, i) =>
    Buffer.from(texts.slice(i * 40, i * 40 + 4).join('\n')),
  );
}
