import { Counter, Histogram } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type StoreMetrics = ReturnType<typeof createStoreMetrics>;

export function createStoreMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    commitSeconds: new Histogram({
      name: 'siderolinkd_store_commit_seconds',
      help: 'Time from sending a commit to the writer until its fsync was told',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    }),
    commitFailures: new Counter({
      name: 'siderolinkd_store_commit_failures_total',
      help: 'Commits of which nothing could be stored',
      registers,
    }),
    records: new Counter({
      name: 'siderolinkd_store_records_total',
      help: 'Records committed',
      labelNames: ['series'] as const,
      registers,
    }),
    packedRecords: new Counter({
      name: 'siderolinkd_store_packed_records_total',
      help: 'Records rewritten into segments',
      labelNames: ['series'] as const,
      registers,
    }),
    deletedRecords: new Counter({
      name: 'siderolinkd_store_deleted_records_total',
      help: 'Records of machines whose records were deleted, when their rows were removed',
      labelNames: ['series'] as const,
      registers,
    }),
    packFailures: new Counter({
      name: 'siderolinkd_store_pack_failures_total',
      help: 'Failed steps of packing; each is tried again',
      registers,
    }),
  };
}
