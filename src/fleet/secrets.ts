import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 9 random bytes: enough that ids never meet. They are not secret. */
const ID_BYTES = 9;
const SECRET_BYTES = 32;

/** A new join token as its owner gets it, and what of it is kept. */
export function newTokenSecret(): { readonly id: string; readonly text: string; readonly hash: string } {
  const id = newId();
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { id, text: `${id}.${secret}`, hash: hashSecret(secret) };
}

/** An id is an argument of commands, where a first `-` would begin an option. */
function newId(): string {
  for (;;) {
    const id = randomBytes(ID_BYTES).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** A unique token for a machine: 43 characters. */
export function newUniqueToken(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** The parts of a token's text; what is no token of ours has an empty id. */
export function splitToken(text: string): { readonly id: string; readonly secret: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { id: '', secret: text } : { id: text.slice(0, dot), secret: text.slice(dot + 1) };
}

/** SHA-256 in hex. The secret has 256 random bits, so a slow hash would protect nothing more. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** Compares two hashes in hex in a time that does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex');
  const right = Buffer.from(b, 'hex');
  return left.length === right.length && timingSafeEqual(left, right);
}

/** HMAC-SHA-256 in hex: a machine's unique token may be short, so its bare hash could be guessed from a stolen database. */
export function hmacOf(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
