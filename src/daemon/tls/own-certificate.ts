import type { SecureContextOptions } from 'node:tls';
import { lifetime } from '../../domain/certificate.ts';
import { CertificateHolder, type CertificateSource } from '../../lib/certificate.ts';
import type { ConditionName } from '../../telemetry/conditions.ts';
import type { CertificateFilesDeps } from './certificate-files.ts';
import { type Authority, issueServerCertificate } from './own-authority.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

export interface OwnCertificateOptions {
  /** The section of the configuration; label of the metric. */
  readonly setting: string;
  /** What callers dial: host names and addresses without brackets; at least one. */
  readonly hosts: readonly string[];
  /** Name of the health condition. */
  readonly condition: ConditionName;
  /** How long one certificate lives, milliseconds; it is replaced after two thirds of that. Default 365 days. */
  readonly lifeMs?: number;
  /** How often the calendar is looked at, milliseconds. Default 1 hour. */
  readonly checkMs?: number;
}

/**
 * A server certificate of our own authority. It and its key live in memory only: each start makes another, so that new
 * hosts are covered at once, and callers need to know the authority alone.
 */
export class OwnCertificate implements CertificateSource {
  readonly #options: OwnCertificateOptions;
  readonly #authority: Authority;
  readonly #deps: CertificateFilesDeps;
  readonly #holder: CertificateHolder;
  #madeAt: number;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: OwnCertificateOptions, authority: Authority, deps: CertificateFilesDeps) {
    this.#options = options;
    this.#authority = authority;
    this.#deps = deps;
    this.#madeAt = deps.clock.now();
    this.#holder = new CertificateHolder(this.#make());
  }

  start(): void {
    this.#judge();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  context(): SecureContextOptions {
    return this.#holder.context();
  }

  onChange(listener: () => void): () => void {
    return this.#holder.onChange(listener);
  }

  get #lifeMs(): number {
    return this.#options.lifeMs ?? YEAR_MS;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(this.#options.checkMs ?? 3_600_000, () => {
      const age = this.#deps.clock.now() - this.#madeAt;
      // Also when our clock went back so far that the certificate is of the future.
      if (age > (this.#lifeMs * 2) / 3 || age < -this.#lifeMs) this.#renew();
      this.#judge();
      this.#schedule();
    });
  }

  #renew(): void {
    this.#madeAt = this.#deps.clock.now();
    this.#holder.replace(this.#make());
  }

  #make() {
    const { hosts, setting } = this.#options;
    const notAfter = this.#madeAt + this.#lifeMs;
    const pair = issueServerCertificate(this.#authority, hosts, this.#madeAt, notAfter);
    this.#deps.metrics.loads.inc({ setting, result: 'loaded' });
    this.#deps.logger.info({ setting, hosts, expires: new Date(notAfter).toISOString() }, 'certificate made');
    return pair;
  }

  /** The authority's own end is decades away, and nobody will remember it. */
  #judge(): void {
    const age = lifetime(this.#authority.chain, this.#deps.clock.now());
    this.#deps.health.set(this.#options.condition, age?.severity ?? 'ok', age?.message ?? '');
  }
}
