import { fleetMetrics } from '../fleet/metrics.ts';
import { joinMetrics } from '../join/metrics.ts';
import { publishMetrics } from '../publish/metrics.ts';
import { sinkMetrics } from '../sinks/metrics.ts';
import type { Health } from '../telemetry/health.ts';
import { addHealthMetrics, addProcessMetrics, createRegistry } from '../telemetry/metrics.ts';
import { tunnelMetrics } from '../tunnel/metrics.ts';
import { version } from '../version.ts';
import { wireguardMetrics } from '../wireguard/metrics.ts';
import { tlsMetrics } from './tls/metrics.ts';

/** The metrics tree: one registry, and each room's own metrics in it. */
export function createMetrics(health: Health) {
  const registry = createRegistry();
  addProcessMetrics(registry, { version });
  addHealthMetrics(registry, health);
  return {
    registry,
    fleet: fleetMetrics(registry),
    join: joinMetrics(registry),
    publish: publishMetrics(registry),
    sinks: sinkMetrics(registry),
    tls: tlsMetrics(registry),
    tunnel: tunnelMetrics(registry),
    wireguard: wireguardMetrics(registry),
  };
}
