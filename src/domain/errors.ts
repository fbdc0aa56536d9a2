/**
 * Every condition that a caller can meet, with its one place in each protocol.
 *
 * `grpc` is the gRPC status code, `http` the status of a problem+json answer, `exit` the exit code of a command
 * (sysexits.h where one fits). Detail goes to the log, never to a stranger.
 */
export const ERRORS = {
  invalid_argument: { grpc: 3, http: 400, exit: 2 },
  /** Nobody has said who he is. */
  unauthenticated: { grpc: 16, http: 401, exit: 77 },
  unauthorized: { grpc: 7, http: 403, exit: 77 },
  not_found: { grpc: 5, http: 404, exit: 4 },
  conflict: { grpc: 6, http: 409, exit: 5 },
  /** The caller has seen an older version than the one that is there. */
  stale: { grpc: 10, http: 412, exit: 5 },
  /** The change must name the version that it is based on. */
  precondition_required: { grpc: 9, http: 428, exit: 2 },
  too_old: { grpc: 9, http: 409, exit: 5 },
  exhausted: { grpc: 8, http: 429, exit: 75 },
  unavailable: { grpc: 14, http: 503, exit: 69 },
  storage: { grpc: 14, http: 507, exit: 74 },
  configuration: { grpc: 13, http: 500, exit: 78 },
  command_failed: { grpc: 13, http: 500, exit: 71 },
  internal: { grpc: 13, http: 500, exit: 70 },
} as const satisfies Record<string, { grpc: number; http: number; exit: number }>;

export type ErrorCode = keyof typeof ERRORS;

/** Values that explain an error to an operator. They reach our log, so they never hold a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | undefined>>;

export class SiderolinkError extends Error {
  override readonly name = 'SiderolinkError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** `unavailable` for a reason that whoever controls the fleet may read, and needs to: it names no secret and no fault of ours. */
export class Obstructed extends SiderolinkError {
  constructor(message: string, options?: ErrorOptions) {
    super('unavailable', message, {}, options);
  }
}

/** The error's code, or `internal` for anything that is not ours. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof SiderolinkError ? error.code : 'internal';
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
