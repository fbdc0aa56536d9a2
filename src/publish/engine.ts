import { LANES } from '../domain/lane.ts';
import type { Clock } from '../lib/clock.ts';
import { OnceAMinute } from '../lib/once-a-minute.ts';
import { Backlog, type RecordSource } from './backlog.ts';
import { CursorKeeper, type Cursors } from './cursors.ts';
import { NatsLink } from './nats-link.ts';
import { Outbox } from './outbox.ts';
import type { EngineOptions, FromEngine, PublishState, ToEngine } from './protocol.ts';
import { type Moment, RECEIPTS_DEFAULTS, Receipts, type StreamSeen } from './receipts.ts';
import { REPLAY_FLYING_BYTES, Replay } from './replay.ts';
import { Tally } from './tally.ts';
import type { Answer, Refusal, Wire } from './wire.ts';

export interface EngineDeps {
  readonly source: RecordSource;
  readonly clock: Clock;
  readonly random: () => number;
  readonly post: (message: FromEngine) => void;
}

/** What happened and is shown for a while. */
interface Told {
  readonly text: string;
  /** Monotonic. */
  readonly at: number;
}

/** Refusals after which the stream is looked at: it may be gone, or other than it was. */
const STREAM_REFUSALS: readonly Refusal[] = ['no_stream', 'wrong_stream', 'too_large', 'timeout'];
/** A refusal is shown for so long after the last one. */
const REFUSAL_SHOWN_MS = 30_000;
const LOSS_SHOWN_MS = 600_000;
/** Of the time to stop, this part may be spent on waiting for acknowledgements. */
const LANDING_PART = 0.5;

