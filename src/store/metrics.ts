import { Counter, Gauge, Histogram } from 'prom-client';
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
    droppedRecords: new Counter({
      name: 'siderolinkd_store_retention_dropped_total',
      help: 'Records dropped with the oldest segments: too old, too much of them, or the disk was short of space',
      labelNames: ['series', 'reason'] as const,
      registers,
    }),
    unpublishedDropped: new Counter({
      name: 'siderolinkd_store_unpublished_dropped_total',
      help: 'Of the dropped records those that NATS had not acknowledged',
      labelNames: ['series'] as const,
      registers,
    }),
    seriesBytes: new Gauge({
      name: 'siderolinkd_store_series_bytes',
      help: 'What records take on disk, with indexes and their share of free pages',
      labelNames: ['series'] as const,
      registers,
    }),
    databaseBytes: new Gauge({
      name: 'siderolinkd_store_database_bytes',
      help: 'Size of the database file',
      registers,
    }),
    freeBytes: new Gauge({
      name: 'siderolinkd_store_free_bytes',
      help: 'Of the database file what holds nothing',
      registers,
    }),
    walBytes: new Gauge({
      name: 'siderolinkd_store_wal_bytes',
      help: 'Size of the write-ahead log beside the database file',
      registers,
    }),
    diskFreeBytes: new Gauge({
      name: 'siderolinkd_store_disk_free_bytes',
      help: 'What is free on the file system that the store is on',
      registers,
    }),
    clearFailures: new Counter({
      name: 'siderolinkd_store_clear_failures_total',
      help: 'Failed steps of freeing the space of records that are gone; each is tried again, unless what is there is damaged',
      registers,
    }),
    unpackedBlocks: new Counter({
      name: 'siderolinkd_store_unpacked_blocks_total',
      help: 'Blocks of packed records that readers unpacked',
      registers,
    }),
    damagedPlaces: new Counter({
      name: 'siderolinkd_store_damaged_places_total',
      help: 'Segments and chunks in which readers found records that cannot be read, each counted once',
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
