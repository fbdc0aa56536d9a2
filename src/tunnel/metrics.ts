import { Counter, Gauge } from 'prom-client';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

export type TunnelMetrics = ReturnType<typeof tunnelMetrics>;

export function tunnelMetrics(registry: MetricsRegistry) {
  const registers = [registry];
  return {
    streams: new Gauge({
      name: 'siderolinkd_tunnel_streams',
      help: 'Machines whose WireGuard packets come through a gRPC stream now',
      registers,
    }),
    opened: new Counter({ name: 'siderolinkd_tunnel_opened_total', help: 'Streams that were let in', registers }),
    ended: new Counter({
      name: 'siderolinkd_tunnel_ended_total',
      help:
        'Streams that ended, by reason: lost (by the machine or its connection, or at our stop), replaced (by another one ' +
        'of the machine), not_allowed (removed, rebooted, or its address was taken back), socket (we had none)',
      labelNames: ['reason'],
      registers,
    }),
    refused: new Counter({
      name: 'siderolinkd_tunnel_refused_total',
      help: 'Streams that were not let in, by reason: header, not_allowed',
      labelNames: ['reason'],
      registers,
    }),
    packets: new Counter({
      name: 'siderolinkd_tunnel_packets_total',
      help: 'WireGuard packets that were passed on, by direction: received (from machines), sent',
      labelNames: ['direction'],
      registers,
    }),
    bytes: new Counter({
      name: 'siderolinkd_tunnel_bytes_total',
      help: 'Bytes of these packets',
      labelNames: ['direction'],
      registers,
    }),
    dropped: new Counter({
      name: 'siderolinkd_tunnel_dropped_total',
      help:
        'Packets that were dropped, by reason: broken (no message of this stream), size (no WireGuard packet is so short or ' +
        'long), device (the device took none), slow (the machine takes them too slowly)',
      labelNames: ['reason'],
      registers,
    }),
    held: new Counter({
      name: 'siderolinkd_tunnel_held_total',
      help: 'Times that a stream was read no further for a moment, because too many packets came',
      registers,
    }),
    otherPorts: new Counter({
      name: 'siderolinkd_tunnel_other_ports_total',
      help: 'Relays that had to take another port than their own, because somebody had it',
      registers,
    }),
  };
}
