import { ERRORS, errorCode, errorMessage, SiderolinkError } from '../domain/errors.ts';
import { type JoinRequest, parseJoinRequest } from '../domain/join-request.ts';
import type { JoinPolicy, Refusal } from '../domain/join-types.ts';
import type { OverlayAddress } from '../domain/overlay.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { JoinWait } from '../fleet/join-waits.ts';
import { sidero } from '../gen/proto.js';
import type { Clock } from '../lib/clock.ts';
import type { GrpcStatus, UnaryCall, UnaryMethod } from '../lib/grpc.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import { Pacer } from '../lib/pacer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { LinkMonitor, WireGuard } from '../wireguard/types.ts';
import { AdmissionDesk, type Outcome } from './admission-desk.ts';
import { AnswerEncoder, type JoinAnswer } from './answer.ts';
import { Conflicts } from './conflicts.ts';
import type { JoinMetrics } from './metrics.ts';
import { Prober } from './prober.ts';

export interface ProvisionOptions {
  readonly policy: JoinPolicy;
  /** WireGuard endpoints that machines dial, `host:port`, best first. */
  readonly endpoints: readonly string[];
  readonly serverAddress: OverlayAddress;
  /** From call to answer, milliseconds; then UNAVAILABLE. Default 15,000. */
  readonly deadlineMs?: number;
  /** Joins under way at one time; more are answered RESOURCE_EXHAUSTED. Default 20,000. */
  readonly maxRunning?: number;
  /** Incumbents asked at one time; more are answered RESOURCE_EXHAUSTED. Default 512. */
  readonly maxProbes?: number;
  /** `machine.conflict` records in an hour. Default 4,096. */
  readonly maxConflicts?: number;
  /** Refusals in a second, over all callers; what comes oftener is answered later. Default 200. */
  readonly refusalsPerSecond?: number;
  /** How late a refusal may be, milliseconds. Default 5,000. */
  readonly maxRefusalDelayMs?: number;
  /** Refusals that are late at one time; more are answered at once. Default 4,096. */
  readonly maxRefusalsWaiting?: number;
}

export interface ProvisionDeps {
  readonly fleet: Pick<Fleet, 'joins' | 'machines' | 'refusals' | 'waits'>;
  readonly wireguard: Pick<WireGuard, 'apply' | 'publicKey'>;
  readonly links: Pick<LinkMonitor, 'state' | 'isAlive' | 'unknownFor'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: JoinMetrics;
}

const PROVISION = '/sidero.link.ProvisionService/Provision';
/** Enough of a key to recognise it in `wg show`. */
const KEY_PREFIX = 8;

/** `sidero.link.ProvisionService`: what a Talos machine calls first. */
export class ProvisionService {
  readonly #options: ProvisionOptions;
  readonly #deps: ProvisionDeps;
  readonly #answers: AnswerEncoder;
  readonly #desk: AdmissionDesk;
  readonly #prober: Prober;
  readonly #conflicts: Conflicts;
  readonly #mayLog: OnceAMinute;
  readonly #refusals: Pacer;
  readonly #runs = new Map<string, Promise<Outcome>>();
  readonly #deadlineMs: number;

