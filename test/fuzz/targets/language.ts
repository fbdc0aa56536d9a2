import { isDeepStrictEqual } from 'node:util';
import { tagsText } from '../../../src/domain/envelope.ts';
import { matchesFilter, parseFilter, SubjectFilter } from '../../../src/domain/filter.ts';
import { changeLabels, type Labels, MAX_LABELS, parseLabels } from '../../../src/domain/labels.ts';
import { parseClaim, parseOwnership, sameOwnership } from '../../../src/domain/ownership.ts';
import { LEVELS, STREAMS, type Tags } from '../../../src/domain/record.ts';
import { matches, parseSelector } from '../../../src/domain/selector.ts';
import { subjectHead, subjectOf, subjectToken } from '../../../src/domain/subject.ts';
import { uuidOf } from '../../stream/harness.ts';
import type { Dice } from '../dice.ts';
import { must, orRefused, type Target } from '../fuzzer.ts';
import { jsonText, objectText } from '../grammar.ts';

const KEYS = ['zone', 'a', 'example.com/role', 'constructor', 'n', 'in', 'notin'] as const;
const VALUES = ['', 'eu', '5', '-3', '9223372036854775807', 'a.b_c', 'in'] as const;

function labelsOf(dice: Dice): Labels {
  return Object.fromEntries(dice.list(5, () => [dice.pick(KEYS), dice.pick(VALUES)]));
}

function requirement(dice: Dice): string {
  const [key, value] = [dice.pick(KEYS), dice.pick(VALUES)];
  const list = dice.list(4, () => dice.pick(VALUES)).join(',');
  return dice.pick([
    ...[`${key}=${value}`, `${key} == ${value}`, `${key}!=${value}`, key, `!${key}`, `${key} in (${list})`],
    ...[`${key} notin (${list})`, `${key}>${dice.int(-9, 9)}`, `${key} <= ${value}`, dice.text(5)],
  ] as [string, ...string[]]);
}

/** A selector selects what it says, and its refusal says where it is wrong. */
export const selectors: Target = {
  name: 'selectors',
  share: 50,
  words: [...KEYS, ...VALUES, ',', '!', '!=', '==', '=', '(', ')', ' in (', ' notin (', '>', '<=', ' ', '\t', 'a/b/c'],
  outcomes: ['taken', 'refused'],
  generate: (dice) => Buffer.from(dice.list(6, () => requirement(dice)).join(',')),
  begin: () => (input, dice) => {
    const text = input.toString('utf8');
    const selector = orRefused(
      () => parseSelector(text),
      ({ code, message, details: { position, length } }) => {
        must(code === 'invalid_argument' && message.length < 400, 'a refusal is short');
        must(length !== undefined || (Number(position) >= 1 && Number(position) <= text.length + 1), 'it says where');
      },
    );
    if (selector === undefined) return 'refused';
    const labels = labelsOf(dice);
    // All requirements hold together, or not all.
    const each = selector.requirements.map((one) => matches({ requirements: [one] }, labels));
    must(matches(selector, labels) === each.every(Boolean), 'all requirements count');
    for (const one of selector.requirements) {
      const without = Object.fromEntries(Object.entries(labels).filter(([key]) => key !== one.key));
      const isOpen = one.operator === 'absent' || one.operator === 'notin';
      must(matches({ requirements: [one] }, without) === isOpen, 'without the label only two operators hold');
    }
    return 'taken';
  },
};

