import type { Config } from '../config/config.ts';
import { type TunnelOptions, TunnelService } from '../tunnel/tunnel-service.ts';
import type { Base } from './base.ts';
import type { Core } from './core.ts';

/** What the configuration says of the tunnel. */
export function tunnelOptions({ tunnel, wireguard }: Config): TunnelOptions {
  return {
    listenPort: wireguard.listen_port,
    packetsPerSecond: tunnel.machine_packets_per_second,
    packetsPerSecondInAll: tunnel.packets_per_second,
  };
}

/** WireGuard over gRPC. It is there whatever `join.tunnel` says: a machine may have a setting of its own. */
export function createTunnel(config: Config, base: Base, { fleet, metrics }: Core): TunnelService {
  return new TunnelService(tunnelOptions(config), {
    ...base,
    machines: fleet.machines,
    sources: fleet.tunnelSources,
    metrics: metrics.tunnel,
  });
}
