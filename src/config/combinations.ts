import { formatHostPort, type HostPort } from '../domain/host-port.ts';
import type { Config } from './schema.ts';
import { isLoopback, isWildcard } from './values.ts';

/** Settings that are right each and wrong together. */
export interface Clash {
  /** Path of the setting to change, then those of the others. */
  readonly paths: readonly [string, ...string[]];
  readonly message: string;
}

/** Combinations that cannot work or that are never meant. */
export function clashes(config: Config): readonly Clash[] {
  return [tlsClashes, natsClashes, controlClashes, portClashes, tunnelClashes].flatMap((clashesOf) => [
    ...clashesOf(config),
  ]);
}

type Pair = { readonly cert_file: string | null; readonly key_file: string | null };

function pairClash(section: string, { cert_file, key_file }: Pair): readonly Clash[] {
  if ((cert_file === null) === (key_file === null)) return [];
  const [there, missing] = cert_file === null ? ['key_file', 'cert_file'] : ['cert_file', 'key_file'];
  return [
    {
      paths: [`${section}.${there}`, `${section}.${missing}`],
      message: `needs ${section}.${missing} too: a certificate and its key come together`,
    },
  ];
}

function* tlsClashes({ api, control, publish }: Config): Iterable<Clash> {
  yield* pairClash('api.tls', api.tls);
  yield* pairClash('control.tls', control.tls);
  yield* pairClash('publish.nats.tls', publish.nats.tls);
  if (api.tls.self_signed && api.tls.cert_file !== null) {
    yield {
      paths: ['api.tls.self_signed', 'api.tls.cert_file'],
      message: 'excludes api.tls.cert_file: use a certificate of your own or one of ours',
    };
  }
  const tls = api.tls.self_signed || api.tls.cert_file !== null;
  if (tls && api.url?.startsWith('grpc://')) {
    yield {
      paths: ['api.url', 'api.tls.cert_file', 'api.tls.self_signed'],
      message: 'tells machines to call in plaintext, but the API speaks TLS; write https://',
    };
  }
}

function* natsClashes({ publish: { nats } }: Config): Iterable<Clash> {
  const ways = [
    nats.user !== null || nats.password_file !== null ? (nats.user !== null ? 'user' : 'password_file') : undefined,
    nats.token_file !== null ? 'token_file' : undefined,
    nats.nkey_seed_file !== null ? 'nkey_seed_file' : undefined,
    nats.credentials_file !== null ? 'credentials_file' : undefined,
  ].filter((way) => way !== undefined);
  const [first, second] = ways;
  if (first !== undefined && second !== undefined) {
    yield {
      paths: [`publish.nats.${second}`, `publish.nats.${first}`],
      message: `excludes publish.nats.${first}: a server takes one kind of credentials`,
    };
  }
  if ((nats.user === null) !== (nats.password_file === null)) {
    const [there, missing] = nats.user === null ? ['password_file', 'user'] : ['user', 'password_file'];
    yield {
      paths: [`publish.nats.${there}`, `publish.nats.${missing}`],
      message: `needs publish.nats.${missing} too: a user and a password come together`,
    };
  }
}

function* controlClashes({ control }: Config): Iterable<Clash> {
  if (control.listen === null) return;
  if (control.tokens_file === null) {
    yield {
      paths: ['control.listen', 'control.tokens_file'],
      message: 'needs control.tokens_file: without tokens nobody may call it',
    };
  }
  if (!isLoopback(control.listen.host) && control.tls.cert_file === null) {
    yield {
      paths: ['control.listen', 'control.tls.cert_file'],
      message: `${formatHostPort(control.listen)} is off loopback and needs control.tls.cert_file and control.tls.key_file`,
    };
  }
}

function* tunnelClashes({ tunnel }: Config): Iterable<Clash> {
  if (tunnel.machine_packets_per_second <= tunnel.packets_per_second) return;
  yield {
    paths: ['tunnel.machine_packets_per_second', 'tunnel.packets_per_second'],
    message: `is more than tunnel.packets_per_second (${tunnel.packets_per_second}), which all machines share: make that larger or this smaller`,
  };
}

interface Bound {
  readonly path: string;
  /** null: the server's overlay address. */
  readonly host: string | null;
  readonly port: number;
}

function* portClashes(config: Config): Iterable<Clash> {
  const { sinks, api, control, metrics, wireguard } = config;
  const kmsg = { path: 'sinks.kmsg_port', host: null, port: sinks.kmsg_port };
  const tcp: Bound[] = [kmsg, { path: 'sinks.events_port', host: null, port: sinks.events_port }];
  const at = (path: string, address: HostPort | null) => {
    if (address !== null && address.port !== 0) tcp.push({ path, ...address });
  };
  at('api.listen', api.listen);
  at('control.listen', control.listen);
  at('metrics.listen', metrics.listen);
  yield* overlaps(tcp);
  // WireGuard binds its UDP port on every address, the overlay's included.
  yield* overlaps([kmsg, { path: 'wireguard.listen_port', host: '::', port: wireguard.listen_port }]);
}

function* overlaps(sockets: readonly Bound[]): Iterable<Clash> {
  for (const [index, second] of sockets.entries()) {
    const first = sockets
      .slice(0, index)
      .find((other) => other.port === second.port && overlap(other.host, second.host));
    if (first !== undefined) {
      yield {
        paths: [second.path, first.path],
        message: `takes port ${second.port}, which ${first.path} has already; give them different ports`,
      };
    }
  }
}

function overlap(a: string | null, b: string | null): boolean {
  return a === b || (a !== null && isWildcard(a)) || (b !== null && isWildcard(b));
}
