import { isIP, isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { type ByteSize, formatBytes, parseBytes } from '../domain/bytes.ts';
import { type Duration, formatDuration, parseDuration } from '../domain/duration.ts';
import { errorMessage } from '../domain/errors.ts';
import { type HostPort, splitHostPort } from '../domain/host-port.ts';

/** Whether nothing but this host can reach the address. A name other than `localhost` may resolve to anything. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback';
}

/** Whether a socket bound to it takes connections to every address of the host. */
export function isWildcard(host: string): boolean {
  return isIP(host) !== 0 && ipaddr.process(host).range() === 'unspecified';
}

const DNS_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;

function parseHostPort(text: string, minPort: number): HostPort {
  const split = splitHostPort(text);
  if (split === undefined || split.port < minPort || !isHost(split)) {
    throw new TypeError(
      `${show(text)} is not host:port; write for example 192.0.2.1:8081, "[2001:db8::1]:8081" or gateway.example.com:8081`,
    );
  }
  return { host: split.host, port: split.port };
}

function isHost({ host, bracketed }: { readonly host: string; readonly bracketed: boolean }): boolean {
  return bracketed ? isIPv6(host) : isIPv4(host) || (DNS_NAME.test(host) && !/^[\d.]+$/.test(host));
}

/** A value as an error shows it, cut where it is long. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A text setting that `parse` turns into its value; what `parse` throws is the error that the operator reads. */
function parsed<T>(expected: string, parse: (text: string) => T) {
  return z
    .string({ error: (issue) => `${show(issue.input)} is not ${expected}${quoteHint(issue.input)}` })
    .transform((text, context): T => {
      try {
        return parse(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: errorMessage(error) });
        return z.NEVER;
      }
    });
}

/** YAML reads an unquoted `[::]:8081` as a list and `2024` as a number. */
function quoteHint(input: unknown): string {
  return typeof input === 'number' || typeof input === 'boolean' || Array.isArray(input) ? '; put it in quotes' : '';
}

export const matching = (pattern: RegExp, expected: string) =>
  parsed(expected, (value) => {
    if (!pattern.test(value)) throw new TypeError(`${show(value)} is not ${expected}`);
    return value;
  });

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: (issue) => `${show(issue.input)} is none of ${values.join(', ')}` });

export const flag = () => z.boolean({ error: (issue) => `${show(issue.input)} is neither true nor false` });

