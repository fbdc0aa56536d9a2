import ipaddr from 'ipaddr.js';

/** Who has one IPv6 address has its /64, and would be as many sources as he likes. */
export function networkOf(source: string): string {
  return source.includes(':') ? ipaddr.IPv6.parse(source).parts.slice(0, 4).join(':') : source;
}
