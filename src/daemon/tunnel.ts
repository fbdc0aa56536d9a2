import type { Config } from '../config/config.ts';
import { TunnelService } from '../tunnel/tunnel-service.ts';
import type { Base } from './base.ts';
import type { Core } from './core.ts';

/** WireGuard over gRPC. It is there whatever `join.tunnel` says: a machine may have a setting of its own. */
export function createTunnel(config: Config, base: Base, { fleet, metrics }: Core): TunnelService {
  return new TunnelService(
    { listenPort: config.wireguard.listen_port },
    { ...base, machines: fleet.machines, sources: fleet.tunnelSources, metrics: metrics.tunnel },
  );
}
