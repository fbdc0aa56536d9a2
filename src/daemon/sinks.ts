import type { Config } from '../config/config.ts';
import type { SocketFds } from '../domain/handed-sockets.ts';
import { Redactor } from '../domain/redact.ts';
import { UniqueTokenWriter } from '../join/token-writer.ts';
import { EventsService } from '../sinks/events-service.ts';
import { GapReporter } from '../sinks/gap-reporter.ts';
import { KmsgServer } from '../sinks/kmsg-server.ts';
import { MachineApi } from '../talos/machine-api.ts';
import type { Base } from './base.ts';
import type { Core } from './core.ts';
import { inherited } from './inherited-sockets.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import type { Installation } from './state-dir.ts';

/** What machines talk to over the overlay: the sinks, and the writer of unique tokens. */
export async function startSinks(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  core: Core,
  sockets: SocketFds,
): Promise<void> {
  const { metrics, log, boots, statuses, changes, fleet } = core;
  const { server } = installation.overlay;
  const redactor = new Redactor(config.sinks.redact);
  const sinks = { ...base, machines: fleet.machines, boots, statuses, changes, log, redactor, metrics: metrics.sinks };
  await lifecycle.run('gap records', new GapReporter({}, sinks));
  const kmsgAddress = { host: server, port: config.sinks.kmsg_port };
  const kmsg = new KmsgServer(
    {
      ...kmsgAddress,
      ...inherited('fd', sockets.get('kmsg')),
      ...inherited('udpFd', sockets.get('kmsg-udp')),
      maxLineBytes: config.sinks.max_line_bytes,
      machineBytesPerSecond: config.sinks.machine_bytes_per_second,
    },
    sinks,
  );
  await lifecycle.run('kernel log sink', listening('sinks.kmsg_port', kmsgAddress, kmsg));
  const eventsAddress = { host: server, port: config.sinks.events_port };
  const events = new EventsService(
    { ...eventsAddress, ...inherited('fd', sockets.get('events')), prefix: config.publish.prefix },
    sinks,
  );
  await lifecycle.run('event sink', listening('sinks.events_port', eventsAddress, events));
  if (config.join.issue_unique_tokens) await startTokenWriter(installation, base, lifecycle, core);
}

/** What writes unique tokens to machines in maintenance; it learns of them from their events. */
async function startTokenWriter(
  { overlay }: Installation,
  base: Base,
  lifecycle: Lifecycle,
  { fleet, statuses, metrics }: Core,
): Promise<void> {
  const api = new MachineApi({ localAddress: overlay.server }, base);
  const { machines, joins: offers, tokenWrites: writes } = fleet;
  const deps = { ...base, machines, offers, stages: statuses, api, writes, metrics: metrics.join };
  await lifecycle.run('unique tokens', new UniqueTokenWriter({}, deps));
}
