import { isRelayEndpoint } from '../domain/tunnel.ts';
import type { LinkState } from '../wireguard/types.ts';
import type { TunnelSources } from './tunnel-sources.ts';
import type { Machine, MachineLink } from './types.ts';

/** The link of a machine that never joined. */
export const NO_LINK: LinkState = {
  state: 'never',
  endpoint: null,
  latestHandshake: 0,
  lastRx: null,
  rxBytes: 0,
  txBytes: 0,
};

/**
 * A link as others see it: the mode is the way its last packet came, before the first one the way that the machine was
 * told. Of a tunnelled machine the device knows our own relay; where it is, its stream tells.
 */
export function machineLink(
  { id, tunnelled }: Pick<Machine, 'id' | 'tunnelled'>,
  link: LinkState,
  sources: Pick<TunnelSources, 'get'>,
): MachineLink {
  const { endpoint } = link;
  if (endpoint === null) return { ...link, mode: tunnelled ? 'tunnel' : 'udp' };
  if (!isRelayEndpoint(endpoint)) return { ...link, mode: 'udp' };
  return { ...link, mode: 'tunnel', endpoint: sources.get(id) };
}