  /** @throws SiderolinkError `configuration` without endpoints */
  constructor(options: ProvisionOptions, deps: ProvisionDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#deadlineMs = options.deadlineMs ?? 15_000;
    this.#answers = new AnswerEncoder({
      endpoints: options.endpoints,
      serverKey: deps.wireguard.publicKey,
      serverAddress: options.serverAddress,
    });
    this.#prober = new Prober({ maxProbes: options.maxProbes ?? 512 }, deps);
    const onWait = (machine: number, wait: JoinWait) => this.#noteWait(machine, wait);
    this.#desk = new AdmissionDesk(options.policy, { ...deps, prober: this.#prober, onWait });
    this.#conflicts = new Conflicts({ maxPerHour: options.maxConflicts ?? 4_096 }, deps);
    // A fleet of `join.max_machines` may be refused at once, each machine for more than one reason.
    this.#mayLog = new OnceAMinute({ maxSubjects: 65_536 }, deps);
    this.#refusals = new Pacer(
      {
        perSecond: options.refusalsPerSecond ?? 200,
        maxDelayMs: options.maxRefusalDelayMs ?? 5_000,
        maxWaiting: options.maxRefusalsWaiting ?? 4_096,
        onWaiting: (waiting) => deps.metrics.refusalsWaiting.set(waiting),
      },
      deps,
    );
  }

  /** The method, for the gRPC edge. */
  method(): UnaryMethod<sidero.link.ProvisionRequest, JoinAnswer> {
    return {
      path: PROVISION,
      deadlineMs: this.#deadlineMs,
      decode: (bytes) => sidero.link.ProvisionRequest.decode(bytes),
      encode: (answer) => this.#answers.encode(answer),
      handle: (message, call) => this.#handle(message, call),
      onBroken: (_bytes, _error, call) => this.#refuse(BROKEN(), call),
    };
  }

  /**
   * Waits for no incumbent any longer, and resolves when no join is under way: what a machine was promised is then in
   * store and device. To be called when no new call can come.
   */
  async stop(): Promise<void> {
    this.#prober.stop();
    this.#refusals.release();
    while (this.#runs.size > 0) await Promise.allSettled([...this.#runs.values()]);
  }

  async #handle(message: sidero.link.ProvisionRequest, call: UnaryCall): Promise<JoinAnswer> {
    const { clock, metrics, wireguard } = this.#deps;
    const startedAt = clock.monotonic();
    let outcome: Outcome;
    let request: JoinRequest;
    try {
      request = parseJoinRequest(fieldsOf(message), wireguard.publicKey);
    } catch (error) {
      return this.#refuse(error, call);
    }
    try {
      outcome = await this.#shared(request, startedAt + this.#deadlineMs, call.source);
      this.#noteConflict(outcome, request, call.source);
      if (outcome.kind === 'refuse') this.#noteRefusal(outcome, request, call.source);
    } catch (error) {
      metrics.failed.inc({ code: errorCode(error) });
      throw error;
    }
    if (outcome.kind === 'refuse') {
      await this.#pace(call);
      throw new SiderolinkError(outcome.code, outcome.message, { row: outcome.row });
    }
    this.#deps.fleet.refusals.forget(outcome.machine.id);
    metrics.admitted.inc({ kind: outcome.by });
    metrics.seconds.observe((clock.monotonic() - startedAt) / 1_000);
    return { address: outcome.machine.address, tunnel: outcome.tunnel };
  }

  /** Of a request that cannot be read. */
  async #refuse(error: unknown, call: UnaryCall): Promise<never> {
    this.#deps.metrics.failed.inc({ code: errorCode(error) });
    await this.#pace(call);
    throw error;
  }

  /**
   * A flood of bad calls would otherwise be as fast as we can answer, and a good one would wait among them for each step
   * of its own.
   */
  async #pace(call: UnaryCall): Promise<void> {
    if (!(await this.#refusals.turn(() => call.signal))) this.#deps.metrics.refusalsHurried.inc();
  }

  /**
   * Equal calls share one run. The secrets belong to what makes them equal: a stranger who knows a machine's UUID and
   * key must not get its answer, nor give it his refusal.
   */
  #shared(request: JoinRequest, giveUpAt: number, source: string): Promise<Outcome> {
    const { asked, key, joinToken, uniqueToken, tunnel } = request;
    // Lengths keep apart what the texts themselves might blur.
    const name = [key, tunnel, asked.length, asked, joinToken?.length, joinToken, uniqueToken].join(' ');
    const shared = this.#runs.get(name);
    if (shared !== undefined) return shared;
    if (this.#runs.size >= (this.#options.maxRunning ?? 20_000)) {
      throw new SiderolinkError('exhausted', 'too many joins at once, try again');
    }
    const run = this.#desk.admit(request, giveUpAt, source).finally(() => {
      this.#runs.delete(name);
      this.#deps.metrics.running.set(this.#runs.size);
    });
    this.#runs.set(name, run);
    this.#deps.metrics.running.set(this.#runs.size);
    return run;
  }

  /** Being asked is what comes before each boot; to be unknown for minutes is what somebody will look for. */
  #noteWait(id: number, { reason, until, source }: JoinWait): void {
    if (reason === 'asked') return;
    const suppressed = this.#mayLog.pass(`wait ${reason}`);
    if (suppressed === undefined) return;
    const uuid = this.#deps.fleet.machines.byId(id)?.uuid ?? null;
    const about = { uuid, source, seconds: Math.ceil((until - this.#deps.clock.now()) / 1_000), suppressed };
    this.#deps.logger.warn(
      about,
      'a newcomer waits: the device was made anew, and whether the machine of its UUID answers is not known yet',
    );
  }

  #noteConflict(outcome: Outcome, { asked, key }: JoinRequest, source: string): void {
    const { conflictWith } = outcome;
    const machine = conflictWith === null ? undefined : this.#deps.fleet.machines.byId(conflictWith);
    if (machine === undefined) return;
    if (outcome.kind === 'refuse') {
      this.#conflicts.note(machine, { asked, key, source, reason: outcome.reason, uuid: null });
      return;
    }
    const { uuid } = outcome.machine;
    this.#conflicts.note(machine, { asked, key, source, reason: outcome.by, uuid });
    const suppressed = this.#mayLog.pass(`${machine.id} ${outcome.by}`);
    if (suppressed === undefined) return;
    const about = { uuid: machine.uuid, identity: uuid, key: key.slice(0, KEY_PREFIX), source, suppressed };
    this.#deps.logger.warn(about, 'a newcomer with the UUID of a machine that is there got an identity of its own');
  }

  #noteRefusal(refusal: Refusal, { key }: JoinRequest, source: string): void {
    const { clock, fleet, logger, metrics } = this.#deps;
    const { reason } = refusal;
    metrics.refused.inc({ reason });
    const machine = refusal.machine === null ? undefined : fleet.machines.byId(refusal.machine);
    if (machine !== undefined) fleet.refusals.note(machine.id, { at: clock.now(), reason, source });
    const suppressed = this.#mayLog.pass(`${machine?.id ?? ''} ${reason}`);
    if (suppressed === undefined) return;
    const about = { uuid: machine?.uuid ?? null, key: key.slice(0, KEY_PREFIX), source };
    logger.warn({ ...about, reason, row: refusal.row, suppressed }, 'join refused');
  }
}

