import { Counter, Gauge, Histogram } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type ControlMetrics = ReturnType<typeof controlMetrics>;

export function controlMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    requests: new Counter({
      name: 'siderolinkd_control_requests_total',
      help: 'Requests answered, by route, method and status',
      labelNames: ['route', 'method', 'status'],
      registers,
    }),
    turnedAway: new Counter({
      name: 'siderolinkd_control_connections_turned_away_total',
      help: 'Connections over TCP closed at accept: too many of one network that have used no token',
      registers,
    }),
    seconds: new Histogram({
      name: 'siderolinkd_control_request_seconds',
      help: 'Time to answer a request; streams are not counted',
      labelNames: ['route'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    streams: new Gauge({
      name: 'siderolinkd_control_streams',
      help: 'Open streams',
      registers,
    }),
    streamEnds: new Counter({
      name: 'siderolinkd_control_stream_ends_total',
      help: 'Streams that ended, by reason: client, slow, stop, error',
      labelNames: ['reason'],
      registers,
    }),
    refusals: new Counter({
      name: 'siderolinkd_control_refusals_total',
      help: 'Requests that were not let in, by reason: host, origin, no_token, malformed_token, unknown_token, role',
      labelNames: ['reason'],
      registers,
    }),
    connections: new Gauge({
      name: 'siderolinkd_control_connections',
      help: 'Connections to machines that are open or being opened for callers',
      registers,
    }),
    connects: new Counter({
      name: 'siderolinkd_control_connects_total',
      help: 'Connections to machines that callers asked for, by result: opened, unreachable, caller_gone',
      labelNames: ['result'],
      registers,
    }),
    connectEnds: new Counter({
      name: 'siderolinkd_control_connect_ends_total',
      help: 'Connections to machines that ended, by reason: closed, error, idle, removed, stop',
      labelNames: ['reason'],
      registers,
    }),
    connectBytes: new Counter({
      name: 'siderolinkd_control_connect_bytes_total',
      help: 'Bytes carried by connections to machines that ended, by direction: to_machine, from_machine',
      labelNames: ['direction'],
      registers,
    }),
    backups: new Counter({
      name: 'siderolinkd_control_backups_total',
      help: 'Backups that callers asked for, by result: sent, broken_off, failed',
      labelNames: ['result'],
      registers,
    }),
    streamRecords: new Counter({
      name: 'siderolinkd_control_stream_records_total',
      help: 'Records written to streams',
      registers,
    }),
  };
}