export const integer = (min: number, max: number) => {
  const error = (issue: { readonly input?: unknown }) =>
    `${show(issue.input)} is not a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

export const port = () => integer(1, 65_535);

/** A list whose items are checked each; it may be empty. */
export const list = <T extends z.ZodType>(item: T) =>
  z.array(item, { error: (issue) => `${show(issue.input)} is not a list; write for example [a, b]` });

/** Milliseconds, at least `min`. */
export const duration = (min: string) =>
  parsed('a duration; write for example 30d, 12h or 1h30m', (value): Duration => {
    const result = parseDuration(value);
    if (result < parseDuration(min)) throw new TypeError(`${formatDuration(result)} is too short; at least ${min}`);
    return result;
  });

/** Bytes, at least `min`: a number, or text with a unit. */
export const bytes = (min: string) =>
  z
    .union([z.string(), z.int().nonnegative()], {
      error: (issue) => `${show(issue.input)} is not a size; write for example 10GiB, 512MiB or 65536`,
    })
    .transform((value, context): ByteSize => {
      try {
        const result = parseBytes(String(value));
        if (result < parseBytes(min)) throw new TypeError(`${formatBytes(result)} is too small; at least ${min}`);
        return result;
      } catch (error) {
        context.addIssue({ code: 'custom', message: errorMessage(error) });
        return z.NEVER;
      }
    });

/** Where to listen. */
export const listen = () => parsed('host:port; write for example "127.0.0.1:9596"', (value) => parseHostPort(value, 0));

/** Where to listen, or null for nowhere, which is written as an empty text. */
export const listenOrOff = () => parsed('host:port or ""', (value) => (value === '' ? null : parseHostPort(value, 0)));

/** What another host dials. */
export const endpoint = () =>
  parsed('host:port; write for example "192.0.2.1:51821"', (value) => {
    const result = parseHostPort(value, 1);
    if (isWildcard(result.host))
      throw new TypeError(`${show(value)} cannot be dialled; write the address machines reach`);
    return result;
  });

/** A host name or an address, as it stands in a `Host` header without its port. */
export const hostName = () =>
  parsed('a host name or address', (value) => {
    const bare = value.startsWith('[') && value.endsWith(']') ? value.slice(1, -1) : value;
    if (isIP(bare) === 0 && (bare !== value || !DNS_NAME.test(value) || /^[\d.]+$/.test(value))) {
      throw new TypeError(`${show(value)} is not a host name or address; write for example gateway.example.com`);
    }
    return bare;
  });

/** A network in CIDR notation, in canonical text. */
export const cidr = () =>
  parsed('a network; write for example 10.0.0.0/8', (value): string => {
    const [address = '', bits = ''] = value.split('/', 2);
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || !ipaddr.isValidCIDR(value)) {
      throw new TypeError(`${show(value)} is not a network; write for example 10.0.0.0/8 or 2001:db8::/32`);
    }
    const network = isIPv4(address)
      ? ipaddr.IPv4.networkAddressFromCIDR(value)
      : ipaddr.IPv6.networkAddressFromCIDR(value);
    return `${network.toString()}/${Number(bits)}`;
  });

export const regularExpression = () =>
  parsed('a regular expression', (value) => {
    try {
      new RegExp(value, 'u');
    } catch (error) {
      throw new TypeError(`${show(value)} is not a regular expression: ${errorMessage(error)}`);
    }
    if (new RegExp(value, 'u').test('')) throw new TypeError(`${show(value)} matches the empty text, so everywhere`);
    return value;
  });

/** Longest path of a unix socket: sun_path has 108 bytes, one of them the end. */
const SOCKET_PATH_BYTES = 107;

export const socketPath = () =>
  parsed('a path', (value) => {
    if (value === '') throw new TypeError('a path is needed; write for example /run/siderolinkd/control.sock');
    const length = Buffer.byteLength(value);
    if (length > SOCKET_PATH_BYTES) {
      throw new TypeError(
        `the path has ${length} bytes, a unix socket's at most ${SOCKET_PATH_BYTES}; use a shorter one`,
      );
    }
    return value;
  });

export const requiredPath = () =>
  parsed('a path', (value) => {
    if (value === '') throw new TypeError('a path is needed');
    return value;
  });

/** Path of a file, or null for none, which is written as an empty text. */
export const optionalPath = () => parsed('a path', (value) => (value === '' ? null : value));

export const optionalText = () => parsed('text', (value) => (value === '' ? null : value));

/** What `siderolink.api=` advertises, without a path. */
export const apiUrl = () =>
  parsed('a URL; write for example grpc://gateway.example.com:8081', (value) => {
    if (value === '') return null;
    const [, scheme, authority] = /^(grpc|https):\/\/([^/?#@]+)\/?$/.exec(value) ?? [];
    if (scheme === undefined || authority === undefined) {
      throw new TypeError(`${show(value)} is not grpc://host:port or https://host:port`);
    }
    // Talos 1.6 and older dial what stands there: a port must be in it.
    parseHostPort(authority, 1);
    return `${scheme}://${authority}`;
  });

/** A NATS server. A password in the URL would end in logs, so it is refused (and not repeated here). */
export const natsServer = () =>
  parsed('a NATS server; write for example nats://nats.example.com:4222', (value) => {
    if (value.includes('@')) throw new TypeError('credentials do not belong in the URL; use user and password_file');
    const [, authority] = /^(?:(?:nats|tls):\/\/)?([^/?#]+)\/?$/.exec(value) ?? [];
    if (authority === undefined) {
      throw new TypeError(`${show(value)} is not nats://host:port, tls://host:port or host:port`);
    }
    parseHostPort(/:\d+$/.test(authority) ? authority : `${authority}:4222`, 1);
    return value;
  });
