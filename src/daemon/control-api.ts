import type { Config } from '../config/config.ts';
import { writtenConfig } from '../config/written.ts';
import { ControlServer } from '../control/server.ts';
import { restoresOf } from '../store/restore.ts';
import { TelemetryServer } from '../telemetry/http.ts';
import { Backups } from './backups.ts';
import type { Base } from './base.ts';
import { controlTcp, runControlTcp, startControlCertificate } from './control-tcp.ts';
import type { Core } from './core.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import type { Publishing } from './publishing.ts';
import { type Installation, messageIdPrefix } from './state-dir.ts';

/** What operators and control planes talk to. */
export async function startControl(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  { metrics, log, fleet, device }: Core,
  {
    publishStatus,
    republisher,
    ...facts
  }: Publishing & {
    readonly endpoints: readonly string[];
    readonly apiUrl: string;
    readonly authority: string | undefined;
    readonly startedAt: number;
  },
): Promise<void> {
  const status = () => ({
    installation: messageIdPrefix(installation, restoresOf(log.image.meta)),
    overlay: installation.overlay,
    publicKey: device.publicKey,
    backend: device.backend,
    listenPort: config.wireguard.listen_port,
    kmsgPort: config.sinks.kmsg_port,
    eventsPort: config.sinks.events_port,
    prefix: config.publish.prefix,
    settings: writtenConfig(config),
    publish: publishStatus(),
    ...facts,
  });
  const backups = new Backups({ stateDir: config.state_dir }, { log });
  await lifecycle.run('backups', backups);
  const certificate = await startControlCertificate(config, lifecycle, { ...base, metrics: metrics.tls });
  const server = new ControlServer(
    { socket: config.control.socket, ...controlTcp(config) },
    {
      ...base,
      log,
      machines: fleet.machines,
      admin: fleet.admin,
      tokens: fleet.tokens,
      cutBy: (token) => fleet.joins.cutBy(token),
      status: { status },
      backups,
      republisher,
      metrics: metrics.registry,
      certificate,
    },
  );
  await lifecycle.run('control API', server);
  await runControlTcp(config, lifecycle, server);
  const { listen } = config.metrics;
  if (listen !== null) {
    const telemetry = new TelemetryServer(listen, { ...base, registry: metrics.registry });
    await lifecycle.run('metrics', listening('metrics.listen', listen, telemetry));
  }
}