/** A filter, taken apart per head and name, selects what it selects as a whole. */
export const filters: Target = {
  name: 'filters',
  share: 50,
  words: ['*', '>', '.', '..', 'siderolink', '_', 'kmsg', 'warn', 'apid', uuidOf(7), ' ', '\x7f'],
  outcomes: ['taken', 'refused'],
  generate: (dice) => {
    const token = () =>
      dice.pick(['*', '>', 'siderolink', '_', 'kmsg', 'log', 'warn', 'apid', uuidOf(7), 'acme', dice.text(3)]);
    return Buffer.from(dice.list(4, () => dice.list(7, token).join('.')).join('\n'));
  },
  begin: () => (input, dice) => {
    const texts = input.toString('utf8').split('\n');
    const filter = orRefused(
      () => new SubjectFilter('siderolink', texts),
      ({ message }) => must(message.length < 400, 'a refusal is short'),
    );
    if (filter === undefined) return 'refused';
    const owner = dice.pick([undefined, 'acme', 'a.b']);
    const tags: Tags = {
      id: 7,
      server_uuid: dice.chance(0.9) ? uuidOf(7) : '',
      ownership: owner === undefined ? {} : { owner },
    };
    const stream = dice.pick(STREAMS) ?? 'kmsg';
    const names = dice.chance(0.5) ? LEVELS : ['apid.info', 'apid.warn', '', 'other'];
    const selection = filter.select(tags, stream, names, 0);
    for (const [index, name] of names.entries()) {
      const subject = subjectOf(subjectHead('siderolink', tags, stream), name).split('.');
      const whole = texts.some((text) => matchesFilter(parseFilter(text), subject));
      const split = selection === 'all' || (selection !== 'none' && selection[index] === 1);
      must(whole === split, `${subject.join('.')}: ${whole} as a whole, ${split} in parts`);
      must(!whole || filter.mayMatchStream(stream), 'the stream may match');
    }
    return 'taken';
  },
};

/** Any text is one token, and no two texts are the same one. */
export const subjects: Target = {
  name: 'subjects',
  share: 30,
  words: ['_', '.', '_2E', '*', '>', ' '],
  outcomes: ['as it is', 'encoded'],
  generate: (dice) => Buffer.from(dice.text(dice.few(60))),
  begin: () => (input) => {
    const text = input.toString('utf8');
    const token = subjectToken(text);
    must(/^[\w-]*$/.test(token) && token !== '_', 'it is a token');
    const back = token.replaceAll(/_([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    must(Buffer.from(back, 'latin1').toString('utf8') === text, 'the text can be had back');
    return token === text ? 'as it is' : 'encoded';
  },
};

/** What callers send as labels and owners: kept as it is and safe in records, or refused. */
export const ownership: Target = {
  name: 'ownership',
  share: 50,
  words: [
    '"__proto__":"a"',
    '"constructor":"b"',
    '"owner":"_"',
    '"owner":"acme"',
    '"machine":"m"',
    'é',
    '\\u0000',
    '\\ud800',
    '":"',
  ],
  outcomes: ['no JSON', 'refused', 'labels', 'ownership'],
  generate: (dice) => {
    const field = () => dice.pick(['owner', 'namespace', 'cluster', 'metal_machine', 'machine', ...KEYS]);
    const value = () => (dice.chance(0.8) ? JSON.stringify(dice.pick([...VALUES, dice.text(4)])) : jsonText(dice, 2));
    return Buffer.from(
      objectText(
        dice,
        dice.list(6, () => [field(), value()]),
      ),
    );
  },
  begin: () => (input) => {
    const record = objectOf(input.toString('utf8'));
    if (record === undefined) return 'no JSON';
    const short = ({ message }: Error) => must(message.length < 700, 'a refusal is short');
    const labels = orRefused(() => parseLabels(record), short);
    if (labels !== undefined) {
      must(isDeepStrictEqual({ ...labels }, { ...record }), 'labels are kept as they are');
      must(
        Object.keys(labels).length <= MAX_LABELS && changeLabels(labels, { set: labels }) === labels,
        'they are bounded',
      );
      const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      must(selector.length > 40 || matches(parseSelector(selector.join(',')), labels), 'they can be selected');
    }
    const owned = orRefused(() => parseOwnership(record), short);
    orRefused(() => parseClaim(record), short);
    if (owned !== undefined) {
      const tags = JSON.parse(`{"a":1${tagsText({ id: 1, server_uuid: '', ownership: owned })}}`);
      must(isDeepStrictEqual({ a: 1, ...owned }, tags), 'tags say what the ownership says');
      must(sameOwnership(owned, parseOwnership({ ...owned })), 'it is taken again');
      return 'ownership';
    }
    return labels === undefined ? 'refused' : 'labels';
  },
};

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
