import type { Config } from '../config/config.ts';
import type { PublishStatus, RepublishSource } from '../control/types.ts';
import { Publisher } from '../publish/publisher.ts';
import { Republisher } from '../publish/republisher.ts';
import { obstacleOf } from '../publish/standing.ts';
import { restoresOf } from '../store/restore.ts';
import type { Base } from './base.ts';
import type { Core } from './core.ts';
import type { Lifecycle } from './lifecycle.ts';
import { type Installation, messageIdPrefix, stateFiles } from './state-dir.ts';

export interface Publishing {
  /** Where it stands; undefined where nothing is published. */
  readonly publishStatus: () => PublishStatus | undefined;
  /** Publishes records once more. */
  readonly republisher: RepublishSource | undefined;
}

/** The outlet to NATS JetStream, if servers are configured: it starts without them, and nothing waits for it (law 9). */
export async function startPublishing(
  config: Config,
  installation: Installation,
  base: Base,
  lifecycle: Lifecycle,
  { log, metrics }: Core,
): Promise<Publishing> {
  const { nats, prefix } = config.publish;
  if (nats.servers.length === 0) return { publishStatus: () => undefined, republisher: undefined };
  const { servers, user, tls, stream } = nats;
  const publisher = new Publisher(
    {
      ...{ prefix, stream },
      database: stateFiles(config.state_dir).database,
      idPrefix: messageIdPrefix(installation, restoresOf(log.image.meta)),
      createStream: nats.create_stream,
      maxAgeMs: Math.max(config.store.max_age, config.store.events_max_age),
      access: {
        ...{ servers, user },
        passwordFile: nats.password_file,
        tokenFile: nats.token_file,
        nkeySeedFile: nats.nkey_seed_file,
        credentialsFile: nats.credentials_file,
        tls: { caFile: tls.ca_file, certFile: tls.cert_file, keyFile: tls.key_file },
      },
    },
    { ...base, log, metrics: metrics.publish },
  );
  await lifecycle.run('publisher', publisher);
  const publishStatus = () => {
    const { server, waiting, oldest, lanesBehind } = publisher.state;
    return { stream, server, waiting, oldest, lanesBehind, problem: obstacleOf(publisher.state) };
  };
  return { publishStatus, republisher: new Republisher({}, { ...base, log, publisher, metrics: metrics.publish }) };
}
