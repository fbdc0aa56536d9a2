import type { Socket } from 'node:net';
import type { CertificateSource } from './certificate.ts';
import type { HandshakeFailure } from './grpc-tls.ts';

/** A gRPC status as it goes on the wire. `details` is read by strangers. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

export interface GrpcEdgeOptions {
  /** What logs and errors call this listener. */
  readonly name: string;
  /** Ignored with `fd`. */
  readonly host?: string;
  /** 0 takes a free one. Ignored with `fd`. */
  readonly port?: number;
  readonly ipv6Only?: boolean;
  /** An inherited listening socket. */
  readonly fd?: number;
  /** Plaintext HTTP/2 if absent. */
  readonly certificate?: CertificateSource;
  /**
   * From accept to the end of the TLS handshake, if there is a certificate; and from there to the first frame.
   * Milliseconds. Default 60,000.
   */
  readonly handshakeTimeoutMs?: number;
  /** HTTP/2 pings that find dead peers, milliseconds. Default 300,000 and 20,000. */
  readonly keepalive?: { readonly timeMs: number; readonly timeoutMs: number };
  /** A connection without a call is closed after so many milliseconds. Default: never. */
  readonly maxConnectionIdleMs?: number;
  /**
   * One more takes the place of the oldest idle one of the source that has most, which is counted as `crowded`; of that
   * source itself, or where none has more than others, it is closed at accept. Default 25,000.
   */
  readonly maxConnections?: number;
  /** What counts as one source there. Default: each normalised address. */
  readonly networkOf?: (source: string) => string;
  /** Calls at one time on one connection; more wait at the client. Default 100. */
  readonly maxConcurrentStreams?: number;
  /**
   * Likewise, until the client has heard of that bound: a proxy sends what it has as soon as it is connected, and cannot
   * always send again what is refused. Default: that bound.
   */
  readonly maxUntoldStreams?: number;
  /** Calls at one time in all; more are answered RESOURCE_EXHAUSTED. Default 20,000. */
  readonly maxRunning?: number;
  /** A larger request is answered RESOURCE_EXHAUSTED. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** Names and values of a request's metadata together; more is answered RESOURCE_EXHAUSTED. Default 16 KiB. */
  readonly maxMetadataBytes?: number;
  /** From a call's first byte to its answer, milliseconds; then UNAVAILABLE. A method may have its own. Default 30,000. */
  readonly deadlineMs?: number;
  /** How long a missing address (EADDRNOTAVAIL) is tried again, milliseconds. Default 10,000. */
  readonly bindTimeoutMs?: number;
  /** Makes a socket's remote address comparable. Default: as it is. */
  readonly normaliseSource?: (remote: string | undefined) => string;
  /** What an error of a handler tells the caller; also the place to log it. Default: INTERNAL, nothing else. */
  readonly toStatus?: (error: unknown, call: { readonly path: string; readonly source: string }) => GrpcStatus;
  /**
   * Told of every connection when it is accepted, before any call on it. Its calls have the same `source`, and the socket's
   * `remotePort` as `port`.
   */
  readonly onConnection?: (socket: Socket, source: string) => void;
  /** Told of every call when its headers are there, before its message; what it returns is called when the call has ended. */
  readonly onCall?: (source: string, port: number) => () => void;
  /** Counts what was refused before a handler saw it. */
  readonly onRefused?: (reason: RefusedReason) => void;
  /** Counts connections that TLS did not let through; `source` is normalised. */
  readonly onHandshakeFailed?: (failure: HandshakeFailure, source: string) => void;
}

/**
 * Connections: `connections` (too many), `crowded` (closed for one of another source), `protocol` (HTTP/2's rules are
 * broken, also by a single request), `flood` (frames that serve nothing, answers that nobody takes), `silent` (it never
 * spoke), `internal` (an error of ours). Calls: `running` (too many), `metadata` (too much), `deadline`, `stopping`.
 */
export type RefusedReason =
  | 'connections'
  | 'crowded'
  | 'protocol'
  | 'flood'
  | 'silent'
  | 'internal'
  | 'running'
  | 'metadata'
  | 'deadline'
  | 'stopping';
