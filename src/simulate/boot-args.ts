import { SiderolinkError } from '../domain/errors.ts';
import { type HostPort, splitHostPort } from '../domain/host-port.ts';
import { earlyRoots } from './early-config.ts';
import type { TalosProfile } from './profile.ts';

/** Where Provision is called. */
export interface ApiTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export interface KmsgTarget extends HostPort {
  readonly protocol: 'tcp' | 'udp';
}

/** What a machine takes from its kernel command line (facts/talos-client.md section 1). */
export interface BootArguments {
  readonly api: ApiTarget;
  readonly joinToken: string;
  readonly tunnel: boolean;
  /** undefined: no events are sent. */
  readonly events: HostPort | undefined;
  /** Usually one; empty: no kernel log is sent. */
  readonly kmsg: readonly KmsgTarget[];
  /** Authorities that it is told of by `talos.config.early=`, PEM; undefined for none. */
  readonly roots: string | undefined;
  /** The arguments as the kernel shows them, token and all. */
  readonly commandLine: string;
}

/**
 * Reads kernel arguments as Talos does: the first occurrence of a key counts, values may hold `=`, `?` and `&`.
 * `joinToken`, if given, takes the place of the URL's.
 * @throws SiderolinkError `invalid_argument`; the message never holds the arguments, which carry the token.
 */
export function parseBootArguments(text: string, profile: TalosProfile, joinToken?: string): BootArguments {
  const args = splitArguments(text);
  const given = args.get('siderolink.api');
  if (given === undefined || given === '') {
    throw new SiderolinkError('invalid_argument', 'the kernel arguments have no siderolink.api=');
  }
  const api = joinToken === undefined ? given : withJoinToken(given, joinToken);
  const { scheme, url } = parseApiUrl(api);
  const events = args.get('talos.events.sink');
  const kmsg = args.get('talos.logging.kernel');
  const early = profile.earlyConfig ? args.get('talos.config.early') : undefined;
  return {
    api: target({ scheme, url }, profile),
    joinToken: profile.joinToken ? (url.searchParams.get('jointoken') ?? '') : '',
    tunnel: profile.tunnel && ['true', 'y'].includes(url.searchParams.get('grpc_tunnel') ?? ''),
    events: events ? parseHostPort(events, 'talos.events.sink') : undefined,
    kmsg: kmsg ? [parseKmsgTarget(kmsg)] : [],
    roots: early ? earlyRoots(early) : undefined,
    commandLine: text.trim().replace(given, () => api),
  };
}

function splitArguments(text: string): Map<string, string> {
  const args = new Map<string, string>();
  for (const word of text.split(/\s+/)) {
    const at = word.indexOf('=');
    const key = at < 0 ? word : word.slice(0, at);
    if (key !== '' && !args.has(key)) args.set(key, at < 0 ? '' : word.slice(at + 1));
  }
  return args;
}

interface ApiUrl {
  readonly scheme: string;
  readonly url: URL;
}

function parseApiUrl(text: string): ApiUrl {
  const match = /^([A-z]+):\/\/(.*)$/.exec(text);
  const scheme = match?.[1] ?? 'grpc';
  // A scheme that `URL` does not know: for one that it knows it would drop the default port.
  const plain = `grpc://${match?.[2] ?? text}`;
  if (!URL.canParse(plain)) throw new SiderolinkError('invalid_argument', 'siderolink.api is not a URL');
  return { scheme, url: new URL(plain) };
}

function target({ scheme, url }: ApiUrl, profile: TalosProfile): ApiTarget {
  const port = url.port === '' ? 443 : Number(url.port);
  return { host: unbracket(url.hostname), port, tls: profile.urls && scheme !== 'grpc' };
}

/** The API's URL with this token in place of any other. */
function withJoinToken(api: string, token: string): string {
  const encoded = encodeURIComponent(token);
  if (/[?&]jointoken=/.test(api)) return api.replace(/([?&]jointoken=)[^&#]*/, (_, key: string) => key + encoded);
  return `${api}${api.includes('?') ? '&' : '?'}jointoken=${encoded}`;
}

function parseKmsgTarget(text: string): KmsgTarget {
  const match = /^(tcp|udp):\/\/(.+?)\/?$/.exec(text);
  if (match?.[2] === undefined) {
    throw new SiderolinkError('invalid_argument', 'talos.logging.kernel is not tcp://host:port or udp://host:port');
  }
  return { protocol: match[1] === 'udp' ? 'udp' : 'tcp', ...parseHostPort(match[2], 'talos.logging.kernel') };
}

/** Reads `host:port` or `[v6]:port`. @throws SiderolinkError `invalid_argument` */
export function parseHostPort(text: string, what: string): HostPort {
  const split = splitHostPort(text);
  if (split === undefined || split.port === 0) {
    throw new SiderolinkError('invalid_argument', `${what} is not host:port`);
  }
  return { host: split.host, port: split.port };
}

function unbracket(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
