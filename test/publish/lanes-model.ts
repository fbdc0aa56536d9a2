import { laneOf } from '../../src/domain/lane.ts';
import { Backlog, type BacklogLimits, type RecordSource } from '../../src/publish/backlog.ts';
import { CursorKeeper } from '../../src/publish/cursors.ts';
import type { Message } from '../../src/publish/message.ts';
import { OUTBOX_DEFAULTS, Outbox } from '../../src/publish/outbox.ts';
import { RECEIPTS_DEFAULTS, Receipts } from '../../src/publish/receipts.ts';
import type { Refusal, Wire } from '../../src/publish/wire.ts';
import { ManualClock } from '../sinks/fakes.ts';
import { uuidOf } from '../stream/harness.ts';

interface Stored {
  readonly seq: number;
  readonly machine: string;
  readonly json: string;
}

/** A store that is a list. */
class ListSource implements RecordSource {
  readonly records: Stored[] = [];
  /** Records that were read, again and again. */
  rendered = 0;
  head = 0;

  append(machine: number, textLength: number): void {
    const uuid = uuidOf(machine);
    const seq = ++this.head;
    const subject = `p.${machine % 2 === 0 ? 'acme' : '_'}.${uuid}.kmsg.info`;
    const body = JSON.stringify({ msg: 'x'.repeat(textLength), seq });
    const head = `{"seq":${seq},"subject":"${subject}","received_at":"2026-01-01T00:00:00.000Z","boot":1`;
    this.records.push({ seq, machine: uuid, json: `${head},"body":${body}}` });
  }

  /** What retention does. */
  dropBefore(seq: number): void {
    const index = this.records.findIndex((record) => record.seq >= seq);
    this.records.splice(0, index === -1 ? this.records.length : index);
  }

  count(after: number, through: number): number {
    return this.records.filter(({ seq }) => seq > after && seq <= through).length;
  }

  read({ after, through, machine, maxRecords, maxText }: Parameters<RecordSource['read']>[0]) {
    const page: Stored[] = [];
    let text = 0;
    for (const record of this.records) {
      if (record.seq <= after || (machine !== undefined && record.machine !== machine)) continue;
      if (record.seq > through) break;
      if (page.length >= maxRecords || text >= maxText) {
        this.rendered += page.length;
        return { records: page, through: page.at(-1)?.seq ?? after };
      }
      page.push(record);
      text += record.json.length;
    }
    this.rendered += page.length;
    return { records: page, through: Math.min(through, this.head) };
  }
}

interface Flying {
  readonly connection: number;
  readonly lane: number;
  readonly seq: number;
}

/** A broker that stores, refuses, forgets to answer and goes away as it is told. */
export class FakeBroker {
  /** In the order in which they were stored, repeats too. */
  readonly stored: number[] = [];
  /** By seq of the record, its sequence in the stream. */
  readonly #ids = new Map<number, number>();
  /** What the stream holds, by sequence; `stored` has what was lost of it too. */
  held: number[] = [];
  /** When the stream was made. */
  created = 'first';
  #flying: Flying[] = [];
  #connection = 0;
  #isUp = false;

  get flying(): number {
    return this.#flying.length;
  }

  /** Messages of the current connection, by lane. */
  get lanesFlying(): readonly number[] {
    return this.#flying.filter(({ connection }) => connection === this.#connection).map(({ lane }) => lane);
  }

  connect(): Wire {
    this.#isUp = true;
    const connection = ++this.#connection;
    return {
      maxBytes: 1_000_000,
      send: (lane: number, seq: number, _message: Message) => void this.#flying.push({ connection, lane, seq }),
    };
  }

  /** What is under way may still arrive. */
  disconnect(): void {
    this.#isUp = false;
  }

  /** Forgets the last messages of the stream, acknowledged or not, or all of it. */
  lose(count: number): void {
    for (const seq of this.held.splice(Math.max(0, this.held.length - count))) this.#ids.delete(seq);
    if (this.held.length === 0) this.created += ', again';
  }

  /** What is under way never arrives: the server is gone. */
  dropFlying(): void {
    this.#flying = [];
  }

  /** Takes one of what is under way: stores it, perhaps, and answers, perhaps. */
  take(index: number, outbox: Pick<Outbox, 'answered'>, what: 'store' | 'store silently' | 'lose' | Refusal): void {
    const flying = this.#flying[index % Math.max(1, this.#flying.length)];
    if (flying === undefined) return;
    this.#flying = this.#flying.filter((other) => other !== flying);
    const { lane, seq } = flying;
    const isHeard = this.#isUp && flying.connection === this.#connection;
    if (what === 'store' || what === 'store silently') {
      const known = this.#ids.get(seq);
      if (known === undefined) this.#ids.set(seq, this.held.push(seq));
      this.stored.push(seq);
      const sequence = known ?? this.held.length;
      const duplicate = known !== undefined;
      if (isHeard && what === 'store') outbox.answered(lane, seq, { stored: true, duplicate, sequence });
    } else if (what !== 'lose' && isHeard) {
      outbox.answered(lane, seq, { stored: false, reason: what, message: 'refused' });
    }
  }
}

