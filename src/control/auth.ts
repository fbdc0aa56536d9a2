import type { IncomingMessage } from 'node:http';
import type { Problem } from '../client/api.ts';
import { mayActAs, type Role } from '../domain/control-token.ts';
import { SiderolinkError } from '../domain/errors.ts';
import { sourceAddress } from '../domain/overlay.ts';
import type { Clock } from '../lib/clock.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ControlMetrics } from './metrics.ts';
import { networkOf } from './networks.ts';
import { makeProblem } from './problem.ts';
import { type Caller, SOCKET_CALLER } from './types.ts';

/** What a listener asks of a request before anything else reads it. */
export interface Door {
  /** Who makes the request. @throws Refusal */
  admit(request: IncomingMessage): Caller;
}

/** The unix socket: the kernel has let the caller in. */
export const SOCKET_DOOR: Door = { admit: () => SOCKET_CALLER };

const REFUSALS = {
  host: [421, 'wrong_host', 'this is not the host that the request is for; control.hosts names further ones'],
  origin: [403, 'origin_refused', 'this API is not for pages in browsers: requests with an Origin header are refused'],
  no_token: [401, 'unauthenticated', 'a token is needed: Authorization: Bearer TOKEN'],
  malformed_token: [401, 'unauthenticated', 'the Authorization header holds no control token: Bearer slc_…'],
  unknown_token: [401, 'unauthenticated', 'the token is not known here'],
  role: [403, 'unauthorized', 'the role is too low'],
} as const;

export type RefusalReason = keyof typeof REFUSALS;

/** A request that is not let in, and why. */
export class Refusal extends SiderolinkError {
  readonly reason: RefusalReason;
  readonly problem: Problem;
  /** Where the framework looks for it. */
  readonly statusCode: number;

  constructor(reason: RefusalReason, words?: string) {
    const [status, code, standard] = REFUSALS[reason];
    const detail = words ?? standard;
    super(status === 401 ? 'unauthenticated' : 'unauthorized', detail);
    this.reason = reason;
    this.problem = makeProblem(status, code, detail);
    this.statusCode = status;
  }
}

/** @throws Refusal `role`, which says which is needed */
export function requireRole(caller: Caller, least: Role): void {
  if (mayActAs(caller.role, least)) return;
  throw new Refusal('role', `this needs the role ${least}; ${caller.name} is ${caller.role}`);
}

/** In a minute, over all sources: whoever has many networks could fill the log otherwise. */
const MAX_LINES = 60;

/** Counts who is not let in, and logs it once a minute for each source. */
export class Refusals {
  readonly #metrics: ControlMetrics;
  readonly #logger: Logger;
  readonly #told: OnceAMinute;

  constructor(deps: { readonly controlMetrics: ControlMetrics; readonly logger: Logger; readonly clock: Clock }) {
    this.#metrics = deps.controlMetrics;
    this.#logger = deps.logger;
    this.#told = new OnceAMinute({ maxSubjects: 1_000, maxPasses: MAX_LINES }, deps);
  }

  note({ reason }: Refusal, request: IncomingMessage, caller: Caller | undefined): void {
    this.#metrics.refusals.inc({ reason });
    const source = sourceAddress(request.socket.remoteAddress);
    const suppressed = this.#told.pass(networkOf(source));
    if (suppressed === undefined) return;
    const by = caller === undefined ? {} : { by: caller.name, role: caller.role };
    this.#logger.warn({ source, reason, ...by, suppressed }, 'control request refused');
  }
}
