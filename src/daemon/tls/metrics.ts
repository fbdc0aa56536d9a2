import { Counter } from 'prom-client';
import type { MetricsRegistry } from '../../telemetry/metrics.ts';

export type TlsMetrics = ReturnType<typeof tlsMetrics>;

export function tlsMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    loads: new Counter({
      name: 'siderolinkd_daemon_certificate_loads_total',
      help: 'Certificates that were read or made, by setting, and by result: loaded, failed (the former one stays)',
      labelNames: ['setting', 'result'],
      registers,
    }),
    handshakesFailed: new Counter({
      name: 'siderolinkd_daemon_tls_handshakes_failed_total',
      help: 'Connections to the API that TLS did not let through, by reason: plaintext, untrusted, alpn, version, timeout, closed, other',
      labelNames: ['reason'],
      registers,
    }),
  };
}
