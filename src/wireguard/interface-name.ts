import { SiderolinkError } from '../domain/errors.ts';

/** Name of a network interface, at most 15 characters, safe in argv, in a path and in an nftables rule. */
export type InterfaceName = string & { readonly __brand: 'InterfaceName' };

/** The kernel takes more, but slashes, quotes and leading dashes would mean something else on the way there. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/;

/** @throws SiderolinkError `configuration` */
export function parseInterfaceName(text: string): InterfaceName {
  if (!NAME.test(text)) {
    throw new SiderolinkError(
      'configuration',
      `overlay.interface: "${text}" is no interface name: a letter, then at most 14 letters, digits, "_", "-" or "."`,
    );
  }
  return text as InterfaceName;
}
