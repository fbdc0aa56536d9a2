import { constants as zlib, zstdCompressSync } from 'node:zlib';
import { SiderolinkError } from './errors.ts';
import { formatHostPort } from './host-port.ts';
import type { OverlayAddress } from './overlay.ts';
import { isOlderThan, parseTalosVersion, type TalosVersion } from './talos-version.ts';

/** Stands where no join token was given: the reader puts one in its place. */
const TOKEN_PLACEHOLDER = 'JOIN_TOKEN';

export interface KernelArgsInput {
  /** What machines call first: `grpc://host:port` (plaintext) or `https://host[:port]`, IPv6 in brackets. */
  readonly apiUrl: string;
  /** The server's overlay address, where the sinks listen. */
  readonly server: OverlayAddress;
  readonly kmsgPort: number;
  readonly eventsPort: number;
  readonly token?: string | undefined;
  /** Asks for WireGuard over gRPC (Talos ≥ 1.7). */
  readonly tunnel?: boolean | undefined;
  /** `v1.13.0`, `1.6`; without it, what every Talos since 1.7 understands. */
  readonly talosVersion?: string | undefined;
  /** A certificate authority that machines must trust before they call `apiUrl`, PEM. */
  readonly authority?: string | undefined;
}

export interface KernelArgs {
  /** `key=value` words without white space, in the order of a command line: three, and a fourth for an authority. */
  readonly args: readonly string[];
  /** The same as machine-config documents (YAML, multi-document); null where Talos knows none yet (< 1.5). */
  readonly documents: string | null;
  /** What the reader should know before booting with them; sentences. */
  readonly warnings: readonly string[];
}

/**
 * The kernel arguments that make a Talos machine join (facts/talos-client.md sections 1.1 to 1.3). The port is always
 * explicit: without one Talos ≥ 1.8 dials 443 even in plaintext, and older ones do not dial at all.
 *
 * @throws SiderolinkError `invalid_argument` for a URL, version or combination that no Talos accepts
 */
export function kernelArgs(input: KernelArgsInput): KernelArgs {
  const version = input.talosVersion === undefined ? undefined : parseVersion(input.talosVersion);
  const before = (minor: number) => version !== undefined && isOlderThan(version, 1, minor);
  if (input.tunnel === true && before(7)) {
    throw new SiderolinkError('invalid_argument', 'WireGuard over gRPC needs Talos 1.7 or newer');
  }
  const api = parseApiUrl(input.apiUrl);
  const warnings: string[] = [];
  if (api.scheme === 'grpc') {
    warnings.push(
      'grpc:// is plaintext: whoever is on the path can answer in our place and own machines in maintenance. Use TLS (api.tls) outside a trusted network.',
    );
  }
  // Talos 1.0 takes a bare host:port, always plaintext, and has no token to send.
  if (before(1)) {
    warnings.push('Talos 1.0 sends no join token and speaks no TLS: it joins only where neither is required.');
  }
  const { authority } = input;
  if (authority !== undefined) {
    if (before(11)) {
      throw new SiderolinkError(
        'invalid_argument',
        'Talos learns of the API’s own certificate authority (api.tls.self_signed) from kernel arguments since 1.11. ' +
          'For 1.8 to 1.10 use the machine-config documents that come without a version, or a certificate of a public authority',
      );
    }
    warnings.push(AUTHORITY_NEEDS);
  }
  const url = before(1) ? `${api.host}:${api.port}` : apiUrlWithQuery(api, input);
  const events = formatHostPort({ host: input.server, port: input.eventsPort });
  const kmsg = `tcp://${formatHostPort({ host: input.server, port: input.kmsgPort })}`;
  const args = [`siderolink.api=${url}`, `talos.events.sink=${events}`, `talos.logging.kernel=${kmsg}`];
  if (authority !== undefined) args.push(`talos.config.early=${earlyConfig(trustedRoots(authority))}`);
  const { length } = args.join(' ');
  if (length > OWN_COMMAND_LINE) {
    warnings.push(
      `these arguments have ${length} characters: with Talos’ own (about ${TALOS_COMMAND_LINE}) that is more than the ` +
        `${COMMAND_LINE_MAX} of a kernel command line on amd64 and arm64, which cuts what is over. Use the documents.`,
    );
  }
  const documents = machineConfig(url, events, kmsg);
  return {
    args,
    documents: before(5) ? null : authority === undefined ? documents : `${documents}---\n${trustedRoots(authority)}`,
    warnings,
  };
}

