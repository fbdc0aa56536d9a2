import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { connect, errors, type NatsConnection } from '@nats-io/transport-node';
import { errorMessage, SiderolinkError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { connectionOptions } from './credentials.ts';
import type { NatsLinkOptions } from './link-options.ts';
import { LEAST_MESSAGE_BYTES, messageId } from './message.ts';
import { NatsWire } from './nats-wire.ts';
import { isDenied, isForbidden, provenThrough } from './proof.ts';
import { reachable } from './reachable.ts';
import type { Receipt, StreamSeen } from './receipts.ts';
import { mismatch, newStream, type StreamFacts } from './stream-config.ts';
import type { Answer, Wire } from './wire.ts';

export interface NatsLinkDeps {
  readonly clock: Clock;
  /** 0 … 1, to spread tries. */
  readonly random: () => number;
  readonly events: NatsLinkEvents;
}

export interface NatsLinkEvents {
  /** The stream is there and as it must be. */
  up(wire: Wire): void;
  /** What was acknowledged with the highest sequence of the stream: asked before it is looked at. */
  acknowledged(): Receipt;
  /** The same at moments before, the oldest first. */
  remembered(): readonly Receipt[];
  /**
   * What the stream has, before anything is sent on its account.
   * @param acknowledged as it was before the look
   * @returns whether what is in flight is to be forgotten: no answer to it is heard, and `up` follows
   */
  seen(stream: StreamSeen, acknowledged: number): boolean;
  down(): void;
  answered(lane: number, seq: number, answer: Answer): void;
  /** The server refused to take messages of a subject. */
  forbidden(subject: string, message: string): void;
  /** `server`: where we are connected; undefined while we are not, and then why not. */
  connection(server: string | undefined, problem: string | undefined): void;
  /** What is wrong with the stream; undefined if nothing, or while we cannot know. */
  stream(problem: string | undefined): void;
}

const PROOF_TRIES = 3;
/** What the library says where a connection is taken and ended, as by a balancer that has nobody behind it. */
const UNDEFINED_ERROR = 'node provided an undefined error';

/** What a look at the stream came to: either it is as it must be, or there is a problem with it, or it was not to be seen. */
type Look =
  | { readonly is: 'fit'; readonly facts: StreamFacts; readonly seen: StreamSeen }
  /** `byServer`: by what the server told of itself, which it does once on each connection. */
  | { readonly is: 'unfit'; readonly problem: string; readonly byServer?: boolean }
  | { readonly is: 'unseen'; readonly problem: string; readonly isDenied: boolean };

/**
 * One connection after the other, for as long as it takes. The library's own reconnecting is not used: it gives up
 * after some authentication errors, keeps credentials for ever and leaks a little with every failed try. Each
 * connection is a new client with credentials read anew, and nothing is sent on it before the stream was looked at.
 */
export class NatsLink {
  readonly #options: NatsLinkOptions;
  readonly #deps: NatsLinkDeps;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #connection: NatsConnection | undefined;
  #failures = 0;
  /** Who led the stream when it had what it acknowledged up to this sequence. */
  #proven: { readonly leader: string | undefined; readonly through: number } = { leader: undefined, through: 0 };
  /** Who leads anew has not yet done all that it knows of, and who led before may not know that yet: both say less than there is. */
  #isSuspect = false;
  /** Whether that was asked on this connection, and how often it failed in a row. */
  #isProven = false;
  #unproven = 0;
  /** The server no longer lets us hear answers, and does not begin again by itself when it would. */
  #isDeaf = false;
  /** Messages were not answered in time, since the last look. */
  #isUnanswered = false;
  #lookAgain: () => void = () => {};

  constructor(options: NatsLinkOptions, deps: NatsLinkDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Closes the connection: what is in flight is not waited for. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // A try to connect cannot be broken off; whoever stops us ends the thread, which ends that too.
    if (this.#connection === undefined) return;
    await this.#connection.close();
    await this.#running;
  }

  /**
   * The stream may have changed or be gone: looks at it, soon.
   * @param isUnanswered whether that is thought because nothing answers
   */
  lookAtStream(isUnanswered = false): void {
    this.#isUnanswered ||= isUnanswered;
    this.#lookAgain();
  }

  async #run(): Promise<void> {
    const { clock, events } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      try {
        // There is nothing to tell of: what was wrong stays told until it is known to be otherwise.
        if ((await this.#connected()) === 'anew') continue;
        events.connection(undefined, 'the connection was closed');
      } catch (error) {
        events.connection(undefined, reasonOf(error));
      }
      events.stream(undefined);
      this.#failures++;
      await clock.sleep(this.#pause(), this.#stopping.signal);
    }
  }

  /** Half of it or more by chance, so that many daemons do not come at once. */
  #pause(): number {
    const { dialMs, dialMaxMs } = this.#options;
    return Math.min(dialMaxMs, dialMs * 2 ** Math.min(this.#failures - 1, 20)) * (0.5 + this.#deps.random() / 2);
  }

  /** From the first to the last moment of one connection. @throws why there is none, or why it ended */
  async #connected(): Promise<'anew' | undefined> {
    const { access, dialTimeoutMs, pingMs } = this.#options;
    await reachable(access.servers, dialTimeoutMs);
    const connection = await connect({
      ...connectionOptions(access),
      name: 'siderolinkd',
      reconnect: false,
      ignoreAuthErrorAbort: true,
      maxReconnectAttempts: -1,
      noEcho: true,
      noAsyncTraces: true,
      timeout: dialTimeoutMs,
      pingInterval: pingMs,
      maxPingOut: 2,
    });
    this.#connection = connection;
    this.#isProven = false;
    this.#isSuspect = false;
    this.#unproven = 0;
    this.#isUnanswered = false;
    const closed = new AbortController();
    const ended = connection.closed().then((error) => {
      closed.abort();
      return error;
    });
    if (this.#stopping.signal.aborted) await connection.close();
    this.#deps.events.connection(connection.getServer(), undefined);
    const listening = this.#listen(connection);
    let next: 'anew' | undefined;
    try {
      next = await this.#keepStream(connection, closed.signal);
    } finally {
      this.#deps.events.down();
      this.#connection = undefined;
      await connection.close();
      await listening;
    }
    const error = await ended;
    if (error instanceof Error) throw error;
    return next;
  }

  /**
   * Until the connection ends: the stream is looked at until it is as it must be, and again when somebody asks.
   * @returns `anew` if it would not become better on this connection, and may on the next
   */
  async #keepStream(connection: NatsConnection, closed: AbortSignal): Promise<'anew' | undefined> {
    const { clock, events, random } = this.#deps;
    const { streamMs, lookMs, unseenMs } = this.#options;
    let unseenSince = Number.POSITIVE_INFINITY;
    let stuckSince = Number.POSITIVE_INFINITY;
    let stored = 0;
    const onAnswer = events.answered.bind(events);
    let wire: NatsWire | undefined;
    const rest = (): void => {
      wire?.close();
      if (wire !== undefined) events.down();
      wire = undefined;
    };
    while (!closed.aborted) {
      const asked = new AbortController();
      this.#lookAgain = () => asked.abort();
      const acknowledged = events.acknowledged();
      const look = await this.#look(connection, acknowledged, rest);
      if (closed.aborted) return undefined;
      const hasStored = acknowledged.sequence !== stored;
      stored = acknowledged.sequence;
      const isGood = look.is !== 'unseen' || look.isDenied || hasStored;
      unseenSince = isGood ? Number.POSITIVE_INFINITY : Math.min(unseenSince, clock.monotonic());
      const isStuck = look.is === 'fit' ? this.#isUnanswered && !hasStored : look.is === 'unfit' && look.byServer;
      stuckSince = isStuck ? Math.min(stuckSince, clock.monotonic()) : Number.POSITIVE_INFINITY;
      this.#isUnanswered = false;
      if (clock.monotonic() - stuckSince > unseenMs) return 'anew';
      // It may be cut off from those that have the stream. Each connection is to one of them by chance.
      if (look.is === 'unseen' && clock.monotonic() - unseenSince > unseenMs) {
        throw new SiderolinkError('unavailable', look.problem);
      }
      // Whether messages are stored tells more than a look that failed.
      const isKept = look.is === 'unseen' && wire !== undefined;
      if (!isKept) {
        events.stream(look.is === 'fit' ? undefined : look.problem);
        const former = wire;
        if (look.is !== 'fit') wire = undefined;
        else if (events.seen(look.seen, acknowledged.sequence) || this.#isDeaf || wire?.isFor(look.facts) !== true) {
          this.#isDeaf = false;
          wire = new NatsWire(look.facts, { connection, onAnswer });
        }
        if (wire !== former) former?.close();
        if (wire === undefined && former !== undefined) events.down();
        if (wire !== undefined && wire !== former) {
          this.#failures = 0;
          events.up(wire);
        }
      }
      await clock.sleep(streamMs * (0.5 + random() / 2), closed);
      if (wire !== undefined && !isKept) await clock.sleep(lookMs, AbortSignal.any([asked.signal, closed]));
    }
    return undefined;
  }

  /** @param beforeMade a new stream gets nothing before it is known what the old one had: or that would come first */
  async #look(connection: NatsConnection, acknowledged: Receipt, beforeMade: () => void): Promise<Look> {
    const { stream: wish, createStream } = this.#options;
    try {
      const { streams } = await jetstreamManager(connection, { checkAPI: false });
      let info: StreamInfo;
      try {
        info = await streams.info(wish.name);
      } catch (error) {
        if (!isMissing(error)) throw error;
        if (!createStream) {
          const problem = `there is no stream ${wish.name}: make it, or set publish.nats.create_stream`;
          return { is: 'unfit', problem };
        }
        beforeMade();
        info = await streams.add(newStream(wish));
      }
      const { config: facts, created, state } = info;
      const problem = mismatch(wish, facts);
      if (problem !== undefined) return { is: 'unfit', problem };
      const small = tooSmall(connection);
      if (small !== undefined) return { is: 'unfit', problem: small, byServer: true };
      const proven = await this.#provenThrough(connection, acknowledged, info.cluster?.leader);
      const seen = { created, lastSequence: Math.min(state.last_seq, proven) };
      const isShort = seen.lastSequence < acknowledged.sequence && (info.cluster?.replicas?.length ?? 0) > 0;
      if (isShort && !this.#isSuspect) {
        this.#isSuspect = true;
        this.#isProven = false;
        return {
          is: 'unseen',
          problem: `the server that leads the stream ${wish.name} lacks some of it`,
          isDenied: false,
        };
      }
      this.#isSuspect = false;
      return { is: 'fit', facts, seen };
    } catch (error) {
      const problem = `cannot look at or make the stream ${wish.name}: ${reasonOf(error)}`;
      return { is: 'unseen', problem, isDenied: isForbidden(error) };
    }
  }

  /** How far the stream has what it acknowledged: asked once on each connection, and when another server leads. */
  async #provenThrough(connection: NatsConnection, newest: Receipt, leader: string | undefined): Promise<number> {
    const { stream, idPrefix, dialTimeoutMs } = this.#options;
    const isSame = this.#isProven && leader === this.#proven.leader;
    const since = Math.min(this.#proven.through, newest.sequence);
    if (isSame || this.#unproven >= PROOF_TRIES) {
      this.#proven = { leader, through: newest.sequence };
      return Infinity;
    }
    const { streams } = await jetstreamManager(connection, { checkAPI: false, timeout: dialTimeoutMs });
    const idAt = async (seq: number) => (await streams.getMessage(stream.name, { seq }))?.header.get('Nats-Msg-Id');
    const receipts = this.#deps.events.remembered().filter(({ sequence }) => sequence < newest.sequence);
    try {
      const proven = await provenThrough([...receipts, newest], since, (record) => messageId(idPrefix, record), idAt);
      this.#proven = { leader, through: Math.min(newest.sequence, proven) };
      this.#isProven = true;
      this.#unproven = 0;
      return proven;
    } catch (error) {
      // Nobody may answer that ever, and it is no condition of publishing.
      this.#unproven = isDenied(error) ? PROOF_TRIES : this.#unproven + 1;
      if (this.#unproven < PROOF_TRIES) throw error;
      return Infinity;
    }
  }

  async #listen(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof errors.PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      // That much is not needed to publish.
      if (subject === `$JS.API.STREAM.MSG.GET.${this.#options.stream.name}`) continue;
      if (operation === 'publish') this.#deps.events.forbidden(subject, `may not publish to ${subject}`);
      else {
        this.#isDeaf = true;
        this.#deps.events.stream(`may not subscribe to ${subject}: no acknowledgement can be heard`);
      }
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}

function tooSmall({ info }: NatsConnection): string | undefined {
  const serverBytes = info?.max_payload;
  if (serverBytes !== undefined && serverBytes < LEAST_MESSAGE_BYTES) {
    return `the server takes messages of ${serverBytes} bytes: set its max_payload to ${LEAST_MESSAGE_BYTES} or more`;
  }
  return undefined;
}

/** The library's messages, some of which say little, in words for an operator. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.TimeoutError) return 'no answer in time';
  const isUnheard = error instanceof errors.RequestError && error.isNoResponders();
  if (isUnheard || (error instanceof Error && error.name === 'JetStreamNotEnabled')) {
    return 'JetStream is not enabled there, or has no leader now';
  }
  const message = errorMessage(error);
  return message.endsWith(UNDEFINED_ERROR) ? 'whoever is there hung up at once' : message;
}
