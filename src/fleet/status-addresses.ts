import ipaddr from 'ipaddr.js';
import { SiderolinkError } from '../domain/errors.ts';

export type AddressFilter = (address: string) => boolean;

/**
 * Keeps an address that parses and lies in none of the prefixes. A prefix matches addresses of its own family only, as
 * Sidero Metal's does (facts/sidero-metal.md section 3.5).
 *
 * @throws SiderolinkError `configuration` for a prefix that is no CIDR
 */
export function addressFilter(prefixes: readonly string[]): AddressFilter {
  const ranges = prefixes.map((prefix) => {
    if (!ipaddr.isValidCIDR(prefix)) {
      throw new SiderolinkError('configuration', `status.negative_address_filter: ${prefix} is not a CIDR`);
    }
    return ipaddr.parseCIDR(prefix);
  });
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.parse(text);
    return !ranges.some(([network, bits]) => network.kind() === address.kind() && address.match([network, bits]));
  };
}