/** All of the publisher but its thread: reads, sends, has cursors stored and reports, told what to do by messages. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #deps: EngineDeps;
  readonly #backlog: Backlog;
  readonly #outbox: Outbox;
  readonly #keeper: CursorKeeper;
  readonly #link: NatsLink;
  readonly #receipts: Receipts;
  readonly #tally = new Tally();
  readonly #seldom: OnceAMinute;
  #wire: Wire | undefined;
  /** What somebody asked to be sent once more. */
  #replay: { readonly run: number; readonly replay: Replay } | undefined;
  #server: string | undefined;
  #problem: string | undefined = 'not yet connected';
  #isStopping = false;
  #streamProblem: string | undefined;
  /** Of the last loss. */
  #loss: Told | undefined;
  #refusal: Told | undefined;
  #forbidden: Told | undefined;
  #onStored: (isStored: boolean) => void = () => {};
  #cancelReport: () => void = () => {};
  #cancelNote: () => void = () => {};

  constructor(options: EngineOptions, deps: EngineDeps) {
    const { clock, random, source } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#seldom = new OnceAMinute({}, { clock });
    this.#backlog = new Backlog(
      { prefix: options.prefix, cursors: options.cursors, limits: options.backlog },
      { source, onFilled: (lane) => this.#outbox.filled(lane) },
    );
    this.#backlog.grew(options.head);
    this.#outbox = new Outbox(options.outbox, {
      ...{ backlog: this.#backlog, clock, random, defer: setImmediate },
      events: {
        published: (isDuplicate, isMarker, ms) => this.#tally.published(isDuplicate, isMarker, ms),
        lost: (sequence) => this.#doubt(sequence),
        refused: (reason, message, subject) => this.#refused(reason, message, subject),
      },
    });
    this.#receipts = new Receipts(RECEIPTS_DEFAULTS, { at: clock.monotonic(), cursors: options.cursors });
    this.#keeper = new CursorKeeper(
      { ...options.keeper, cursors: options.cursors },
      { backlog: this.#backlog, outbox: this.#outbox, clock, store: (cursors) => this.#store(cursors) },
    );
    this.#link = new NatsLink(options.link, {
      ...{ clock, random },
      events: {
        up: (wire) => this.#up(wire),
        acknowledged: () => this.#outbox.newest,
        remembered: () => this.#receipts.remembered,
        seen: (stream, acknowledged) => this.#seen(stream, acknowledged),
        down: () => this.#down(),
        answered: (lane, seq, answer) => this.#answered(lane, seq, answer),
        forbidden: (subject, message) => this.#forbid(subject, message),
        connection: (server, problem) => this.#connection(server, problem),
        stream: (problem) => this.#stream(problem),
      },
    });
  }

  start(): void {
    this.#keeper.start();
    this.#noteLater();
    this.#link.start();
    this.#report();
    this.#reportLater();
  }

  receive(message: ToEngine): void {
    switch (message.kind) {
      case 'head':
        this.#backlog.grew(message.head);
        this.#outbox.read();
        this.#deps.post({ kind: 'headTaken' });
        return;
      case 'stored':
        this.#onStored(message.isStored);
        return;
      case 'replay':
        this.#replayOf(message.run).send(message.page);
        return;
      case 'endReplay':
        if (this.#replay?.run === message.run) this.#endReplay();
        return;
      case 'stop':
        void this.#stop(message.deadlineMs);
        return;
    }
  }

  /** Lets what is in flight land, if that does not take too long, and has the cursors stored. */
  async #stop(deadlineMs: number): Promise<void> {
    const { clock, post } = this.#deps;
    this.#isStopping = true;
    this.#cancelReport();
    this.#cancelNote();
    this.#endReplay();
    await Promise.race([this.#outbox.stop(), clock.sleep(deadlineMs * LANDING_PART)]);
    // What is known to be lost is sent again after the next start.
    if (this.#receipts.isDoubted) this.#seen(undefined, this.#outbox.newest.sequence);
    await this.#keeper.stop();
    this.#report();
    await this.#link.stop();
    post({ kind: 'stopped' });
  }

  #store(cursors: Cursors): Promise<boolean> {
    return new Promise((resolve) => {
      this.#onStored = resolve;
      this.#deps.post({ kind: 'cursors', cursors });
    });
  }

  #up(wire: Wire): void {
    this.#log('info', { server: this.#server, stream: this.#options.outbox.stream }, 'publishing to NATS');
    this.#wire = wire;
    this.#outbox.connect(wire);
    this.#replay?.replay.connect(wire);
  }

  #down(): void {
    this.#wire = undefined;
    this.#outbox.disconnect();
    this.#replay?.replay.disconnect();
  }

  #doubt(sequence: number): void {
    this.#receipts.doubt(sequence);
    this.#outbox.disconnect();
    this.#link.lookAtStream();
  }

  /** Whether lanes went back. */
  #seen(stream: StreamSeen | undefined, acknowledged: number): boolean {
    const back = this.#receipts.judge(stream, acknowledged);
    if (back === undefined) return false;
    this.#rewind(back);
    return true;
  }

  #rewind(moment: Moment): void {
    const { at, sequence, cursors } = moment;
    const { clock } = this.#deps;
    const now = clock.monotonic();
    this.#outbox.rewind(moment);
    this.#backlog.rewind(cursors);
    this.#keeper.rewind();
    this.#replay?.replay.rewind(sequence);
    this.#tally.lost();
    const seconds = Math.ceil((now - at) / 1000);
    const text =
      'the stream lost messages that it had acknowledged; what it may lack of the last minutes is sent again';
    this.#loss = { text, at: now };
    this.#log('warn', { stream: this.#options.outbox.stream, sequence, seconds }, text);
    this.#report();
  }

  #answered(lane: number, seq: number, answer: Answer): void {
    if (lane < LANES) this.#outbox.answered(lane, seq, answer);
    else this.#replay?.replay.answered(lane, seq, answer);
  }

  #replayOf(run: number): Replay {
    if (this.#replay?.run === run) return this.#replay.replay;
    this.#endReplay();
    const { clock, random, post } = this.#deps;
    const options = { ...this.#options.outbox, prefix: this.#options.prefix, maxFlyingBytes: REPLAY_FLYING_BYTES };
    const replay = new Replay(options, {
      ...{ clock, random, defer: setImmediate },
      refused: (reason, message, subject) => this.#refused(reason, message, subject),
      done: (counts) => post({ kind: 'replayed', run, counts }),
      published: (lane) => this.#backlog.publishedThrough(lane),
    });
    this.#replay = { run, replay };
    if (this.#wire !== undefined) replay.connect(this.#wire);
    return replay;
  }

  #endReplay(): void {
    this.#replay?.replay.disconnect();
    this.#replay = undefined;
  }

  #connection(server: string | undefined, problem: string | undefined): void {
    // That we end it ourselves is no problem.
    if (this.#isStopping) return;
    if (problem !== undefined && (this.#server !== undefined || this.#seldom.pass(problem) !== undefined)) {
      this.#log('warn', { problem }, 'no connection to NATS; records are kept until there is one');
    }
    this.#server = server;
    this.#problem = problem;
    this.#report();
  }

  #stream(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#streamProblem)
      this.#log('warn', { problem }, 'cannot publish to NATS');
    this.#streamProblem = problem;
    this.#report();
  }

  #forbid(subject: string, message: string): void {
    this.#forbidden = { text: message, at: this.#deps.clock.monotonic() };
    this.#outbox.forbidden(subject, message);
    this.#replay?.replay.forbidden(subject, message);
  }

  #refused(reason: Refusal, message: string, subject: string): void {
    this.#tally.refused(reason);
    // The connection's end is told once, not for each message.
    if (reason === 'disconnected') return;
    this.#refusal = { text: `${reason}: ${message}`, at: this.#deps.clock.monotonic() };
    const suppressed = this.#seldom.pass(reason);
    if (suppressed !== undefined) {
      this.#log('warn', { reason, message, subject, suppressed }, 'a message was not stored; it is sent again');
    }
    if (STREAM_REFUSALS.includes(reason)) this.#link.lookAtStream(reason === 'timeout');
  }

  #noteLater(): void {
    const { clock } = this.#deps;
    this.#cancelNote = clock.after(RECEIPTS_DEFAULTS.everyMs, () => {
      this.#receipts.note(clock.monotonic(), this.#outbox.newest, () => this.#backlog.cursors);
      this.#noteLater();
    });
  }

  #reportLater(): void {
    this.#cancelReport = this.#deps.clock.after(this.#options.reportMs, () => {
      this.#report();
      this.#reportLater();
    });
  }

  #report(): void {
    this.#deps.post({ kind: 'report', state: this.#state(), counts: this.#tally.take() });
  }

  #state(): PublishState {
    const oldest = this.#backlog.oldest();
    return {
      server: this.#server ?? null,
      problem: this.#problem ?? null,
      streamProblem: this.#streamProblem ?? this.#recent(this.#forbidden) ?? null,
      head: this.#backlog.head,
      waiting: this.#backlog.remaining + this.#outbox.unanswered,
      oldest: oldest === undefined ? null : Date.parse(oldest.receivedAt),
      lanesBehind: this.#backlog.lanesBehind,
      refusal: this.#recent(this.#refusal) ?? null,
      loss: this.#recent(this.#loss, LOSS_SHOWN_MS) ?? null,
    };
  }

  #recent(told: Told | undefined, shownMs = REFUSAL_SHOWN_MS): string | undefined {
    return told === undefined || this.#deps.clock.monotonic() - told.at > shownMs ? undefined : told.text;
  }

  #log(level: 'info' | 'warn', fields: object, message: string): void {
    this.#deps.post({ kind: 'log', level, fields, message });
  }
}
