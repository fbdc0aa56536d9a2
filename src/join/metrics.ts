import { Counter, Gauge, Histogram } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type JoinMetrics = ReturnType<typeof joinMetrics>;

export function joinMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    admitted: new Counter({
      name: 'siderolinkd_join_admitted_total',
      help: 'Provision calls answered with an address, by kind: new, provisional, rekey (another boot), repeat',
      labelNames: ['kind'],
      registers,
    }),
    refused: new Counter({
      name: 'siderolinkd_join_refused_total',
      help: 'Provision calls refused, by reason',
      labelNames: ['reason'],
      registers,
    }),
    failed: new Counter({
      name: 'siderolinkd_join_failed_total',
      help: 'Provision calls that could not be answered, by error code',
      labelNames: ['code'],
      registers,
    }),
    turnedAway: new Counter({
      name: 'siderolinkd_join_turned_away_total',
      help:
        'Calls and connections of the API that were refused before anybody looked at them, by reason: connections, crowded, ' +
        'protocol, flood, silent, internal, running, metadata, deadline, stopping',
      labelNames: ['reason'],
      registers,
    }),
    refusalsWaiting: new Gauge({
      name: 'siderolinkd_join_refusals_waiting',
      help: 'Refusals that are answered late, because too many come at once',
      registers,
    }),
    refusalsHurried: new Counter({
      name: 'siderolinkd_join_refusals_hurried_total',
      help: 'Refusals that were due later and answered at once, because too many waited',
      registers,
    }),
    seconds: new Histogram({
      name: 'siderolinkd_join_seconds',
      help: 'Time from an admitted call to its answer',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 15],
      registers,
    }),
    probes: new Counter({
      name: 'siderolinkd_join_probes_total',
      help: 'Probes of incumbents, by result: alive, silent, failed',
      labelNames: ['result'],
      registers,
    }),
    conflicts: new Counter({
      name: 'siderolinkd_join_conflicts_total',
      help: 'Calls that conflicted with a machine, by whether they made a record: recorded, repeated, full, failed',
      labelNames: ['result'],
      registers,
    }),
    metaWrites: new Counter({
      name: 'siderolinkd_join_meta_writes_total',
      help:
        'Writes into META of machines in maintenance, by value (unique_token, uuid) and result: written, not_tried (not ' +
        'stored, so not written), or how the exchange failed',
      labelNames: ['value', 'result'],
      registers,
    }),
    metaWaiting: new Gauge({
      name: 'siderolinkd_join_meta_writes_waiting',
      help: 'Machines that wait for their turn to be written to',
      registers,
    }),
    running: new Gauge({
      name: 'siderolinkd_join_running',
      help: 'Joins that are under way',
      registers,
    }),
  };
}
