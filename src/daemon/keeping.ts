import type { Config } from '../config/config.ts';
import type { RecordLogOptions } from '../stream/record-log.ts';

const MAX_FREE_BYTES = 32 * 1024 * 1024;
/** Lines that are not packed yet take some 15 times more disk than they will. */
const MAX_BACKLOG_BYTES = 2 * 1024 ** 3;

/** What of the record log is kept, by the configuration. */
export function keepingOf({ store, publish }: Config) {
  return {
    retention: {
      logs: { maxAgeMs: store.max_age, maxBytes: store.max_bytes },
      others: { maxAgeMs: store.events_max_age, maxBytes: store.events_max_bytes },
    },
    // What is free in the file counts too: of a small budget it is to be a small part.
    freeBytes: Math.min(MAX_FREE_BYTES, (store.max_bytes + store.events_max_bytes) / 16),
    backlogBytes: Math.min(MAX_BACKLOG_BYTES, store.max_bytes / 8),
    publishes: publish.nats.servers.length > 0,
  } satisfies Partial<RecordLogOptions>;
}
