import { SiderolinkError } from '../domain/errors.ts';

/**
 * Why an exchange with a machine's API failed:
 * - `certificate_demanded`: it wants a client certificate, so it is in normal mode;
 * - `unreachable`: no TCP connection to it, or none from our address;
 * - `timeout`: no whole answer within the deadline; what was asked for may have been done;
 * - `refused`: it answered with a gRPC status, see `status`;
 * - `unimplemented`: the same with UNIMPLEMENTED: too old, or not a call for us;
 * - `broken`: it spoke, but not as such a server does, or stopped in the middle; what was asked for may have been done;
 * - `aborted`: we gave up ourselves; what was asked for may have been done.
 */
export type MachineApiFault =
  | 'certificate_demanded'
  | 'unreachable'
  | 'timeout'
  | 'refused'
  | 'unimplemented'
  | 'broken'
  | 'aborted';

/** A failed exchange. Its message may be shown and logged: it holds nothing that was sent. */
export class MachineApiError extends SiderolinkError {
  readonly fault: MachineApiFault;
  /** The gRPC status code of the answer; null if there was none. */
  readonly status: number | null;

  constructor(fault: MachineApiFault, message: string, status: number | null = null, options?: ErrorOptions) {
    super('unavailable', message, { fault, ...(status !== null && { grpc_status: status }) }, options);
    this.fault = fault;
    this.status = status;
  }
}
