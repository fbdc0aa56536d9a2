import { Counter, Gauge, Histogram } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type WireGuardMetrics = ReturnType<typeof wireguardMetrics>;

export function wireguardMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    peers: new Gauge({
      name: 'siderolinkd_wireguard_peers',
      help: 'Peers in the device when it was last read',
      registers,
    }),
    repairs: new Counter({
      name: 'siderolinkd_wireguard_repairs_total',
      help: 'Parts of the device found missing or wrong and repaired',
      labelNames: ['what'],
      registers,
    }),
    changes: new Counter({
      name: 'siderolinkd_wireguard_peer_changes_total',
      help: 'Peer changes asked for, by result: done, failed',
      labelNames: ['result'],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'siderolinkd_wireguard_batch_seconds',
      help: 'Time of one batch of peer changes until the device showed them',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    commandFailures: new Counter({
      name: 'siderolinkd_wireguard_failures_total',
      help: 'Work on the device that failed, by kind: apply, reconcile, observe',
      labelNames: ['kind'],
      registers,
    }),
    links: new Gauge({
      name: 'siderolinkd_wireguard_links',
      help: 'Peers by state of their link: up, down, never',
      labelNames: ['state'],
      registers,
    }),
    linkEvents: new Counter({
      name: 'siderolinkd_wireguard_link_events_total',
      help: 'Changes of links: up, down, moved',
      labelNames: ['kind'],
      registers,
    }),
    bytes: new Counter({
      name: 'siderolinkd_wireguard_bytes_total',
      help: 'Bytes through the tunnels of all peers, as far as seen between two readings',
      labelNames: ['direction'],
      registers,
    }),
    observeSeconds: new Histogram({
      name: 'siderolinkd_wireguard_observe_seconds',
      help: 'Time to read the device',
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers,
    }),
    probes: new Counter({
      name: 'siderolinkd_wireguard_probes_total',
      help: 'Questions whether a peer is alive, by answer: alive, silent, no_answer, unknown',
      labelNames: ['answer'],
      registers,
    }),
  };
}
