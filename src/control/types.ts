import type { Readable } from 'node:stream';
import type { RepublishProgress } from '../client/api.ts';
import type { Role } from '../domain/control-token.ts';
import type { PublicKey } from '../domain/keys.ts';
import type { Overlay } from '../domain/overlay.ts';
import type { JoinTokens, Machine, MachineAdmin, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { Query, RecordLog } from '../stream/types.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

/** Who makes a request: the listener that took it says so. */
export interface Caller {
  readonly role: Role;
  /** For the records of what was changed. */
  readonly name: string;
}

/** The kernel lets only root and the daemon's group open the socket, and does not tell Node which of them it was. */
export const SOCKET_CALLER: Caller = { role: 'admin', name: 'control socket' };

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** The least role that may call the route. Every route has one. */
    role?: Role;
    /** Its good answers, and a refusal because of `If-Match`, carry the machine's version as ETag. */
    etag?: true;
  }
}

/** What only the composition root knows of the daemon. */
export interface DaemonStatus {
  /** What `Nats-Msg-Id` begins with (DESIGN section 5.3): the short id, and `.n` after the n-th restore. */
  readonly installation: string;
  readonly overlay: Overlay;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly publicKey: PublicKey;
  readonly backend: 'kernel' | 'userspace';
  readonly listenPort: number;
  /** `host:port` that machines dial with WireGuard, best first. */
  readonly endpoints: readonly string[];
  /** What `siderolink.api=` advertises, with its port. */
  readonly apiUrl: string;
  /** The authority of the API's certificate, PEM, if machines know it from us alone. */
  readonly authority?: string | undefined;
  readonly kmsgPort: number;
  readonly eventsPort: number;
  /** First token of every subject. */
  readonly prefix: string;
  /** Every setting, as an operator would write it. Secrets are in files of their own, of which it has the names. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where publishing to NATS stands; undefined without it. */
  readonly publish?: PublishStatus | undefined;
}

export interface PublishStatus {
  readonly stream: string;
  readonly server: string | null;
  readonly waiting: number;
  /** `received_at` of the oldest record that is not acknowledged, in milliseconds since the epoch. */
  readonly oldest: number | null;
  readonly lanesBehind: number;
  readonly problem: string | null;
}

export interface StatusSource {
  status(): DaemonStatus;
}

/** A copy of everything that a new host needs. Its bytes can be read until it is disposed of. */
export interface Backup extends AsyncDisposable {
  readonly bytes: number;
  readonly sha256: Buffer;
  read(): Readable;
}

export interface BackupSource {
  /**
   * @throws SiderolinkError `conflict` while there is another one, `storage`, `exhausted` if too much is written
   * meanwhile, `unavailable` when the signal aborts
   */
  make(signal: AbortSignal): Promise<Backup>;
}

/** Which of the kept records are published once more. */
export type RepublishQuery = Pick<Query, 'filters' | 'machine' | 'after' | 'before' | 'since' | 'until'>;

export interface RepublishSource {
  /**
   * Publishes them, and tells how far it is; the last word is the total.
   * @throws SiderolinkError `conflict` while another one runs, `unavailable` without a connection at its begin, when the
   * publisher ends or the signal aborts; `storage`
   */
  run(query: RepublishQuery, signal: AbortSignal): AsyncGenerator<RepublishProgress>;
}

export interface ControlDeps {
  readonly log: RecordLog;
  readonly machines: Machines;
  readonly admin: MachineAdmin;
  readonly tokens: JoinTokens;
  /** The machines that could not join any more, were this join token revoked now. */
  readonly cutBy: (token: string) => readonly Machine[];
  readonly health: Health;
  readonly status: StatusSource;
  readonly backups: BackupSource;
  /** Undefined where nothing is published. */
  readonly republisher: RepublishSource | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** Bounds; each has a default. */
export interface ControlLimits {
  /** Bytes of a request body; more is answered 413. Default 64 KiB. */
  readonly maxBodyBytes?: number;
  /** Open connections; more are refused. Default 1,024. */
  readonly maxConnections?: number;
  /** Of those over TCP, the ones of one network (IPv6: /64) on which no token was used yet. Default 256. */
  readonly maxStrangers?: number;
  /** Streams at one time; more are answered 429. Default 400. */
  readonly maxStreams?: number;
  /** Bytes that wait for one stream's reader before the stream waits too. Default 4 MiB. */
  readonly maxUnsentBytes?: number;
  /** Bytes that wait for all readers: with more, each stream waits with `FAIR_UNSENT_BYTES` already. Default 64 MiB. */
  readonly maxAllUnsentBytes?: number;
  /** Milliseconds that a reader with `maxUnsentBytes` waiting may take nothing before it is closed. Default 10 s. */
  readonly stallMs?: number;
  /** Milliseconds a request may take to arrive. Default 15 s. */
  readonly requestTimeoutMs?: number;
}

export const DEFAULT_LIMITS: Required<ControlLimits> = {
  maxBodyBytes: 64 * 1024,
  maxConnections: 1024,
  maxStrangers: 256,
  maxStreams: 400,
  maxUnsentBytes: 4 * 1024 * 1024,
  maxAllUnsentBytes: 64 * 1024 * 1024,
  stallMs: 10_000,
  requestTimeoutMs: 15_000,
};
