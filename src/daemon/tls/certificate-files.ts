import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContextOptions } from 'node:tls';
import { type Chain, lifetime, readChain } from '../../domain/certificate.ts';
import { errorMessage, SiderolinkError } from '../../domain/errors.ts';
import { CertificateHolder, type CertificatePair, type CertificateSource, contextOf } from '../../lib/certificate.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ConditionName } from '../../telemetry/conditions.ts';
import type { Health } from '../../telemetry/health.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { TlsMetrics } from './metrics.ts';

export interface CertificateFilesOptions {
  /** The section of the configuration, e.g. `api.tls`; also the label of the metric. */
  readonly setting: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** What callers dial: host names and addresses without brackets. Those that are not covered are warned about. */
  readonly hosts: readonly string[];
  /** What says that they do, for that warning, e.g. `siderolink.api= advertises`. */
  readonly hostsFrom: string;
  /** Name of the health condition. */
  readonly condition: ConditionName;
  /** How often the files are looked at, milliseconds. Default 5,000. */
  readonly pollMs?: number;
  /** A larger file is not read. Default 1 MiB. */
  readonly maxFileBytes?: number;
}

export interface CertificateFilesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: TlsMetrics;
}

interface Loaded {
  readonly chain: Chain;
  readonly holder: CertificateHolder;
}

/**
 * A certificate and its key in files that somebody else renews. A change is noticed by looking, not by watching: the
 * files may be replaced by rename, or be links to links that are swapped (certbot, Kubernetes). A pair that does not work
 * leaves the former one in place and sets the condition until it is put right.
 */
export class CertificateFiles implements CertificateSource {
  readonly #options: CertificateFilesOptions;
  readonly #deps: CertificateFilesDeps;
  #loaded: Loaded | undefined;
  /** What the files looked like when they were last read. */
  #seen = '';
  /** Why the files cannot be used now. */
  #broken: string | undefined;
  /** The files are as they were when they turned out not to work: it is no change under way. */
  #reported = false;
  #cancel: (() => void) | undefined;
  #stopped = false;
  #checking: Promise<void> | undefined;

  constructor(options: CertificateFilesOptions, deps: CertificateFilesDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Reads the files and begins to look for changes. @throws SiderolinkError `configuration` */
  async start(): Promise<void> {
    this.#seen = await this.#fingerprint();
    const { pair, chain } = await this.#read();
    const age = lifetime(chain, this.#deps.clock.now());
    if (age?.severity === 'error') throw this.#configuration(age.message);
    this.#take(pair, chain);
    this.#judge();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#checking;
  }

  /** @throws SiderolinkError `unavailable` before `start` */
  context(): SecureContextOptions {
    return this.#holder.context();
  }

  /** @throws SiderolinkError `unavailable` before `start` */
  onChange(listener: () => void): () => void {
    return this.#holder.onChange(listener);
  }

  /** Looks at the files now, and at the calendar. Never rejects; calls at the same time share one look. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  get #holder(): CertificateHolder {
    if (this.#loaded === undefined) throw new SiderolinkError('unavailable', `${this.#options.setting}: not read yet`);
    return this.#loaded.holder;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#cancel = this.#deps.clock.after(this.#options.pollMs ?? 5_000, () => {
      void this.check().then(() => this.#schedule());
    });
  }

  async #check(): Promise<void> {
    // Taken before reading: a change meanwhile makes the next look differ.
    const seen = await this.#fingerprint();
    if (seen !== this.#seen) {
      this.#seen = seen;
      this.#reported = false;
      await this.#reload();
    } else if (this.#broken !== undefined && !this.#reported) {
      // Certificate and key are replaced one after the other. Only what stays wrong is wrong.
      await this.#reload();
      if (this.#broken !== undefined) this.#report(this.#broken);
    }
    this.#judge();
  }

  async #reload(): Promise<void> {
    try {
      const { pair, chain } = await this.#read();
      const age = lifetime(chain, this.#deps.clock.now());
      if (age?.severity === 'error') throw this.#configuration(age.message);
      this.#broken = undefined;
      this.#take(pair, chain);
    } catch (error) {
      this.#broken = errorMessage(error);
    }
  }

  #report(reason: string): void {
    this.#reported = true;
    this.#deps.metrics.loads.inc({ setting: this.#options.setting, result: 'failed' });
    this.#deps.logger.warn({ setting: this.#options.setting, reason }, 'the new certificate cannot be used');
  }

  #take(pair: CertificatePair, chain: Chain): void {
    const { setting } = this.#options;
    if (this.#loaded === undefined) this.#loaded = { chain, holder: new CertificateHolder(pair) };
    else {
      this.#loaded.holder.replace(pair);
      this.#loaded = { chain, holder: this.#loaded.holder };
    }
    this.#deps.metrics.loads.inc({ setting, result: 'loaded' });
    const expires = chain.path[0]?.validToDate.toISOString();
    this.#deps.logger.info({ setting, file: this.#options.certFile, expires }, 'certificate loaded');
  }

  /** Says what is wrong with what is served and with what the files hold. */
  #judge(): void {
    if (this.#loaded === undefined) return;
    const { chain } = this.#loaded;
    const age = lifetime(chain, this.#deps.clock.now());
    const messages = age === undefined ? [...chain.warnings] : [age.message, ...chain.warnings];
    if (this.#reported && this.#broken !== undefined) {
      messages.unshift(`the certificate before it is still served: ${this.#broken}`);
    }
    const severity = age?.severity === 'error' ? 'error' : messages.length > 0 ? 'warning' : 'ok';
    this.#deps.health.set(this.#options.condition, severity, messages.join('; '));
  }

  async #read(): Promise<{ readonly pair: CertificatePair; readonly chain: Chain }> {
    const { certFile, keyFile, hosts, hostsFrom } = this.#options;
    const [cert, key] = await Promise.all([this.#text(certFile), this.#text(keyFile)]);
    try {
      const names = { certName: certFile, keyName: keyFile, hosts, hostsFrom };
      const chain = readChain({ ...names, cert, key, roots: rootCertificates });
      // What OpenSSL does not take (weak keys, odd curves) must not reach a listener.
      createSecureContext(contextOf({ cert, key }));
      return { pair: { cert, key }, chain };
    } catch (error) {
      if (error instanceof SiderolinkError) throw this.#configuration(error.message, error.cause);
      throw this.#configuration(`${certFile} with ${keyFile} cannot be used: ${errorMessage(error)}`, error);
    }
  }

  async #text(file: string): Promise<string> {
    const limit = this.#options.maxFileBytes ?? 1_048_576;
    try {
      const { size } = await stat(file);
      if (size > limit) throw new Error(`it has ${size} bytes, more than any certificate`);
      return await readFile(file, 'utf8');
    } catch (error) {
      throw this.#configuration(`cannot read ${file}: ${errorMessage(error)}`, error);
    }
  }

  /** What changes when either file does, also when a link on the way to it does. */
  async #fingerprint(): Promise<string> {
    const { certFile, keyFile } = this.#options;
    const looks = await Promise.all([certFile, keyFile].map(fingerprint));
    return looks.join(' ');
  }

  #configuration(message: string, cause?: unknown): SiderolinkError {
    const { setting } = this.#options;
    return new SiderolinkError('configuration', `${setting}: ${message}`, {}, cause === undefined ? {} : { cause });
  }
}

async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
