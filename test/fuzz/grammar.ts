import { TAG_NAMES } from '../../src/domain/record.ts';
import { type Dice, EDGES } from './dice.ts';

/** Stands for a secret in inputs. Mutations make of it what is none, so nobody can say that it is never stored. */
export const CANARY = 'CaNaRy0123456789';

const SECRET_NAMES = [
  'jointoken',
  'talos.config.early',
  'talos.config.inline',
  'talos.config.oauth.client_secret',
  'talos.config.oauth.x-y',
] as const;

/** A secret as a kernel command line, a URL, a configuration or a structured log says it. */
export function secretText(dice: Dice, secret = CANARY): string {
  const name = dice.pick(SECRET_NAMES);
  const quote = dice.pick(['', '"', "'"]);
  const before = dice.pick(['', ' ', '?', '&', 'siderolink.api=grpc://[fd00::1]:8081?', '"', '{"', 'a=b ']);
  const after = dice.pick(['', ' ', '\n', '&grpc_tunnel=y', '" tail', "'", ' talos.platform=metal']);
  const plain = dice.pick(['=', ': ', ':', `=${quote}`, `: ${quote}`, `${quote}:${quote}`]);
  const text = `${before}${name}${plain}${secret}${after}`;
  const nest = dice.int(0, 3);
  switch (dice.int(0, 5)) {
    // As one part of a URL inside a URL.
    case 0:
      return `${before}${wrap(`${name}=${secret}&x=1`, nest + 1, encodeURIComponent)}${after}`;
    // As a string in JSON in a string.
    case 1:
      return wrap(text, nest, JSON.stringify);
    case 2:
      return wrap(JSON.stringify({ [name]: secret, b: 1 }), nest, JSON.stringify);
    case 3:
      return `${dice.text(dice.few(40))} ${text}`;
    default:
      return text;
  }
}

function wrap(text: string, times: number, encode: (text: string) => string): string {
  let wrapped = text;
  for (let i = 0; i < times; i += 1) wrapped = encode(wrapped);
  return wrapped;
}

export const OUR_WORDS: readonly string[] = [
  ...TAG_NAMES.map((name) => `"${name}":`),
  ...SECRET_NAMES.map((name) => `${name}=`),
  ...[
    '"__proto__":',
    '"constructor":',
    '"toString":1',
    '"0":',
    '"seq":',
    '"clock":',
    '"msg":""',
    '"talos-service":"x"',
  ],
  ...['"talos-level":"warn"', '\\u0000', '\\ud800', '\\u002e', '\\u006a', '\\"', '\\', '1e999', '-0', '1e-400', '[[[['],
  ...['{}', '[]', 'null', 'true', '\ufeff', '\u2028', '\n', '\r\n', ',', ':', '"', '{"a":'.repeat(70), '['.repeat(100)],
];

/** JSON text as any encoder may write it: spaces, escapes, numbers of every form, names of ours. */
export function jsonText(dice: Dice, depth = 4): string {
  switch (dice.int(0, depth > 0 ? 9 : 6)) {
    case 0:
    case 1:
    case 2:
      return jsonString(dice, dice.chance(0.05) ? secretText(dice) : dice.text(dice.few(40)));
    case 3:
    case 4:
      return numberText(dice);
    case 5:
      return dice.pick(['true', 'false', 'null']);
    case 6:
      return dice.pick(['{}', '[]', '""', '0', ' [ ] ']);
    case 7:
      return `[${space(dice)}${dice.list(5, () => jsonText(dice, depth - 1)).join(`${space(dice)},${space(dice)}`)}]`;
    default:
      return objectText(
        dice,
        dice.list(6, () => [keyOf(dice), jsonText(dice, depth - 1)]),
      );
  }
}

export function objectText(dice: Dice, members: readonly (readonly [string, string])[]): string {
  const parts = members.map(([key, value]) => `${jsonString(dice, key)}${space(dice)}:${space(dice)}${value}`);
  return `{${space(dice)}${parts.join(`${space(dice)},`)}${space(dice)}}`;
}

function keyOf(dice: Dice): string {
  if (dice.chance(0.1)) return dice.pick(SECRET_NAMES);
  if (dice.chance(0.3)) return dice.pick(TAG_NAMES);
  return dice.pick(['a', 'b', '1', '', '__proto__', 'seq', 'clock', 'msg', 'talos-service', dice.text(3)]);
}

function space(dice: Dice): string {
  return dice.chance(0.9) ? '' : dice.pick([' ', '\t', '\r', '  ']);
}

function numberText(dice: Dice): string {
  const edge = BigInt(dice.pick(EDGES)).toString();
  return dice.pick([edge, edge, `-${dice.int(0, 99)}`, '1.50', '1E5', '1e999', '-0', '0.1e-10', '9'.repeat(30), '01']);
}

/** A string literal; some of its characters as escapes that nobody needs. */
export function jsonString(dice: Dice, text: string): string {
  const literal = JSON.stringify(text);
  if (!dice.chance(0.2)) return literal;
  return literal.replace(/(?<!\\)[a-z.=](?![^\\]{0,5}$)/g, (char, at: number) => {
    const isEscape = /\\(?:u[\da-f]{0,3})?$/i.test(literal.slice(Math.max(0, at - 5), at));
    return isEscape || dice.chance(0.7) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
