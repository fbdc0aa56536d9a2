import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { networkOf } from '../control/networks.ts';
import type { SocketFds } from '../domain/handed-sockets.ts';
import { sourceAddress } from '../domain/overlay.ts';
import { ProvisionService, provisionStatus } from '../join/provision-service.ts';
import { GrpcEdge } from '../lib/grpc.ts';
import type { Base } from './base.ts';
import type { Core } from './core.ts';
import { advertisedApiUrl, advertisedEndpoints } from './endpoints.ts';
import { inherited } from './inherited-sockets.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listening } from './listening.ts';
import type { Installation } from './state-dir.ts';
import { apiUsesTls, handshakeFailures, startApiTls } from './tls/api-tls.ts';
import { createTunnel } from './tunnel.ts';

/** What machines call first: the API that sends them to the overlay. */
export async function startApi(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  core: Core,
  sockets: SocketFds,
) {
  const { metrics, device, links, fleet } = core;
  const { server } = installation.overlay;
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
  const tunnel = createTunnel(config, base, core);
  const edge = new GrpcEdge(
    {
      name: 'api',
      ...config.api.listen,
      ...inherited('fd', sockets.get('api')),
      ...(tls !== undefined && { certificate: tls.certificate }),
      onHandshakeFailed: handshakeFailures(tlsDeps),
      maxConnectionIdleMs: 60_000,
      // A machine in the tunnel sends none, so its end would not be noticed for many minutes (facts/users.md C12).
      keepalive: { timeMs: 30_000, timeoutMs: 10_000 },
      maxMessageBytes: 65_536,
      // A machine makes one call on a connection. What waits on one is read together, before anything else is.
      maxConcurrentStreams: 8,
      // Go's proxies take 100 for granted, and answer 502 for a call that they cannot send again.
      maxUntoldStreams: 100,
      normaliseSource: sourceAddress,
      networkOf,
      onRefused: (reason) => metrics.join.turnedAway.inc({ reason }),
      toStatus: provisionStatus(base.logger, base.clock),
    },
    base,
  )
    .unary(joins.method())
    .stream(tunnel.method());
  const api = {
    start: async () => {
      tunnel.start();
      return await edge.listen();
    },
    stop: async (deadlineMs: number) => {
      tunnel.stop();
      await Promise.all([edge.stop(deadlineMs), joins.stop()]);
    },
  };
  await lifecycle.run('API', listening('api.listen', config.api.listen, api));
  return { endpoints, apiUrl, authority: tls?.authority };
}

const PLAINTEXT =
  'the API is plaintext: whoever is on the path can answer in its place and own machines in maintenance mode. Set api.tls.';
