import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { issueCertificate } from '../../src/lib/x509.ts';

const DAY_MS = 86_400_000;

interface Named {
  readonly name: string;
  readonly key: KeyObject;
  readonly cert: string;
}

export interface LeafOptions {
  readonly hosts?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore?: number;
  readonly notAfter?: number;
}

export const newEcKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

export const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A root, an intermediate below it, and server certificates below that. */
export class TestAuthority {
  readonly root: Named;
  readonly intermediate: Named;
  readonly #now: number;

  constructor(now = Date.now()) {
    this.#now = now;
    this.root = this.#authority('test root', 1);
    this.intermediate = this.#authority('test intermediate', 0, this.root);
  }

  #authority(name: string, pathLength: number, issuer?: Named): Named {
    const key = newEcKey();
    const cert = issueCertificate({
      subject: name,
      key,
      issuer: issuer ?? { name, key },
      notBefore: this.#now - DAY_MS,
      notAfter: this.#now + 3_650 * DAY_MS,
      purpose: { pathLength },
    });
    return { name, key, cert };
  }

  /** A server certificate for 127.0.0.1 by default, with its key; `chain` is it and its intermediate. */
  leaf({ hosts = ['127.0.0.1'], notBefore, notAfter }: LeafOptions = {}, issuer = this.intermediate) {
    const key = newEcKey();
    const cert = issueCertificate({
      subject: 'server',
      key,
      issuer,
      notBefore: notBefore ?? this.#now - DAY_MS,
      notAfter: notAfter ?? this.#now + 90 * DAY_MS,
      purpose: { hosts },
    });
    return { cert, key: pemOf(key), chain: cert + issuer.cert };
  }
}
