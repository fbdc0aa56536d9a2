import { createHash, randomBytes } from 'node:crypto';
import { SiderolinkError } from './errors.ts';

/** What a caller of the control API may do: each role may all that the ones before it may. */
export const ROLES = ['reader', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether who has `role` may do what asks for `least`. */
export function mayActAs(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** A line of the tokens file: a token by its hash, what its bearer may do, and what he is called in records. */
export interface ControlToken {
  readonly role: Role;
  /** SHA-256 of the token's text, 64 lower-case hexadecimal digits. */
  readonly hash: string;
  readonly name: string;
}

/** What every token begins with, so that people and secret scanners recognise one that lies about. */
const PREFIX = 'slc_';
/** 256 random bits: too many to guess, so a fast hash keeps it as well as a slow one would. */
const RANDOM_BYTES = 32;
const TOKEN = /^slc_[A-Za-z0-9_-]{43,200}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}$/;
const HASH = /^[0-9a-f]{64}$/;
/** Each wrong token is compared with every one of them. */
const MAX_TOKENS = 256;

/** A new token. Whoever gets it is the only one who has it: what is kept is its hash. */
export function newControlToken(): string {
  return PREFIX + randomBytes(RANDOM_BYTES).toString('base64url');
}

/** Whether the text looks like a token, so that it is worth a hash. */
export function isControlToken(text: string): boolean {
  return TOKEN.test(text);
}

/** SHA-256 of the token's text. */
export function controlTokenDigest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The line for the tokens file. @throws SiderolinkError `invalid_argument` for a name that cannot stand in it */
export function controlTokenLine({ role, hash, name }: ControlToken): string {
  if (!NAME.test(name)) {
    throw new SiderolinkError(
      'invalid_argument',
      `${JSON.stringify(name)} cannot be a token's name: at most 63 of letters, digits and . _ @ + -, beginning with a letter or digit`,
    );
  }
  return `${role} ${hash} ${name}`;
}

/**
 * Reads a tokens file: lines of role, hash and name; empty lines and those that begin with # mean nothing. Several tokens
 * may have one name, as while one takes the other's place.
 *
 * @throws SiderolinkError `configuration`, which names the first line that is wrong and repeats nothing of it
 */
export function parseControlTokens(text: string): readonly ControlToken[] {
  const tokens: ControlToken[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const token = parseLine(trimmed, index + 1);
    const before = lineOf.get(token.hash);
    if (before !== undefined) throw wrong(index + 1, `its token is that of line ${before}`);
    if (tokens.length === MAX_TOKENS) throw wrong(index + 1, `more than ${MAX_TOKENS} tokens`);
    lineOf.set(token.hash, index + 1);
    tokens.push(token);
  }
  return tokens;
}

function parseLine(text: string, line: number): ControlToken {
  const [role = '', hash = '', name = '', ...rest] = text.split(/[ \t]+/);
  if (name === '' || rest.length > 0) throw wrong(line, 'not three words: role, token hash, name');
  const known = ROLES.find((one) => one === role);
  if (known === undefined) throw wrong(line, `the first word is no role: ${ROLES.join(', ')}`);
  if (isControlToken(hash)) {
    throw wrong(
      line,
      'the second word is a token itself, not its hash; a token that stood in a file is spent, make another',
    );
  }
  if (!HASH.test(hash)) throw wrong(line, 'the second word is no SHA-256 of a token: 64 lower-case hexadecimal digits');
  if (!NAME.test(name)) throw wrong(line, 'the third word is no name: at most 63 of letters, digits and . _ @ + -');
  return { role: known, hash, name };
}

function wrong(line: number, what: string): SiderolinkError {
  return new SiderolinkError('configuration', `line ${line}: ${what}`, { line });
}
