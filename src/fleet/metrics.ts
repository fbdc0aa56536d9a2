import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type FleetMetrics = ReturnType<typeof fleetMetrics>;

export function fleetMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    machines: new Gauge({
      name: 'siderolinkd_fleet_machines',
      help: 'Machines, by state',
      labelNames: ['state'],
      registers,
    }),
    adminChanges: new Counter({
      name: 'siderolinkd_fleet_admin_changes_total',
      help: 'Changes of machines that a control plane made, by kind',
      labelNames: ['kind'],
      registers,
    }),
    lost: new Gauge({
      name: 'siderolinkd_fleet_lost_machines',
      help: 'Machines that went to another boot and have been silent since for too long',
      registers,
    }),
    linkRecords: new Counter({
      name: 'siderolinkd_fleet_link_records_total',
      help: 'Link changes that became records, by kind: up, down, moved',
      labelNames: ['kind'],
      registers,
    }),
    linkDropped: new Counter({
      name: 'siderolinkd_fleet_link_dropped_total',
      help: 'Link changes without a record, by reason: unknown_key, full, removed, storage',
      labelNames: ['reason'],
      registers,
    }),
  };
}