/** COMMAND_LINE_SIZE of the kernel, with the zero byte at its end. */
const COMMAND_LINE_MAX = 2_047;
/** What Talos’ images have themselves: platform, consoles, hardening. */
const TALOS_COMMAND_LINE = 500;
const OWN_COMMAND_LINE = COMMAND_LINE_MAX - TALOS_COMMAND_LINE;

const AUTHORITY_NEEDS =
  'the API has a certificate of its own authority: talos.config.early= makes Talos 1.11 and newer trust it, the ' +
  'TrustedRootsConfig document Talos 1.8 and newer. Installing keeps the other arguments and not this one: put that ' +
  'document into the machine configuration.';

/**
 * The value of `talos.config.early=` (facts/talos-client.md section 1.1). Only the authority goes there. The endpoints stay
 * plain arguments: an installation carries those over and not this one, a configuration on disk or from the platform takes
 * the place of this one, JOIN_TOKEN can be put in, and the line stays short. Talos re-reads its roots when they change, so
 * a call that is made before this was read fails and is made again.
 */
function earlyConfig(documents: string): string {
  const params = { [zlib.ZSTD_c_compressionLevel]: 19 };
  return zstdCompressSync(documents, { params }).toString('base64');
}

function trustedRoots(pem: string): string {
  const indented = pem.trim().replaceAll(/^/gm, '    ');
  return `apiVersion: v1alpha1
kind: TrustedRootsConfig
name: siderolink
certificates: |
${indented}
`;
}

interface ApiUrl {
  readonly scheme: 'grpc' | 'https';
  readonly host: string;
  readonly port: string;
}

const HOST = /^(?:\[[\da-fA-F:.]+\]|[\w.-]+)$/;

function parseApiUrl(text: string): ApiUrl {
  const bad = (why: string) =>
    new SiderolinkError('invalid_argument', `the API URL ${why}; write grpc://host:port or https://host:port`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw bad('is no URL');
  const scheme = url.protocol.slice(0, -1);
  if (scheme !== 'grpc' && scheme !== 'https') throw bad(`has the scheme ${scheme}`);
  if (url.hostname === '') throw bad('has no host');
  // Of a scheme that it does not know, the URL parser takes any host, quotes and all.
  if (!HOST.test(url.hostname)) throw bad('has a host that is neither a name nor an address');
  if (url.username !== '' || url.password !== '') throw bad('has a user or password');
  if (url.pathname !== '' && url.pathname !== '/') throw bad('has a path');
  if (url.search !== '' || url.hash !== '') throw bad('has a query or fragment');
  const port = url.port === '' && scheme === 'https' ? '443' : url.port;
  if (port === '' || port === '0') throw bad('has no port');
  return { scheme, host: url.hostname, port };
}

function apiUrlWithQuery(api: ApiUrl, input: KernelArgsInput): string {
  const token = input.token === undefined || input.token === '' ? TOKEN_PLACEHOLDER : input.token;
  const tunnel = input.tunnel === true ? '&grpc_tunnel=true' : '';
  return `${api.scheme}://${api.host}:${api.port}?jointoken=${queryEncode(token)}${tunnel}`;
}

/** Percent-encodes for a Go URL query, a kernel command line, a shell and a quoted YAML string at once. */
function queryEncode(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed());
  return encoded.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function machineConfig(apiUrl: string, events: string, kmsg: string): string {
  return `apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: ${yamlString(apiUrl)}
---
apiVersion: v1alpha1
kind: EventSinkConfig
endpoint: ${yamlString(events)}
---
apiVersion: v1alpha1
kind: KmsgLogConfig
name: siderolink
url: ${yamlString(kmsg)}
`;
}

function yamlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function parseVersion(text: string): TalosVersion {
  const version = parseTalosVersion(text);
  if (version === undefined) {
    throw new SiderolinkError(
      'invalid_argument',
      `${JSON.stringify(text)} is no Talos version; write for example v1.13.0`,
    );
  }
  return version;
}
