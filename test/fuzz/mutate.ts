import type { Dice } from './dice.ts';

/** No input is longer. */
export const MAX_INPUT = 65_536;

type Mutation = (input: Buffer, dice: Dice, other: Buffer, words: readonly string[]) => Buffer;

const place = (input: Buffer, dice: Dice) => dice.int(0, input.length);

/** A part of the input: usually short, seldom all of it. */
function part(input: Buffer, dice: Dice): { readonly from: number; readonly to: number } {
  const from = place(input, dice);
  return { from, to: Math.min(input.length, from + 1 + dice.few(input.length)) };
}

function replace(input: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, from), by, input.subarray(to)]);
}

const BYTES: readonly [number, ...number[]] = [0, 1, 9, 10, 13, 32, 34, 44, 46, 58, 92, 123, 125, 127, 128, 192, 255];

/** `%41`, `\u0041`, base64: what an encoder makes of a part. */
const ENCODERS: readonly [(text: Buffer) => string, ...((text: Buffer) => string)[]] = [
  (bytes) => bytes.toString('base64'),
  (bytes) => bytes.toString('hex'),
  (bytes) => JSON.stringify(bytes.toString('utf8')),
  (bytes) => encodeURIComponent(bytes.toString('utf8').toWellFormed()),
  (bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  (bytes) => [...bytes].map((byte) => `\\u00${byte.toString(16).padStart(2, '0')}`).join(''),
  (bytes) => bytes.toString('latin1').toUpperCase(),
];

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  function flipBit(input, dice) {
    const copy = Buffer.from(input);
    const at = dice.int(0, Math.max(0, copy.length - 1));
    if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << dice.int(0, 7));
    return copy;
  },
  function setByte(input, dice) {
    const at = dice.int(0, Math.max(0, input.length - 1));
    return replace(input, at, at + 1, Buffer.of(dice.chance(0.5) ? dice.pick(BYTES) : dice.int(0, 255)));
  },
  function insertBytes(input, dice) {
    const at = place(input, dice);
    return replace(input, at, at, dice.bytes(1 + dice.few(32)));
  },
  function insertWord(input, dice, _other, words) {
    const at = place(input, dice);
    return replace(input, at, dice.chance(0.3) ? part(input, dice).to : at, Buffer.from(dice.pick(words) ?? '\0'));
  },
  function remove(input, dice) {
    const { from, to } = part(input, dice);
    return replace(input, from, to, Buffer.alloc(0));
  },
  function truncate(input, dice) {
    return input.subarray(0, place(input, dice));
  },
  function splice(input, dice, other) {
    const [mine, theirs] = [part(input, dice), part(other, dice)];
    return replace(input, mine.from, mine.to, other.subarray(theirs.from, theirs.to));
  },
  function halves(input, dice, other) {
    return Buffer.concat([input.subarray(0, place(input, dice)), other.subarray(place(other, dice))]);
  },
  /** A length or a number that is not true. */
  function lie(input, dice) {
    const copy = Buffer.from(input);
    const at = place(copy, dice);
    const width = dice.pick([1, 2, 4, 8]);
    const value = dice.pick([0, 1, -1, 0x7f, 0x80, 0x7fff, 0x7fffffff, dice.int(-300, 300)]);
    if (at + width > copy.length) return copy;
    if (width === 8) copy.writeBigInt64LE(BigInt(value), at);
    else if (dice.chance(0.5)) copy.writeIntBE(clamp(value, width), at, width);
    else copy.writeIntLE(clamp(value, width), at, width);
    return copy;
  },
  /** A decimal number becomes another. */
  function number(input, dice) {
    const text = input.toString('latin1');
    const numbers = [...text.matchAll(/\d+/g)];
    const found = dice.pick(numbers);
    if (found === undefined) return input;
    const by = dice.pick(['0', '00', '-1', '1e9', '0.1', '9'.repeat(dice.int(1, 30)), String(2 ** dice.int(7, 64))]);
    return replace(input, found.index, found.index + found[0].length, Buffer.from(by));
  },
  function repeatBlock(input, dice) {
    const { from, to } = part(input, dice);
    const times = 1 + dice.few(dice.chance(0.02) ? 20_000 : 12);
    const most = Math.max(1, Math.floor(MAX_INPUT / Math.max(1, to - from)));
    return replace(input, from, to, Buffer.concat(Array(Math.min(times, most)).fill(input.subarray(from, to))));
  },
  function encode(input, dice) {
    const { from, to } = part(input, dice);
    return replace(input, from, to, Buffer.from(dice.pick(ENCODERS)(input.subarray(from, to))));
  },
  function swap(input, dice) {
    const { from, to } = part(input, dice);
    return Buffer.concat([input.subarray(from, to), input.subarray(0, from), input.subarray(to)]);
  },
];

function clamp(value: number, width: number): number {
  const most = 2 ** (8 * width - 1);
  return Math.max(-most, Math.min(most - 1, value));
}

/** The input with one to a few changes. `other` is what parts come from. */
export function mutate(input: Buffer, dice: Dice, other: Buffer, words: readonly string[]): Buffer {
  let result = input;
  for (let left = 1 + dice.few(8); left > 0; left -= 1) {
    result = dice.pick(MUTATIONS)(result, dice, other, words).subarray(0, MAX_INPUT);
  }
  return result;
}
