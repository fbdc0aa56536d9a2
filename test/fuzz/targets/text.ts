import { isDeepStrictEqual } from 'node:util';
import { type LineFault, readObjectLine } from '../../../src/domain/json-text.ts';
import { Redactor } from '../../../src/domain/redact.ts';
import { LineSplitter } from '../../../src/lib/line-splitter.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';
import { jsonText, OUR_WORDS, objectText, secretText } from '../grammar.ts';

const MAX_LINE = 200;

/** However a stream of bytes is cut, it gives the same lines. */
export const lines: Target = {
  name: 'lines',
  share: 90,
  words: ['\n', '\n\n', '\r\n', 'x'.repeat(MAX_LINE), `${'x'.repeat(MAX_LINE + 1)}\n`],
  outcomes: ['whole', 'lossy'],
  generate: (dice) =>
    Buffer.from(
      dice.list(20, () => 'x'.repeat(dice.chance(0.2) ? MAX_LINE + dice.int(-1, 1) : dice.few(280))).join('\n'),
    ),
  begin: () => (input, dice) => {
    const blocks: Buffer[] = [];
    const losses = { oversized: 0, unterminated: 0 };
    const splitter = new LineSplitter(
      { maxLineBytes: MAX_LINE },
      { onBlock: (block) => blocks.push(Buffer.from(block)), onLoss: (loss) => (losses[loss] += 1) },
    );
    const step = dice.pick([1, 7, 100, 5_000]);
    for (let at = 0; at < input.length; ) {
      // What came is gone when the next comes: who keeps it must have copied it.
      const chunk = Buffer.from(input.subarray(at, at + dice.int(1, step)));
      splitter.push(chunk);
      must(splitter.pending <= MAX_LINE, 'a partial line is no longer than a line');
      at += chunk.length;
      chunk.fill(0);
    }
    splitter.end();
    const expected = input.toString('latin1').split('\n');
    const rest = expected.pop() ?? '';
    const got = Buffer.concat(blocks).toString('latin1').split('\n');
    must(got.pop() === '', 'blocks end with a line feed');
    const isShort = (line: string) => line.length <= MAX_LINE;
    must(isDeepStrictEqual(got.filter(isShort), expected.filter(isShort)), 'the lines are those of the stream');
    const long = [...expected, rest].filter((line) => !isShort(line)).length;
    must(got.filter((line) => !isShort(line)).length + losses.oversized === long, 'every long line is told once');
    must(losses.unterminated === (rest !== '' && isShort(rest) ? 1 : 0), 'so is a line without its end');
    return long === 0 && rest === '' ? 'whole' : 'lossy';
  },
};

const NO_GUARD = { literal: (raw: string) => raw, isSecretName: () => false };

/** The reader of JSON text agrees with `JSON.parse` on what is JSON and what it says. */
export const jsonLines: Target = {
  name: 'json-text',
  share: 90,
  words: OUR_WORDS,
  outcomes: ['object', 'not_object', 'not_json', 'too_deep'],
  generate: (dice) =>
    Buffer.from(
      dice.chance(0.3)
        ? jsonText(dice, 6)
        : objectText(
            dice,
            dice.list(9, () => [dice.text(2), jsonText(dice)]),
          ),
    ),
  begin: () => (input) => {
    const text = input.toString('utf8');
    const line = readObjectLine(text, NO_GUARD);
    const value = parsed(text);
    if (typeof line === 'string') {
      const right: Record<LineFault, boolean> = {
        not_json: value === undefined,
        not_object:
          value !== undefined && (value.json === null || typeof value.json !== 'object' || Array.isArray(value.json)),
        // It goes no deeper, so it does not see what stands behind.
        too_deep: text.replaceAll(/[^[{]/g, '').length > 64,
      };
      must(right[line], `${line} is not true`);
      return line;
    }
    must(value !== undefined, 'it is no JSON');
    const { sent, ...kept } = JSON.parse(line.text);
    const back = { ...kept, ...sent };
    must(isDeepStrictEqual(back, { ...(value.json as object) }), 'it says the same');
    must(!line.text.includes('\n'), 'a line has no line feed');
    return 'object';
  },
};

function parsed(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Is in no input, so it must be in nothing redacted. */
const SECRET = 'SeCrEt0123456789';

/** Whatever stands around a secret, it goes; what was redacted stays as it is. */
export const redact: Target = {
  name: 'redact',
  share: 90,
  words: [
    ...OUR_WORDS,
    'jointoken',
    'talos.config.',
    '%3D',
    '%253d',
    '%26',
    '\\u003d',
    '\\\\',
    '=',
    ': ',
    '[redacted]',
  ],
  outcomes: ['clean', 'redacted'],
  generate: (dice) => Buffer.from(dice.list(6, () => around(dice)).join(dice.pick(['', ' ', '&', '\n']))),
  begin: () => {
    const redactor = new Redactor();
    return (input, dice) => {
      const text = input.toString('utf8');
      const once = redactor.text(text);
      must(redactor.text(once) === once, 'redacting again changes nothing');
      const bytes = redactor.bytes(input);
      must(bytes.length === input.length, 'as many bytes as before');
      const cut = dice.int(0, text.length);
      const with_ = `${text.slice(0, cut)} ${secretText(dice, SECRET)} ${text.slice(cut)}`;
      must(!redactor.text(with_).includes(SECRET), `a secret survived as text: ${JSON.stringify(with_)}`);
      const mixed = Buffer.concat([
        input.subarray(0, cut),
        Buffer.from(` ${secretText(dice, SECRET)} `),
        input.subarray(cut),
      ]);
      must(
        !Buffer.from(redactor.bytes(mixed)).includes(SECRET),
        `a secret survived as bytes: ${mixed.toString('latin1')}`,
      );
      const raw = JSON.stringify(with_);
      must(!redactor.literal(raw).includes(SECRET), 'a secret survived as a literal');
      return once === text ? 'clean' : 'redacted';
    };
  },
};

function around(dice: Dice): string {
  return dice.chance(0.5) ? secretText(dice) : dice.text(dice.few(60));
}
