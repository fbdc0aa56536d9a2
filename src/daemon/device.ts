import type { Config } from '../config/config.ts';
import { relayEndpoint } from '../domain/tunnel.ts';
import type { StatusTable } from '../fleet/status.ts';
import type { TunnelSources } from '../fleet/tunnel-sources.ts';
import type { Machines } from '../fleet/types.ts';
import { WireGuardDevice, type WireGuardDeviceDeps } from '../wireguard/device.ts';
import type { PeerSpec } from '../wireguard/types.ts';
import { type Installation, stateFiles } from './state-dir.ts';

/** The device that the configuration describes; nothing is touched before its `start`. */
export function createDevice(
  config: Config,
  { identity, overlay }: Installation,
  deps: WireGuardDeviceDeps,
): WireGuardDevice {
  return new WireGuardDevice(
    {
      interface: config.overlay.interface,
      backend: config.overlay.backend,
      publicKey: identity.privateKey.publicKey,
      privateKeyFile: stateFiles(config.state_dir).privateKey,
      listenPort: config.wireguard.listen_port,
      overlay,
      firewall: config.overlay.firewall,
      allowGroup: config.overlay.allow_group,
      kmsgPort: config.sinks.kmsg_port,
      eventsPort: config.sinks.events_port,
    },
    deps,
  );
}

/**
 * What the device should have; with where each machine was last, for those that it has to be given anew. A machine that
 * its gateway can reach is back with the first packet to it; else it comes back by itself, within two minutes. One in the
 * tunnel can be reached as long as its stream is open.
 */
export function desiredPeers(
  { wireguard }: Pick<Config, 'wireguard'>,
  machines: Pick<Machines, 'peers' | 'bySource'>,
  statuses: Pick<StatusTable, 'lastEndpoint'>,
  streams: Pick<TunnelSources, 'get'>,
): readonly PeerSpec[] {
  const peers = machines.peers();
  if (!wireguard.restore_endpoints) return peers;
  return peers.map((peer) => {
    const machine = machines.bySource(peer.address);
    if (machine === undefined) return peer;
    const relay = streams.get(machine.id) === null ? undefined : relayEndpoint(machine.id, wireguard.listen_port);
    const endpoint = statuses.lastEndpoint(machine) ?? relay;
    return endpoint === undefined ? peer : { ...peer, endpoint };
  });
}
