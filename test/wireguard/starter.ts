/** A process that starts a device and then waits to be killed: argv is the JSON of the device's options. */
import { systemClock } from '../../src/lib/clock.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { WireGuardDevice, type WireGuardDeviceOptions } from '../../src/wireguard/device.ts';
import { wireguardMetrics } from '../../src/wireguard/metrics.ts';
import { CommandRunner } from '../../src/wireguard/runner.ts';
import type { PeerSpec } from '../../src/wireguard/types.ts';

const { options, peers } = JSON.parse(process.argv[2] ?? '') as {
  readonly options: WireGuardDeviceOptions;
  readonly peers: readonly PeerSpec[];
};
const device = new WireGuardDevice(options, {
  runner: new CommandRunner(),
  clock: systemClock,
  logger: createLogger('silent'),
  health: new Health(Date.now),
  metrics: wireguardMetrics(createRegistry()),
});
setInterval(() => undefined, 60_000);
await device.start();
await device.reconcile(peers);
process.stdout.write('started\n');
