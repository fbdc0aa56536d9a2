import type { PublicKey } from '../domain/keys.ts';
import type { Overlay } from '../domain/overlay.ts';
import type { JoinTokens, Machines } from '../fleet/types.ts';
import type { Clock } from '../lib/clock.ts';
import type { RecordLog } from '../stream/types.ts';
import type { Health } from '../telemetry/health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricsRegistry } from '../telemetry/metrics.ts';

/** What a caller may do: each role may all that the ones before it may. */
export const ROLES = ['reader', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who makes a request: the listener that took it says so. */
export interface Caller {
  readonly role: Role;
  /** For the records of what was changed. */
  readonly name: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    readonly caller: Caller;
  }
  interface FastifyContextConfig {
    /** The least role that may call the route. Every route has one. */
    role?: Role;
  }
}

/** What only the composition root knows of the daemon. */
export interface DaemonStatus {
  /** The installation's short id: what `Nats-Msg-Id` begins with (DESIGN section 5.3). */
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
  readonly kmsgPort: number;
  readonly eventsPort: number;
  /** First token of every subject. */
  readonly prefix: string;
}

export interface StatusSource {
  status(): DaemonStatus;
}

export interface ControlDeps {
  readonly log: RecordLog;
  readonly machines: Machines;
  readonly tokens: JoinTokens;
  readonly health: Health;
  readonly status: StatusSource;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** Bounds; each has a default. */
export interface ControlLimits {
  /** Bytes of a request body; more is answered 413. Default 64 KiB. */
  readonly maxBodyBytes?: number;
  /** Open connections; more are refused. Default 512. */
  readonly maxConnections?: number;
  /** Streams at one time; more are answered 429. Default 128. */
  readonly maxStreams?: number;
  /** Bytes that wait for one stream's reader before the stream waits too. Default 4 MiB. */
  readonly maxUnsentBytes?: number;
  /** Milliseconds that a reader with `maxUnsentBytes` waiting may take nothing before it is closed. Default 10 s. */
  readonly stallMs?: number;
  /** Milliseconds a request may take to arrive. Default 15 s. */
  readonly requestTimeoutMs?: number;
}

export const DEFAULT_LIMITS: Required<ControlLimits> = {
  maxBodyBytes: 64 * 1024,
  maxConnections: 512,
  maxStreams: 128,
  maxUnsentBytes: 4 * 1024 * 1024,
  stallMs: 10_000,
  requestTimeoutMs: 15_000,
};
