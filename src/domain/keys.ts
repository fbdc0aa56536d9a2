import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { SiderolinkError } from './errors.ts';

/** A Curve25519 public key as WireGuard writes it: 32 bytes in base64, 44 characters, canonical. */
export type PublicKey = string & { readonly __brand: 'PublicKey' };

const KEY_TEXT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** @throws SiderolinkError `invalid_argument` unless the text is a canonical, non-zero WireGuard key. */
export function parsePublicKey(text: string): PublicKey {
  if (!KEY_TEXT.test(text) || text === ZERO_KEY) {
    throw new SiderolinkError('invalid_argument', 'not a WireGuard public key (32 bytes in base64)');
  }
  return text as PublicKey;
}

const ZERO_KEY = `${'A'.repeat(43)}=`;

// RFC 8410: the fixed DER prefixes of an X25519 PKCS#8 private key and SubjectPublicKeyInfo.
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_PREFIX_LENGTH = 12;

/** A WireGuard private key. It does not print itself: `toString`, JSON and inspection show the public key only. */
export class PrivateKey {
  readonly #bytes: Buffer;
  readonly publicKey: PublicKey;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    this.publicKey = spki.subarray(SPKI_PREFIX_LENGTH).toString('base64') as PublicKey;
  }

  static generate(): PrivateKey {
    const bytes = randomBytes(32);
    // RFC 7748 section 5: clamping, as `wg genkey` does it.
    bytes.writeUInt8(bytes.readUInt8(0) & 248, 0);
    bytes.writeUInt8((bytes.readUInt8(31) & 127) | 64, 31);
    return new PrivateKey(bytes);
  }

  /** @throws SiderolinkError `invalid_argument`; the message never holds the text. */
  static parse(text: string): PrivateKey {
    const trimmed = text.trim();
    if (!KEY_TEXT.test(trimmed)) {
      throw new SiderolinkError('invalid_argument', 'not a WireGuard private key (32 bytes in base64)');
    }
    return new PrivateKey(Buffer.from(trimmed, 'base64'));
  }

  /** The secret itself, for the one file that `wg` reads. */
  reveal(): string {
    return this.#bytes.toString('base64');
  }

  toString(): string {
    return `PrivateKey(of ${this.publicKey})`;
  }

  toJSON(): string {
    return this.toString();
  }
}