/**
 * What a caller of the API port is told. A refusal says what its row says; of our own troubles a stranger learns only
 * that he may try again.
 */
export function provisionStatus(
  logger: Logger,
  clock: Clock,
): (error: unknown, call: { source: string }) => GrpcStatus {
  const mayLog = new OnceAMinute({}, { clock });
  return (error, { source }) => {
    const code = errorCode(error);
    switch (code) {
      case 'invalid_argument':
      case 'unauthorized':
      case 'not_found':
      case 'too_old':
      case 'exhausted':
        return { code: ERRORS[code].grpc, details: errorMessage(error) };
      default: {
        const suppressed = mayLog.pass(code);
        const level = code === 'unavailable' ? 'warn' : 'error';
        if (suppressed !== undefined) {
          logger[level]({ source, code, error: errorMessage(error), suppressed }, 'a join failed');
        }
        return { code: ERRORS.unavailable.grpc, details: 'not possible now, try again' };
      }
    }
  };
}

const BROKEN = () => new SiderolinkError('invalid_argument', 'the request is not the protobuf message of this method');

/** Absent optional fields decode to null, or are undefined in messages made by hand. */
function fieldsOf(message: sidero.link.ProvisionRequest) {
  return {
    node_uuid: message.node_uuid,
    node_public_key: message.node_public_key,
    join_token: message.join_token ?? null,
    node_unique_token: message.node_unique_token ?? null,
    talos_version: message.talos_version ?? null,
    wireguard_over_grpc: message.wireguard_over_grpc ?? null,
  };
}
