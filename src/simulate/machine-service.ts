import { errorMessage } from '../domain/errors.ts';
import { machine } from '../gen/proto.js';
import type { TalosProfile } from './profile.ts';

/** gRPC status codes that a machine answers with. */
export const STATUS = {
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
} as const;

/** An answer that is not OK. */
export class CallFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** META as the API sees it. */
export interface MetaAccess {
  /** Whether there was room. */
  write(key: number, value: string): boolean;
  /** Whether it was there. */
  remove(key: number): boolean;
}

export interface ServiceCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Uint8Array;
  /** Whether the peer calls over SideroLink, which makes it an administrator. */
  readonly trusted: boolean;
}

type Method = 'Version' | 'MetaWrite' | 'MetaDelete';

const SERVICE = '/machine.MachineService/';

/**
 * Answers a call in maintenance mode as the release does (facts/talos-client.md section 6.3), as far as the simulator
 * serves it: Version, MetaWrite, MetaDelete.
 * @throws CallFailure
 */
export function answerInMaintenance(profile: TalosProfile, meta: MetaAccess, call: ServiceCall): Uint8Array {
  const method = admit(profile, call);
  if (method === 'Version') {
    return machine.VersionResponse.encode({ messages: [{ version: { tag: profile.tag } }] }).finish();
  }
  if (method === 'MetaWrite') {
    const { key, value } = decode(() => machine.MetaWriteRequest.decode(call.message));
    if (!meta.write(uint8(key), Buffer.from(value ?? new Uint8Array()).toString('utf8'))) {
      throw new CallFailure(STATUS.resourceExhausted, 'meta write failed');
    }
    return machine.MetaWriteResponse.encode({ messages: [{}] }).finish();
  }
  const { key } = decode(() => machine.MetaDeleteRequest.decode(call.message));
  if (!meta.remove(uint8(key))) throw new CallFailure(STATUS.notFound, 'meta key not found');
  return machine.MetaDeleteResponse.encode({ messages: [{}] }).finish();
}

/** The method, if the release serves it in maintenance mode and to this peer. */
function admit(profile: TalosProfile, { path, trusted }: ServiceCall): Method {
  const name = path.startsWith(SERVICE) ? path.slice(SERVICE.length) : '';
  const served: Readonly<Record<Method, boolean>> = {
    Version: profile.maintenanceVersion,
    MetaWrite: profile.maintenanceMeta,
    MetaDelete: profile.maintenanceMeta,
  };
  if (name === '') throw new CallFailure(STATUS.unimplemented, `unknown service ${path.split('/')[1] ?? ''}`);
  if (!Object.hasOwn(served, name) || !served[name as Method]) {
    throw new CallFailure(STATUS.unimplemented, `method ${name} not implemented`);
  }
  if (trusted) return name as Method;
  if (!profile.maintenanceRoles) {
    throw new CallFailure(STATUS.unimplemented, 'API is not implemented in maintenance mode');
  }
  // Every other peer is a reader.
  if (name !== 'Version') throw new CallFailure(STATUS.permissionDenied, 'not authorized');
  return name;
}

function uint8(key: number | null | undefined): number {
  const number = key ?? 0;
  if (number > 255) throw new CallFailure(STATUS.invalidArgument, 'key must be a uint8');
  return number;
}

function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CallFailure(STATUS.internal, `grpc: error unmarshalling request: ${errorMessage(error)}`);
  }
}
