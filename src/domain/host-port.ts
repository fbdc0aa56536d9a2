/** A host and a port. An IPv6 host is without brackets. Port 0, where it may be, asks for any free one. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const HOST_PORT = /^(?:\[([^[\]]+)\]|([^:[\]]+)):(\d{1,5})$/;

/**
 * The two halves of `host:port` or `[IPv6]:port`; undefined for any other text, and for a port above 65,535. What stands
 * before the colon may be no host at all: `bracketed` says how it was written.
 */
export function splitHostPort(text: string): (HostPort & { readonly bracketed: boolean }) | undefined {
  const [, inBrackets, bare, digits] = HOST_PORT.exec(text) ?? [];
  const host = inBrackets ?? bare;
  const port = Number(digits);
  if (host === undefined || !(port <= 65_535)) return undefined;
  return { host, port, bracketed: inBrackets !== undefined };
}
