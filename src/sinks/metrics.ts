import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type SinkMetrics = ReturnType<typeof sinkMetrics>;

export function sinkMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    lines: new Counter({
      name: 'siderolinkd_sinks_lines_total',
      help: 'Log lines taken, by stream: kmsg, log',
      labelNames: ['stream'],
      registers,
    }),
    bytes: new Counter({
      name: 'siderolinkd_sinks_received_bytes_total',
      help: 'Bytes received on the log ports from known machines',
      registers,
    }),
    dropped: new Counter({
      name: 'siderolinkd_sinks_dropped_total',
      help: 'Lines, datagrams and connections not taken, by reason',
      labelNames: ['reason'],
      registers,
    }),
    reused: new Counter({
      name: 'siderolinkd_sinks_reused_seq_total',
      help: 'Lines kept although their seq was used before, because their clock differs',
      registers,
    }),
    connections: new Gauge({
      name: 'siderolinkd_sinks_connections',
      help: 'Open connections on the kernel log port',
      registers,
    }),
    pauses: new Counter({
      name: 'siderolinkd_sinks_pauses_total',
      help: 'Connections paused because the store had no room',
      registers,
    }),
    gapLines: new Counter({
      name: 'siderolinkd_sinks_gap_lines_total',
      help: 'Kernel log lines told in gap records, by reason: missing, filled',
      labelNames: ['reason'],
      registers,
    }),
    events: new Counter({
      name: 'siderolinkd_sinks_events_total',
      help: 'Events stored, by message name; raw for those kept undecoded',
      labelNames: ['message'],
      registers,
    }),
    eventFaults: new Counter({
      name: 'siderolinkd_sinks_event_faults_total',
      help: 'Events kept undecoded, by reason: unknown, broken, no_data, oversized',
      labelNames: ['reason'],
      registers,
    }),
    eventsRefused: new Counter({
      name: 'siderolinkd_sinks_events_refused_total',
      help: 'Events and connections not taken, by reason',
      labelNames: ['reason'],
      registers,
    }),
    eventDuplicates: new Counter({
      name: 'siderolinkd_sinks_event_duplicates_total',
      help: 'Events acknowledged that were stored before',
      registers,
    }),
  };
}
