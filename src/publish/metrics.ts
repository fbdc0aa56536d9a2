import { Counter, Gauge, Histogram } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type PublishMetrics = ReturnType<typeof publishMetrics>;

export function publishMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    records: new Counter({
      name: 'siderolinkd_publish_records_total',
      help: 'Records that JetStream acknowledged',
      registers,
    }),
    duplicates: new Counter({
      name: 'siderolinkd_publish_duplicates_total',
      help: 'Of these, those that the stream had already',
      registers,
    }),
    republished: new Counter({
      name: 'siderolinkd_publish_republished_total',
      help: 'Records that JetStream acknowledged once more, because somebody asked for them',
      registers,
    }),
    truncated: new Counter({
      name: 'siderolinkd_publish_truncated_total',
      help: 'Of these, those that were too large and went out as a marker',
      registers,
    }),
    refused: new Counter({
      name: 'siderolinkd_publish_refused_total',
      help: 'Messages that were not stored, or not known to be, and are sent again',
      labelNames: ['reason'] as const,
      registers,
    }),
    losses: new Counter({
      name: 'siderolinkd_publish_losses_total',
      help: 'How often the stream had lost messages that it had acknowledged; they are sent again',
      registers,
    }),
    waiting: new Gauge({
      name: 'siderolinkd_publish_waiting_records',
      help: 'Records that JetStream did not acknowledge yet',
      registers,
    }),
    waitingSeconds: new Gauge({
      name: 'siderolinkd_publish_waiting_seconds',
      help: 'Age of the oldest of these',
      registers,
    }),
    connected: new Gauge({
      name: 'siderolinkd_publish_connected',
      help: 'Whether there is a connection to a NATS server',
      registers,
    }),
    lanesBehind: new Gauge({
      name: 'siderolinkd_publish_lanes_behind',
      help: 'Lanes that read again what they had no room for',
      registers,
    }),
    answerSeconds: new Histogram({
      name: 'siderolinkd_publish_answer_seconds',
      help: 'From sending a message to its acknowledgement; a sample of at most 256 a second',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
      registers,
    }),
    threadEnds: new Counter({
      name: 'siderolinkd_publish_thread_ends_total',
      help: 'How often the thread ended by a fault and was started again',
      registers,
    }),
  };
}
