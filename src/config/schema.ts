import { z } from 'zod';
import {
  apiUrl,
  bytes,
  cidr,
  duration,
  endpoint,
  flag,
  hostName,
  integer,
  list,
  listen,
  listenOrOff,
  matching,
  natsServer,
  oneOf,
  optionalPath,
  optionalText,
  port,
  regularExpression,
  requiredPath,
  socketPath,
} from './values.ts';

/** What a reader of the reference learns about a setting, beside its path. */
export interface Setting {
  /** The kind of value, in words. */
  readonly kind: string;
  /** As one would write it in YAML. */
  readonly standard: unknown;
  readonly about: string;
}

/** Every setting of the schema with its documentation. */
export const settings = z.registry<Setting>();

/** A setting with its default. The default is written as an operator writes it, and checked like theirs. */
function setting<T extends z.ZodType>(
  kind: string,
  schema: T,
  standard: z.input<T> & z.util.NoUndefined<z.input<T>>,
  about: string,
) {
  const whole = schema.prefault(standard);
  settings.add(whole, { kind, standard, about });
  return whole;
}

/** A part of the file; one that is absent has all defaults. */
function section<T extends z.ZodRawShape>(shape: T) {
  return z
    .strictObject(shape, {
      error: (issue) => (issue.code === 'invalid_type' ? 'not a mapping of keys to values' : undefined),
    })
    .prefault({} as z.input<z.ZodObject<T>>);
}

const INTERFACE = matching(
  /^(?!lo$|\.{1,2}$)[A-Za-z0-9_.-]{1,15}$/,
  'the name of an interface: at most 15 of letters, digits, dot, dash and underscore',
);
const GROUP = matching(/^$|^[a-z_][a-z0-9_-]{0,30}$/, 'the name of a group');
const PREFIX = matching(
  /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/,
  'a subject prefix: tokens of letters, digits, dash and underscore, with dots between',
);
const STREAM_NAME = matching(/^[A-Za-z0-9_-]{1,255}$/, 'a stream name: letters, digits, dash and underscore');

