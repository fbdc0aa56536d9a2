import { readFileSync } from 'node:fs';
import {
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
  type TlsOptions,
} from '@nats-io/transport-node';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';

/** Where the servers are and who we are to them; null for what is not set. At most one kind of credentials. */
export interface NatsAccess {
  /** `nats://host:port`, `tls://host:port` or `host:port`. */
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly tokenFile: string | null;
  readonly nkeySeedFile: string | null;
  readonly credentialsFile: string | null;
  readonly tls: { readonly caFile: string | null; readonly certFile: string | null; readonly keyFile: string | null };
}

/**
 * What a connection is made with. The files are read at every call, so what an operator or a rotation puts there counts
 * from the next connection on.
 *
 * @throws SiderolinkError `configuration` if a file cannot be read or holds no such thing
 */
export function connectionOptions(access: NatsAccess): ConnectionOptions {
  const { servers } = access;
  const tls = tlsOptions(access);
  return { servers: [...servers], ...credentials(access), ...(tls !== undefined && { tls }) };
}

function credentials(access: NatsAccess): ConnectionOptions {
  const { user, passwordFile, tokenFile, nkeySeedFile, credentialsFile } = access;
  if (user !== null && passwordFile !== null) return { user, pass: read(passwordFile) };
  if (tokenFile !== null) return { token: read(tokenFile) };
  if (nkeySeedFile !== null) {
    const seed = Buffer.from(read(nkeySeedFile));
    return { authenticator: made(nkeySeedFile, 'nkey seed', () => nkeyAuthenticator(seed)) };
  }
  if (credentialsFile !== null) {
    // The library finds its parts by their lines, the last one's end included.
    const text = Buffer.from(`${read(credentialsFile)}\n`);
    return { authenticator: made(credentialsFile, 'user credentials', () => credsAuthenticator(text)) };
  }
  return {};
}

/** Undefined leaves it to the server: TLS if it offers it. Else TLS is demanded. */
function tlsOptions({ servers, tls: { caFile, certFile, keyFile } }: NatsAccess): TlsOptions | undefined {
  const isDemanded = servers.some((server) => server.startsWith('tls://'));
  if (!isDemanded && caFile === null && certFile === null) return undefined;
  return {
    ...(caFile !== null && { ca: read(caFile) }),
    ...(certFile !== null && { cert: read(certFile) }),
    ...(keyFile !== null && { key: read(keyFile) }),
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new SiderolinkError('configuration', `cannot read ${file}: ${errorMessage(cause)}`, {}, { cause });
  }
}

/** What the library says of a malformed secret may hold a part of it, so it is not repeated. */
function made<T extends (nonce?: string) => unknown>(file: string, what: string, make: () => T): T {
  try {
    const authenticator = make();
    // It looks at the secret only when it is asked to sign.
    authenticator('probe');
    return authenticator;
  } catch {
    throw new SiderolinkError('configuration', `${file} holds no ${what}`);
  }
}
