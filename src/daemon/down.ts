import type { Config } from '../config/config.ts';
import { systemClock } from '../lib/clock.ts';
import { Health } from '../telemetry/health.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createRegistry } from '../telemetry/metrics.ts';
import { wireguardMetrics } from '../wireguard/metrics.ts';
import { CommandRunner } from '../wireguard/runner.ts';
import { createDevice } from './device.ts';
import { ensureStateDir, loadInstallation, lockStateDir } from './state-dir.ts';

/**
 * Removes the WireGuard device, its routes and the firewall table. Idempotent.
 *
 * @throws SiderolinkError `conflict` while a daemon runs, `command_failed`
 */
export async function takeDown(config: Config): Promise<void> {
  ensureStateDir(config.state_dir);
  const release = lockStateDir(config.state_dir);
  try {
    const device = createDevice(config, loadInstallation(config.state_dir), {
      runner: new CommandRunner(),
      clock: systemClock,
      logger: createLogger(config.log.level),
      health: new Health(() => systemClock.now()),
      metrics: wireguardMetrics(createRegistry()),
    });
    await device.down();
  } finally {
    release();
  }
}
