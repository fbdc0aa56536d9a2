import ipaddr from 'ipaddr.js';
import { isRelayEndpoint } from './tunnel.ts';

const ENDPOINT = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/;

/**
 * An endpoint that is worth being kept for a peer that has to be made anew; null for any other: one of our own relays,
 * which says nothing of the machine, and one that holds on this link only (`%eth0`), which the device may refuse.
 *
 * @param endpoint `host:port` as `wg` shows it; null while no packet came
 */
export function restorableEndpoint(endpoint: string | null): string | null {
  const [, v6, v4, port] = ENDPOINT.exec(endpoint ?? '') ?? [];
  if (endpoint === null || port === undefined || isRelayEndpoint(endpoint)) return null;
  const number = Number(port);
  const isAddress = v6 === undefined ? ipaddr.IPv4.isValidFourPartDecimal(v4 ?? '') : ipaddr.IPv6.isValid(v6);
  return isAddress && number >= 1 && number <= 65_535 ? endpoint : null;
}
