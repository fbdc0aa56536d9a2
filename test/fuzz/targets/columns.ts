import { DamageError } from '../../../src/domain/damage.ts';
import { blockOf } from '../../../src/domain/line-block-of.ts';
import { LineColumns } from '../../../src/domain/line-columns.ts';
import type { Dice } from '../dice.ts';
import { must, type Target } from '../fuzzer.ts';

const MAX_BYTES = 1 << 24;
const WORDS = [
  '{"clock":',
  ',"facility":"',
  '","msg":"',
  '","priority":"',
  '","seq":',
  ',"talos-level":"',
  '","talos-time":"',
];
const TIMES = [
  '2026-01-02T03:04:05Z',
  '2024-02-29T23:59:59.999999999Z',
  '2026-01-02T03:04:05.10Z',
  '0001-01-01T00:00:00Z',
];

/** Blocks of lines through columns and back; and blocks of what are no columns, which may only be told. */
export const lineColumns: Target = {
  name: 'line-columns',
  share: 60,
  words: [...WORDS, ...TIMES, '"}\n', '\n'],
  outcomes: ['divided', 'whole'],
  seeds: () => {
    const lines = Array.from(
      { length: 20 },
      (_, i) =>
        `${WORDS[0]}${i}${WORDS.slice(1, 4).join('x')}x${WORDS[4]}${i}${WORDS[5]}info${WORDS[6]}${TIMES[i % 2]}"}\n`,
    );
    const block = Buffer.from(lines.join(''));
    return [block, Buffer.from(new LineColumns().divide(block) ?? [])];
  },
  generate: (dice) => Buffer.from(dice.list(12, () => (dice.chance(0.8) ? lineOf(dice) : dice.text(20))).join('')),
  begin: () => {
    const columns = new LineColumns();
    return (input, dice) => {
      const asked = dice.pick([1000, MAX_BYTES]);
      try {
        must(blockOf(input, asked).length <= asked, 'no block is longer than allowed');
      } catch (error) {
        must(error instanceof DamageError, `damage, not ${error}`);
      }
      const divided = columns.divide(input);
      if (divided === undefined) return 'whole';
      must(input.equals(blockOf(divided, input.length)), 'every byte comes back');
      return 'divided';
    };
  },
};

function lineOf(dice: Dice): string {
  const number = () => dice.pick([dice.int(0, 255), dice.int(0, 2 ** 31), 0, '01', -1, 999_999_999_999_999, 2 ** 53]);
  const word = () => dice.pick(['kern', 'info', '', dice.text(5)]);
  const values = [number(), word(), dice.text(20), word(), number(), word(), dice.pick(TIMES)];
  return `${WORDS.map((characters, i) => `${characters}${values[i]}`).join('')}"}\n`;
}
