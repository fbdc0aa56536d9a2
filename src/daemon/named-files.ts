import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, rootCertificates } from 'node:tls';
import type { Clash } from '../config/combinations.ts';
import type { Config } from '../config/config.ts';
import { lifetime, readChain } from '../domain/certificate.ts';
import { parseControlTokens } from '../domain/control-token.ts';
import { errorMessage } from '../domain/errors.ts';
import { formatHostPort } from '../domain/host-port.ts';
import { connectionOptions, type NatsAccess } from '../publish/credentials.ts';

/** What is wrong with the files that a configuration names. */
export interface NamedFiles {
  /** With these the daemon would not start, or would never be let in. */
  readonly problems: readonly Clash[];
  /** It works, and somebody will stumble over it. */
  readonly warnings: readonly Clash[];
}

/** No file that is named is larger: neither a chain of certificates nor a list of tokens. */
const MAX_BYTES = 1_048_576;

/** Opens each file that the daemon would read with these settings, and looks whether it holds what it should. */
export function namedFiles(config: Config, now: number): NamedFiles {
  const checks = new Checks(now);
  const { api, control, publish } = config;
  checks.certificate('api.tls', api.tls, apiHosts(config), 'siderolink.api= advertises');
  if (control.listen !== null) {
    checks.certificate('control.tls', control.tls, control.hosts, 'control.hosts names');
    checks.file('control.tokens_file', control.tokens_file, (text) => void parseControlTokens(text));
  }
  if (publish.nats.servers.length > 0) checks.nats(publish.nats);
  return checks;
}

function apiHosts({ api, wireguard }: Config): readonly string[] {
  const [first] = wireguard.endpoints;
  const url = api.url ?? (first === undefined ? undefined : `https://${formatHostPort(first)}`);
  return url === undefined ? [] : [new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')];
}

type Pair = { readonly cert_file: string | null; readonly key_file: string | null };

class Checks implements NamedFiles {
  readonly problems: Clash[] = [];
  readonly warnings: Clash[] = [];
  readonly #now: number;

  constructor(now: number) {
    this.#now = now;
  }

  /** The text of a file; undefined where none is named or it is no use. */
  file(setting: string, path: string | null, look: (text: string) => void = () => undefined): string | undefined {
    if (path === null) return undefined;
    let text: string;
    try {
      const { size } = statSync(path);
      if (size > MAX_BYTES) throw new Error(`it has ${size} bytes; at most ${MAX_BYTES} are read`);
      text = readFileSync(path, 'utf8');
    } catch (error) {
      const isForbidden = (error as NodeJS.ErrnoException).code === 'EACCES';
      const hint = isForbidden ? '; check it as root, or as the user of the daemon' : '';
      this.#add(setting, `${path} cannot be read: ${errorMessage(error)}${hint}`);
      return undefined;
    }
    return this.#try(setting, () => look(text), path) ? text : undefined;
  }

  certificate(section: string, { cert_file, key_file }: Pair, hosts: readonly string[], hostsFrom: string): void {
    const cert = this.file(`${section}.cert_file`, cert_file);
    const key = this.file(`${section}.key_file`, key_file);
    if (cert === undefined || key === undefined || cert_file === null || key_file === null) return;
    const setting = `${section}.cert_file`;
    this.#try(setting, () => {
      const names = { certName: cert_file, keyName: key_file, hosts, hostsFrom };
      const chain = readChain({ ...names, cert, key, roots: rootCertificates });
      const age = lifetime(chain, this.#now);
      if (age?.severity === 'error') this.#add(setting, age.message);
      const warnings = age?.severity === 'warning' ? [age.message, ...chain.warnings] : chain.warnings;
      for (const message of warnings) this.warnings.push({ paths: [setting], message });
    });
  }

  nats(nats: Config['publish']['nats']): void {
    const none: NatsAccess = {
      servers: nats.servers,
      user: null,
      passwordFile: null,
      tokenFile: null,
      nkeySeedFile: null,
      credentialsFile: null,
      tls: { caFile: null, certFile: null, keyFile: null },
    };
    const of = (access: Partial<NatsAccess>) => () => void connectionOptions({ ...none, ...access });
    this.file('publish.nats.password_file', nats.password_file);
    this.file('publish.nats.token_file', nats.token_file);
    this.file('publish.nats.nkey_seed_file', nats.nkey_seed_file, of({ nkeySeedFile: nats.nkey_seed_file }));
    this.file('publish.nats.credentials_file', nats.credentials_file, of({ credentialsFile: nats.credentials_file }));
    const { ca_file, cert_file, key_file } = nats.tls;
    this.file('publish.nats.tls.ca_file', ca_file, (ca) => void new X509Certificate(ca));
    const cert = this.file('publish.nats.tls.cert_file', cert_file);
    const key = this.file('publish.nats.tls.key_file', key_file);
    if (cert === undefined || key === undefined) return;
    const names = `${cert_file} and ${key_file} are no certificate and its key`;
    this.#try('publish.nats.tls.cert_file', () => void createSecureContext({ cert, key }), names);
  }

  /** Whether it did not throw. `name` stands before what was thrown, if that does not say it. */
  #try(setting: string, look: () => void, name = ''): boolean {
    try {
      look();
      return true;
    } catch (error) {
      const message = errorMessage(error);
      this.#add(setting, name === '' || message.includes(name) ? message : `${name}: ${message}`);
      return false;
    }
  }

  #add(setting: string, message: string): void {
    this.problems.push({ paths: [setting], message });
  }
}
