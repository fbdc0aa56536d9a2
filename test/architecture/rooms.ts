/** What a room of `src` may import: other rooms, or single files of them. The reason stands beside each. */
export interface Room {
  readonly may: readonly string[];
  readonly because: string;
}

const BASE = ['domain', 'lib', 'telemetry'] as const;

export const ROOMS: Readonly<Record<string, Room>> = {
  domain: { may: [], because: 'values and decisions are data to data: every other room stands on them' },
  lib: { may: ['domain'], because: 'general tools know nothing of the daemon but its errors' },
  config: { may: ['domain', 'lib'], because: 'the schema must be readable without starting anything' },
  telemetry: {
    may: ['domain', 'lib'],
    because: 'every part reports into it, so it may not know any; of domain it takes the errors',
  },
  store: {
    may: ['gen/line-columns.js', ...BASE],
    because: 'it keeps bytes and rows and knows nothing of who writes them; what is generated is a part of its own',
  },
  wireguard: { may: BASE, because: 'the device is made what it is told to be; who is a peer is decided elsewhere' },
  stream: { may: ['store', ...BASE], because: 'the record log is the store as others see it' },
  fleet: {
    may: ['store', 'stream', 'wireguard/types.ts', ...BASE],
    because: 'machines are memory and rows; of the device it knows the shape of peers and links, not the device',
  },
  join: {
    may: ['fleet', 'stream', 'wireguard', 'talos', 'gen', ...BASE],
    because:
      'an edge: it turns calls into decisions of domain and effects on fleet and device; what makes a machine known ' +
      'again, its unique token, it writes through the machine’s own API',
  },
  tunnel: { may: ['fleet', 'stream', 'wireguard', 'gen', ...BASE], because: 'an edge' },
  sinks: {
    may: ['fleet', 'stream', 'gen', ...BASE],
    because: 'an edge: bytes become records; it must work whatever the device is',
  },
  control: {
    may: ['fleet', 'stream', 'wireguard', 'client/api.ts', 'version.ts', ...BASE],
    because: 'an edge; it shares the shapes of requests and answers with the client, and nothing else of it',
  },
  publish: { may: ['stream', ...BASE], because: 'an outlet of the stream: joining may depend on nothing remote' },
  talos: { may: ['gen', 'domain', 'lib'], because: 'a client of one foreign API' },
  simulate: {
    may: ['gen', 'domain', 'lib', 'version.ts'],
    because: 'it stands for the other side of the wire, so it may share no code with the rooms that it is to test',
  },
  client: { may: ['domain', 'lib'], because: 'programs of others use it: never the daemon side' },
  cli: { may: ['client', 'domain', 'lib', 'version.ts'], because: 'it is only a client of the control API' },
  daemon: {
    may: [
      'config',
      'store',
      'stream',
      'fleet',
      'wireguard',
      'join',
      'tunnel',
      'sinks',
      'control',
      'publish',
      'talos',
      'client',
      'simulate/command.ts',
      'version.ts',
      ...BASE,
    ],
    because:
      'the composition root: the only room that knows concrete classes; the simulator is one of its commands, and its doctor asks a running daemon as any client does',
  },
  'version.ts': { may: [], because: 'one constant' },
};

/** Packages that one purpose has, with the rooms that serve it. Others may be used anywhere. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['store', 'daemon'],
  // Tests call us by it: what we serve is our own.
  '@grpc/grpc-js': [],
  fastify: ['control'],
  'fastify-type-provider-zod': ['control'],
  '@fastify/swagger': ['control'],
  execa: ['simulate'],
  pino: ['telemetry'],
  yaml: ['config', 'simulate'],
  commander: ['cli', 'daemon', 'simulate'],
  'unix-dgram': ['daemon'],
  '@nats-io/transport-node': ['publish'],
  '@nats-io/jetstream': ['publish'],
};

/** All that `domain` may import besides itself: what computes and touches nothing outside. */
export const PURE = ['node:crypto', 'node:net', 'node:zlib', 'node:util', 'node:buffer', 'ipaddr.js', 'zod', 'long'];
