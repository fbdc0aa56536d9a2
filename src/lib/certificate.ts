import type { SecureContextOptions } from 'node:tls';

/** Where a TLS listener gets its certificate and key from, now and each time they change. */
export interface CertificateSource {
  /** What new connections are to be served with; for `tls.createServer`, `https.createServer` and `setSecureContext`. */
  context(): SecureContextOptions;
  /** Called after `context()` has changed. Open connections stay as they are. Returns how to stop being called. */
  onChange(listener: () => void): () => void;
}

/** A certificate with its chain, and its key, both in PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/**
 * What Go's TLS clients, and so Talos, take with TLS 1.2: AEAD with ephemeral keys (facts/talos-client.md section 2.3).
 * The three of TLS 1.3 stand first.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  ...['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].flatMap((suite) => [
    `ECDHE-ECDSA-${suite}`,
    `ECDHE-RSA-${suite}`,
  ]),
].join(':');

/** TLS ≥ 1.2 with suites that Go's clients take, whatever the listener. */
export function contextOf({ cert, key }: CertificatePair): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2', ciphers: CIPHERS };
}

/** The changing half of a `CertificateSource`: a pair, and who wants to know of another. */
export class CertificateHolder implements CertificateSource {
  readonly #listeners = new Set<() => void>();
  #context: SecureContextOptions;

  constructor(pair: CertificatePair) {
    this.#context = contextOf(pair);
  }

  context(): SecureContextOptions {
    return this.#context;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes another pair, which must be known to work: listeners put it to use at once. */
  replace(pair: CertificatePair): void {
    this.#context = contextOf(pair);
    for (const listener of this.#listeners) listener();
  }
}
