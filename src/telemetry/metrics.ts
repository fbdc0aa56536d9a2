import { Registry } from 'prom-client';

export type MetricsRegistry = Registry;

/** A registry of our own. Each room declares its metrics in its `metrics.ts` as a function of this registry. */
export function createRegistry(): MetricsRegistry {
  return new Registry();
}
