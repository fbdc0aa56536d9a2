import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { ControlServer } from '../control/server.ts';
import type { SocketFds } from '../domain/handed-sockets.ts';
import type { PublicKey } from '../domain/keys.ts';
import { sourceAddress } from '../domain/overlay.ts';
import { Redactor } from '../domain/redact.ts';
import { BootTable } from '../fleet/boots.ts';
import { MachineChanges } from '../fleet/changes.ts';
import { Fleet } from '../fleet/fleet.ts';
import { LinkRecorder } from '../fleet/links.ts';
import { LostKeeper } from '../fleet/lost.ts';
import { ProvisionalKeeper } from '../fleet/provisional.ts';
import { StatusTable } from '../fleet/status.ts';
import { ProvisionService, provisionStatus } from '../join/provision-service.ts';
import { UniqueTokenWriter } from '../join/token-writer.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { GrpcEdge } from '../lib/grpc.ts';
import { EventsService } from '../sinks/events-service.ts';
import { GapReporter } from '../sinks/gap-reporter.ts';
import { KmsgServer } from '../sinks/kmsg-server.ts';
import { restoresOf } from '../store/restore.ts';
import { openRecordLog } from '../stream/record-log.ts';
import { MachineApi } from '../talos/machine-api.ts';
import { Health } from '../telemetry/health.ts';
import { TelemetryServer } from '../telemetry/http.ts';
import type { Logger } from '../telemetry/logger.ts';
import { PollingLinkMonitor } from '../wireguard/link-monitor.ts';
import { SeparateRunner } from '../wireguard/separate-runner.ts';
import { Backups } from './backups.ts';
import { controlTcp, runControlTcp, startControlCertificate } from './control-tcp.ts';
import { createDevice } from './device.ts';
import { advertisedApiUrl, advertisedEndpoints } from './endpoints.ts';
import { inherited, takeInheritedSockets, wantedSockets } from './inherited-sockets.ts';
import { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import { createMetrics } from './metrics.ts';
import { createNotifier, type Notifier } from './notify.ts';
import { Repairer } from './repairer.ts';
import {
  ensureStateDir,
  type Installation,
  loadInstallation,
  lockStateDir,
  messageIdPrefix,
  stateFiles,
} from './state-dir.ts';
import { apiUsesTls, handshakeFailures, startApiTls } from './tls/api-tls.ts';

export interface Daemon {
  /** Stops everything in order. Idempotent; resolves with the names of parts that did not stop cleanly. */
  stop(): Promise<readonly string[]>;
}

/** What every part is given. */
interface Base {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
}

/**
 * Starts everything in the order in which one part needs another: store, device, sinks, API, control. The only place
 * that knows concrete classes.
 *
 * @param onFatal called when a part that everything depends on is gone
 * @throws what the failing part threw; everything started before it is stopped again
 */
export async function startDaemon(
  config: Config,
  logger: Logger,
  onFatal: (error: unknown) => void,
  clock: Clock = systemClock,
): Promise<Daemon> {
  const base: Base = { clock, logger, health: new Health(() => clock.now()) };
  const lifecycle = new Lifecycle({}, base);
  const startedAt = clock.now();

  ensureStateDir(config.state_dir);
  // Closed last: until then systemd's watchdog is fed, so a slow stop is not taken for a hang. Its open socket would keep
  // the process.
  const notifier = await lifecycle.start(
    'systemd socket',
    () => createNotifier({ env: process.env, ...base }),
    (opened) => opened.close(),
  );
  await lifecycle.start(
    'state directory',
    () => lockStateDir(config.state_dir),
    (release) => release(),
  );
  const installation = await lifecycle.start(
    'identity',
    () => loadInstallation(config.state_dir),
    () => undefined,
  );

  const wanted = wantedSockets(config, installation.overlay.server);
  // Before anything is started by which they could be inherited in turn, and before anybody is refused for a mistake.
  const sockets = await lifecycle.start(
    'inherited sockets',
    () => takeInheritedSockets(wanted, { env: process.env, pid: process.pid, ...base }),
    () => undefined,
  );

  const core = await startCore(config, installation, base, lifecycle, onFatal);
  const edges = await startEdges(config, installation, base, lifecycle, core, sockets);
  await startControl(config, installation, base, lifecycle, core, { ...edges, startedAt });
  await startNotifier(notifier, base, lifecycle);
  logger.info({ overlay: installation.overlay.prefix, endpoints: edges.endpoints, api: edges.apiUrl }, 'ready');
  return { stop: () => lifecycle.stop() };
}

/** What is kept and what it is about: record log, fleet, device, links. */
async function startCore(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  onFatal: (error: unknown) => void,
) {
  const metrics = createMetrics(base.health);
  const log = await lifecycle.start(
    'store',
    () =>
      openRecordLog(
        { path: stateFiles(config.state_dir).database, prefix: config.publish.prefix },
        { ...base, metrics: metrics.registry },
      ),
    (opened, deadlineMs) => opened.close(deadlineMs),
  );
  log.onFatal(onFatal);

  const { clock } = base;
  const boots = new BootTable({}, { image: log.image, clock });
  const statuses = new StatusTable(
    { negativeAddressFilter: config.status.negative_address_filter },
    { image: log.image, clock },
  );
  const runner = new SeparateRunner();
  await lifecycle.run('system commands', runner);
  const device = createDevice(config, installation, { ...base, runner, metrics: metrics.wireguard });
  const lastTold = (key: PublicKey) => {
    const boot = boots.ofKey(key);
    return boot === undefined ? undefined : statuses.toldLink(boot);
  };
  const links = new PollingLinkMonitor(
    { lastTold },
    { ...base, device, metrics: metrics.wireguard, onUnreadable: () => repairer.wake() },
  );
  const fleet = new Fleet(
    { overlay: installation.overlay, uniqueTokenKey: installation.identity.uniqueTokenKey },
    { log, boots, statuses, links, wireguard: device, clock, metrics: metrics.fleet },
  );

  const changes = new MachineChanges({}, { ...base, machines: fleet.machines, boots, statuses, log });
  await lifecycle.run('machine changes', changes);

  const repair = () => device.reconcile(fleet.machines.peers());
  const repairer = new Repairer({}, { ...base, repair });
  await lifecycle.run('WireGuard', device);
  await lifecycle.run('WireGuard repair', repairer);
  await lifecycle.run(
    'link records',
    new LinkRecorder({}, { ...base, links, machines: fleet.machines, boots, statuses, log, metrics: metrics.fleet }),
  );
  await lifecycle.run('link monitor', links);
  await lifecycle.run(
    'lost machines',
    new LostKeeper({}, { ...base, machines: fleet.machines, statuses, links, changes, metrics: metrics.fleet }),
  );
  await lifecycle.run(
    'provisional identities',
    new ProvisionalKeeper({}, { ...base, roster: fleet.machines, boots, statuses, links, wireguard: device }),
  );
  return { metrics, log, boots, statuses, changes, device, links, fleet };
}

type Core = Awaited<ReturnType<typeof startCore>>;

/** What machines talk to: the sinks on the overlay, then the API that sends them there. */
async function startEdges(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  core: Core,
  sockets: SocketFds,
) {
  const { metrics, log, boots, statuses, changes, device, links, fleet } = core;
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

  const { endpoints, host, warning } = advertisedEndpoints(
    config.wireguard.endpoints,
    config.wireguard.listen_port,
    networkInterfaces(),
    config.overlay.interface,
  );
  if (warning !== undefined) base.health.set('endpoint', 'warning', warning);
  const apiUrl = advertisedApiUrl({
    url: config.api.url,
    host,
    port: config.api.listen.port,
    tls: apiUsesTls(config),
  });
  const tlsDeps = { ...base, metrics: metrics.tls };
  const tls = await lifecycle.start(
    'API certificate',
    () => startApiTls(config, installation, apiUrl, tlsDeps),
    (started) => started?.certificate.stop(),
  );
  if (apiUrl.startsWith('grpc:')) base.health.set('api_plaintext', 'warning', PLAINTEXT);

  const joins = new ProvisionService(
    {
      policy: {
        policy: config.join.policy,
        requireToken: config.join.require_token,
        uniqueTokens: config.join.unique_tokens,
        maxMachines: config.join.max_machines,
        maxProvisional: config.join.max_provisional,
      },
      endpoints,
      serverAddress: server,
    },
    { ...base, fleet, wireguard: device, links, metrics: metrics.join },
  );
  const edge = new GrpcEdge(
    {
      name: 'api',
      ...config.api.listen,
      ...inherited('fd', sockets.get('api')),
      ...(tls !== undefined && { certificate: tls.certificate }),
      onHandshakeFailed: handshakeFailures(tlsDeps),
      maxConnectionIdleMs: 60_000,
      maxMessageBytes: 65_536,
      // A machine makes one call on a connection. What waits on one is read together, before anything else is.
      maxConcurrentStreams: 8,
      normaliseSource: sourceAddress,
      onRefused: (reason) => metrics.join.turnedAway.inc({ reason }),
      toStatus: provisionStatus(base.logger, base.clock),
    },
    base,
  ).unary(joins.method());
  const api = {
    start: () => edge.listen(),
    stop: (deadlineMs: number) => Promise.all([edge.stop(deadlineMs), joins.stop()]),
  };
  await lifecycle.run('API', listening('api.listen', config.api.listen, api));
  return { endpoints, apiUrl, authority: tls?.authority };
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

const PLAINTEXT =
  'the API is plaintext: whoever is on the path can answer in its place and own machines in maintenance mode. Set api.tls.';

/** What operators and control planes talk to. */
async function startControl(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  { metrics, log, fleet, device }: Core,
  facts: {
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

async function startNotifier(notifier: Notifier, { health }: Base, lifecycle: Lifecycle): Promise<void> {
  const tell = () => {
    const wrong = health.conditions.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    notifier.status(wrong.length === 0 ? 'Serving machines' : wrong.join('; '));
  };
  health.onChange(tell);
  await lifecycle.run('systemd', { start: () => notifier.ready(), stop: () => notifier.stopping() });
  tell();
}