/** The whole configuration (DESIGN section 5.2). The names are those of the file. */
export const configSchema = section({
  state_dir: setting(
    'path',
    requiredPath(),
    '/var/lib/siderolinkd',
    'Where the database, the WireGuard private key and the installation id live.',
  ),
  overlay: section({
    interface: setting('interface name', INTERFACE, 'siderolink', 'Name of the WireGuard interface.'),
    backend: setting(
      'auto, kernel or userspace',
      oneOf(['auto', 'kernel', 'userspace']),
      'auto',
      "auto takes the kernel's WireGuard where there is one, else wireguard-go.",
    ),
    firewall: setting(
      'boolean',
      flag(),
      true,
      'Keeps an nftables table that isolates machines from each other, from this host and from other networks.',
    ),
    allow_group: setting(
      'group name',
      GROUP,
      'siderolinkd',
      "Local users of this group may reach the machines' Talos API directly; empty for none.",
    ),
  }),
  wireguard: section({
    listen_port: setting('port', port(), 51_821, 'UDP port of WireGuard.'),
    endpoints: setting(
      'list of host:port',
      list(endpoint()),
      [],
      'What machines dial, the best first. Empty: the first global address of this host with listen_port.',
    ),
    restore_endpoints: setting(
      'boolean',
      flag(),
      true,
      'Gives peers back their last known endpoints after the device had to be made anew.',
    ),
  }),
  api: section({
    listen: setting('host:port', listen(), '[::]:8081', 'gRPC that machines call first; [::] is dual-stack.'),
    url: setting(
      'URL or empty',
      apiUrl(),
      '',
      'What siderolink.api= advertises, grpc://host:port or https://host:port. Empty: the first endpoint with the API port, https with TLS.',
    ),
    tls: section({
      cert_file: setting('path or empty', optionalPath(), '', 'Certificate chain in PEM.'),
      key_file: setting('path or empty', optionalPath(), '', 'Its private key in PEM.'),
      self_signed: setting(
        'boolean',
        flag(),
        false,
        'Makes a CA of our own, handed to machines by talos.config.early= (Talos 1.11 and newer).',
      ),
    }),
  }),
  sinks: section({
    kmsg_port: setting(
      'port',
      port(),
      4001,
      "Kernel and service logs, TCP and UDP, on the server's overlay address only.",
    ),
    events_port: setting('port', port(), 4002, "Events, gRPC, on the server's overlay address only."),
    max_line_bytes: setting('bytes', bytes('1KiB'), 65_536, 'A longer line is dropped and counted.'),
    machine_bytes_per_second: setting(
      'bytes',
      bytes('0'),
      262_144,
      'Log budget of each machine, with a burst of 8 MiB; 0 for none. More is dropped, counted and told in gap records.',
    ),
    redact: setting(
      'list of regular expressions',
      list(regularExpression()),
      [],
      'What they match is redacted before anything is stored, besides the secrets that always are.',
    ),
  }),
  join: section({
    policy: setting(
      'accept, hold or known',
      oneOf(['accept', 'hold', 'known']),
      'accept',
      'accept takes every machine with a valid token, hold keeps it pending until accepted, known takes only pre-registered ones.',
    ),
    require_token: setting('boolean', flag(), true, 'Whether a join needs a token.'),
    unique_tokens: setting(
      'strict or legacy',
      oneOf(['strict', 'legacy']),
      'strict',
      'legacy also admits Talos older than 1.6, which has no unique tokens.',
    ),
    issue_unique_tokens: setting(
      'boolean',
      flag(),
      true,
      'Writes a unique token into the META partition of machines in maintenance.',
    ),
    max_machines: setting('number', integer(1, 1_000_000), 20_000, 'Machines that may be known at once.'),
    max_provisional: setting('number', integer(0, 100_000), 256, 'Provisional identities that may exist at once.'),
    tunnel: setting(
      'auto, force or off',
      oneOf(['auto', 'force', 'off']),
      'auto',
      'WireGuard over gRPC: auto when the machine asks for it, force for every machine that can (Talos 1.7 or newer), off for none. A machine may have a setting of its own.',
    ),
  }),
  tunnel: section({
    machine_packets_per_second: setting(
      'number',
      integer(200, 1_000_000),
      5_000,
      'WireGuard packets that one machine may send through the tunnel; with more its stream is read slower. A packet costs some 14 µs of a core.',
    ),
    packets_per_second: setting(
      'number',
      integer(200, 10_000_000),
      20_000,
      'All machines together; 200 of each pass on top of it, as many again at most.',
    ),
  }),
  status: section({
    negative_address_filter: setting(
      'list of networks',
      list(cidr()),
      [],
      'Addresses in these networks are left out of what is shown of a machine.',
    ),
  }),
  store: section({
    max_age: setting(
      'duration',
      duration('1m'),
      '30d',
      'How long kernel and service logs are kept, at least; at most an eighth longer.',
    ),
    max_bytes: setting(
      'bytes',
      bytes('64MiB'),
      '10GiB',
      'How much disk they may take, with indexes and free space in the file; the oldest go first.',
    ),
    events_max_age: setting('duration', duration('1m'), '90d', 'The same for event, link, machine and gap records.'),
    events_max_bytes: setting('bytes', bytes('64MiB'), '1GiB', 'How much disk they may take.'),
  }),
  publish: section({
    prefix: setting('subject prefix', PREFIX, 'siderolink', 'First token of every subject.'),
    nats: section({
      servers: setting('list of servers', list(natsServer()), [], 'Empty: the built-in stream only.'),
      user: setting('text or empty', optionalText(), '', 'User name, with password_file.'),
      password_file: setting('path or empty', optionalPath(), '', 'File with the password.'),
      token_file: setting('path or empty', optionalPath(), '', 'File with a token.'),
      nkey_seed_file: setting('path or empty', optionalPath(), '', 'File with an nkey seed.'),
      credentials_file: setting('path or empty', optionalPath(), '', 'A .creds file.'),
      tls: section({
        ca_file: setting('path or empty', optionalPath(), '', 'CA that the servers are checked against, in PEM.'),
        cert_file: setting('path or empty', optionalPath(), '', 'Client certificate in PEM.'),
        key_file: setting('path or empty', optionalPath(), '', 'Its private key in PEM.'),
      }),
      stream: setting('stream name', STREAM_NAME, 'SIDEROLINK', 'The JetStream stream.'),
      create_stream: setting(
        'boolean',
        flag(),
        true,
        'Makes the stream if it is not there; one that is there is verified and never changed.',
      ),
    }),
  }),
  control: section({
    socket: setting(
      'path',
      socketPath(),
      '/run/siderolinkd/control.sock',
      'Unix socket of the control API, mode 0660; its callers are admin.',
    ),
    listen: setting(
      'host:port or empty',
      listenOrOff(),
      '',
      'The same API over TCP, with tokens; needs tokens_file, and off loopback TLS too.',
    ),
    tls: section({
      cert_file: setting(
        'path or empty',
        optionalPath(),
        '',
        'Certificate chain in PEM; taken up anew when the file changes.',
      ),
      key_file: setting('path or empty', optionalPath(), '', 'Its private key in PEM.'),
    }),
    tokens_file: setting(
      'path or empty',
      optionalPath(),
      '',
      'Who may call over TCP: lines of role (reader, operator, admin), token hash and name, as siderolinkctl control-token create prints them; taken up anew when the file changes.',
    ),
    hosts: setting(
      'list of names and addresses',
      list(hostName()),
      [],
      'What callers may name this host in the Host header, beside the address listened on and the names of the certificate; for a proxy in front. Others are answered 421.',
    ),
  }),
  metrics: section({
    listen: setting('host:port or empty', listenOrOff(), '127.0.0.1:9596', 'Serves /metrics, /healthz and /readyz.'),
  }),
  log: section({
    level: setting(
      'trace, debug, info, warn or error',
      oneOf(['trace', 'debug', 'info', 'warn', 'error']),
      'info',
      'The least severe log lines that are written.',
    ),
  }),
});

type DeepReadonly<T> = T extends string | number | boolean | null
  ? T
  : T extends readonly (infer Item)[]
    ? readonly DeepReadonly<Item>[]
    : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };

/**
 * The configuration, checked and parsed: durations in milliseconds, sizes in bytes, addresses as `HostPort`, and null
 * where an empty text means none. The names are those of the file, so that messages and code speak of the same thing.
 */
export type Config = DeepReadonly<z.output<typeof configSchema>>;

/** A configuration as an operator writes it, any part of it. */
export type ConfigInput = z.input<typeof configSchema>;
