import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type StreamMetrics = ReturnType<typeof createStreamMetrics>;

export function createStreamMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    pendingBytes: new Gauge({
      name: 'siderolinkd_stream_pending_bytes',
      help: 'Log bytes accepted and not yet committed',
      registers,
    }),
    recentBytes: new Gauge({
      name: 'siderolinkd_stream_recent_bytes',
      help: 'Committed records in memory for followers, in bytes',
      registers,
    }),
    followers: new Gauge({ name: 'siderolinkd_stream_followers', help: 'Running followers', registers }),
    storeFedPages: new Counter({
      name: 'siderolinkd_stream_store_fed_pages_total',
      help: 'Pages that followers who were behind memory read from the store',
      registers,
    }),
    rejectedChanges: new Counter({
      name: 'siderolinkd_stream_rejected_changes_total',
      help: 'Changes that were not stored',
      labelNames: ['reason'] as const,
      registers,
    }),
    failedCheckpoints: new Counter({
      name: 'siderolinkd_stream_failed_checkpoints_total',
      help: 'Checkpoints of log sources that were not stored although their lines were',
      registers,
    }),
    droppedLines: new Counter({
      name: 'siderolinkd_stream_dropped_lines_total',
      help: 'Log lines that were not accepted',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}
