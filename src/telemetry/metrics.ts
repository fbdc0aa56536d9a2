import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Health, Severity } from './health.ts';

export type MetricsRegistry = Registry;

/** A registry of our own. Each room declares its metrics in its `metrics.ts` as a function of this registry. */
export function createRegistry(): MetricsRegistry {
  return new Registry();
}

/** What every dashboard expects of a process (CPU, memory, open files, event loop lag, GC), and which build this is. */
export function addProcessMetrics(registry: MetricsRegistry, build: { readonly version: string }): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'siderolinkd_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: build.version, node: process.version }, 1);
}

const SEVERITY: Readonly<Record<Severity, number>> = { ok: 0, warning: 1, error: 2 };

/** The named conditions, read when the metrics are. */
export function addHealthMetrics(registry: MetricsRegistry, health: Health): void {
  new Gauge({
    name: 'siderolinkd_health_condition',
    help: 'Severity of each named condition: 0 ok, 1 warning, 2 error.',
    labelNames: ['condition'],
    registers: [registry],
    collect() {
      for (const { name, severity } of health.conditions) this.set({ condition: name }, SEVERITY[severity]);
    },
  });
  new Gauge({
    name: 'siderolinkd_ready',
    help: 'Whether no condition is an error.',
    registers: [registry],
    collect() {
      this.set(health.ready ? 1 : 0);
    },
  });
}