/** Lanes over a list and a fake broker, in time that stands until it is moved. */
export class LanesModel {
  readonly source = new ListSource();
  readonly broker = new FakeBroker();
  readonly clock = new ManualClock();
  readonly #limits: BacklogLimits;
  #cursors: ReadonlyMap<number, number> = new Map();
  #deferred: (() => void)[] = [];
  backlog!: Backlog;
  outbox!: Outbox;
  keeper!: CursorKeeper;
  receipts!: Receipts;
  /** How often lanes went back. */
  rewinds = 0;

  constructor(limits: BacklogLimits) {
    this.#limits = limits;
    this.restart();
  }

  /** As after `kill -9`: what was stored of the cursors is all that is known. */
  restart(): void {
    this.broker.disconnect();
    this.#deferred = [];
    const { clock, source } = this;
    this.backlog = new Backlog(
      { prefix: 'p', cursors: this.#cursors, limits: this.#limits },
      { source, onFilled: (lane) => this.outbox.filled(lane) },
    );
    this.outbox = new Outbox(
      { ...OUTBOX_DEFAULTS, idPrefix: 'i', stream: 'S' },
      {
        ...{ backlog: this.backlog, clock, random: () => 0.5 },
        defer: (callback) => void this.#deferred.push(callback),
        events: {
          published: () => {},
          refused: () => {},
          lost: (sequence) => {
            this.receipts.doubt(sequence);
            this.outbox.disconnect();
          },
        },
      },
    );
    const store = async (cursors: readonly (readonly [number, number])[]): Promise<boolean> => {
      this.#cursors = new Map([...this.#cursors, ...cursors]);
      return true;
    };
    this.keeper = new CursorKeeper(
      { storeMs: 100, idleMs: 1000, cursors: this.#cursors },
      { backlog: this.backlog, outbox: this.outbox, clock, store },
    );
    this.receipts = new Receipts(RECEIPTS_DEFAULTS, { at: clock.monotonic(), cursors: this.#cursors });
    this.keeper.start();
    this.backlog.grew(source.head);
  }

  get cursors(): ReadonlyMap<number, number> {
    return this.#cursors;
  }

  append(machine: number, count: number, textLength = 10): void {
    for (let i = 0; i < count; i++) this.source.append(machine, textLength);
    this.backlog.grew(this.source.head);
    this.outbox.read();
  }

  /** Moves time; moments are noted. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.receipts.note(this.clock.monotonic(), this.outbox.newest, () => this.backlog.cursors);
  }

  /** Looks at the stream and sends. */
  connect(): void {
    const { created, held } = this.broker;
    const back = this.receipts.judge({ created, lastSequence: held.length }, this.outbox.newest.sequence);
    if (back !== undefined) {
      this.rewinds += 1;
      this.outbox.rewind(back);
      this.backlog.rewind(back.cursors);
      this.keeper.rewind();
    }
    this.outbox.connect(this.broker.connect());
  }

  disconnect(): void {
    this.broker.disconnect();
    this.outbox.disconnect();
  }

  /** Runs what was deferred, so many times. */
  turn(times = 1): void {
    for (let i = 0; i < times; i++) this.#deferred.shift()?.();
  }

  /** A broker that does everything right, until nothing is left. */
  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      this.turn(10);
      while (this.broker.flying > 0) this.broker.take(0, this.outbox, 'store');
      if (this.#deferred.length > 0) continue;
      if (this.receipts.isDoubted) this.connect();
      else if (this.backlog.remaining === 0 && this.outbox.unanswered === 0) return;
      this.clock.advance(1000);
    }
    throw new Error(`${this.backlog.remaining} remain, ${this.outbox.unanswered} are not answered`);
  }

  /** What must hold at any time. */
  check(): void {
    const { maxRecords, pageRecords } = this.#limits;
    const { records } = this.backlog.waiting;
    // As much again may stand in the arrears of lanes that have nothing.
    if (records > 2 * maxRecords + pageRecords) throw new Error(`${records} records wait`);
    const lanes = this.broker.lanesFlying;
    // A message that was not answered in time is sent again on the same connection.
    const once = new Set(lanes.map((lane) => `${lane} ${this.backlog.lanes[lane]?.flight?.record.seq}`));
    if (once.size > new Set(lanes).size) throw new Error('two messages of a lane are in flight');
    const stored = new Set(this.broker.stored);
    for (const { seq, machine } of this.source.records) {
      if (seq <= (this.#cursors.get(laneOf(machine)) ?? 0) && !stored.has(seq)) {
        throw new Error(`the cursor is past ${seq}, which is not stored`);
      }
    }
  }

  /** Each record is there, and those of a machine came in their order, repeats aside. */
  verify(stored: readonly number[] = this.broker.stored): void {
    const machineOf = new Map(this.source.records.map(({ seq, machine }) => [seq, machine]));
    const seen = new Set<number>();
    const last = new Map<string, number>();
    for (const seq of stored) {
      const machine = machineOf.get(seq);
      if (seen.has(seq) || machine === undefined) continue;
      seen.add(seq);
      if ((last.get(machine) ?? 0) > seq) throw new Error(`${seq} comes after ${last.get(machine)}`);
      last.set(machine, seq);
    }
    const lost = [...machineOf.keys()].filter((seq) => !seen.has(seq));
    if (lost.length > 0) throw new Error(`lost: ${lost.join(', ')}`);
  }
}
