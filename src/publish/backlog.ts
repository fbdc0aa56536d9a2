import { LANES, laneOf } from '../domain/lane.ts';
import { Arrears, type MachineSource } from './arrears.ts';
import { Lane } from './lane.ts';
import { cutEnvelope, type OutgoingRecord, weightOf } from './record.ts';

/** Where records are read; `RecordReader` is one. */
export interface RecordSource {
  /** How many records are kept behind one seq and up to another, about. */
  count(after: number, through: number): number;
  read(query: {
    readonly after: number;
    readonly through: number;
    readonly machine?: string;
    readonly maxRecords: number;
    readonly maxText: number;
  }): { readonly records: readonly { readonly seq: number; readonly json: string }[]; readonly through: number };
}

/** How much waits in memory. */
export interface BacklogLimits {
  /** A page of everything. */
  readonly pageRecords: number;
  readonly pageText: number;
  /** All lanes together: nothing more is read until they have less. As much again may be read of arrears. */
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** One lane: what comes then is passed over and read again later, for this lane alone. */
  readonly laneRecords: number;
  readonly laneBytes: number;
}

export const BACKLOG_DEFAULTS: BacklogLimits = {
  pageRecords: 4000,
  pageText: 2 * 1024 * 1024,
  maxRecords: 32_768,
  maxBytes: 32 * 1024 * 1024,
  laneRecords: 1024,
  laneBytes: 1024 * 1024,
};

/** Once half of the room is taken, a lane may have only this part of its own: the others are not to wait for it. */
const FAIR_PART = 2;
/** A lane with arrears reads on when it holds less than this part of what it may hold. */
const REFILL_PART = 16;
/** What is read at once of one machine in arrears, however many there are. */
const MIN_PAGE_RECORDS = 16;
const MIN_PAGE_TEXT = 4096;
const KNOWN_MACHINES = 100_000;
/** So many seqs are taken for as many records: counting those takes longer. */
const UNCOUNTED = 10_000;

/**
 * Hands records from the store to lanes: one pass over everything in the order of seqs, which passes over what a full
 * lane has no room for; such a lane reads that again, by itself, until it has caught up. So one chatty machine behind a
 * slow broker holds nobody back, and memory is bounded.
 */
export class Backlog {
  readonly lanes: readonly Lane[];
  readonly #limits: BacklogLimits;
  readonly #source: RecordSource;
  readonly #machineSource: MachineSource;
  readonly #prefixLength: number;
  readonly #onFilled: (lane: Lane) => void;
  readonly #laneOfMachine = new Map<string, Lane>();
  readonly #inArrears = new Set<Lane>();
  #head = 0;
  #position: number;
  #records = 0;
  #bytes = 0;
  #refillNext = false;

  /**
   * @param options.cursors by lane, what was acknowledged before
   * @param deps.onFilled called for a lane that got records
   */
  constructor(
    options: { readonly prefix: string; readonly cursors: ReadonlyMap<number, number>; readonly limits: BacklogLimits },
    deps: { readonly source: RecordSource; readonly onFilled: (lane: Lane) => void },
  ) {
    this.#limits = options.limits;
    this.#prefixLength = options.prefix.length;
    this.#source = deps.source;
    this.#onFilled = deps.onFilled;
    this.lanes = Array.from({ length: LANES }, (_, number) => new Lane(number, options.cursors.get(number) ?? 0));
    this.#position = this.#firstStart();
    this.#machineSource = (query) => {
      const page = deps.source.read(query);
      return { records: page.records.map((record) => cutEnvelope(record, this.#prefixLength)), through: page.through };
    };
  }

  /** Everything up to here was handed to its lane, or is among the lane's arrears. */
  get position(): number {
    return this.#position;
  }

  /** `seq` of the newest committed record, as far as we were told. */
  get head(): number {
    return this.#head;
  }

  /** Lanes that read by themselves. */
  get lanesBehind(): number {
    return this.#inArrears.size;
  }

  /** What lanes hold, without what is in flight. */
  get waiting(): { readonly records: number; readonly bytes: number } {
    return { records: this.#records, bytes: this.#bytes };
  }

  /** Records not yet taken by a lane: not read, waiting, or passed over. */
  get remaining(): number {
    let arrears = 0;
    for (const lane of this.#inArrears) arrears += lane.arrears?.count ?? 0;
    return this.#unread() + this.#records + arrears;
  }

  /** Numbers leave out what retention has dropped, and a restored store leaps by more than there will ever be. */
  #unread(): number {
    const seqs = this.#head - this.#position;
    return seqs <= UNCOUNTED ? seqs : Math.min(seqs, this.#source.count(this.#position, this.#head));
  }

  /** How far each lane is. */
  get cursors(): ReadonlyMap<number, number> {
    return new Map(this.lanes.map((lane) => [lane.number, lane.cursor(this.#position)]));
  }

  /** Everything of the lane up to here is acknowledged. */
  publishedThrough(lane: number): number {
    return this.lanes[lane]?.cursor(this.#position) ?? 0;
  }

  /** Goes back: records behind these cursors are handed to their lanes once more. */
  rewind(cursors: ReadonlyMap<number, number>): void {
    for (const lane of this.lanes) lane.restart(cursors.get(lane.number) ?? 0);
    this.#inArrears.clear();
    this.#records = 0;
    this.#bytes = 0;
    this.#position = this.#firstStart();
  }

  grew(head: number): void {
    this.#head = Math.max(this.#head, head);
  }

  /** The lane's next record, out of the queue. */
  take(lane: Lane): OutgoingRecord | undefined {
    const record = lane.shift();
    if (record === undefined) return undefined;
    this.#records--;
    this.#bytes -= weightOf(record);
    return record;
  }

  /** Reads one page, for all or for a lane in arrears, in turn. Returns whether there was something to do. */
  step(): boolean {
    this.#refillNext = !this.#refillNext;
    return this.#refillNext ? this.#refill() || this.#dispatch() : this.#dispatch() || this.#refill();
  }

  /** The oldest record that is not acknowledged, as far as it is known; one that was not read yet is read for it. */
  oldest(): { readonly seq: number; readonly receivedAt: string } | undefined {
    let oldest: OutgoingRecord | undefined;
    for (const { oldest: mine } of this.lanes) {
      if (mine !== undefined && (oldest === undefined || mine.seq < oldest.seq)) oldest = mine;
    }
    if (oldest !== undefined || this.#position >= this.#head) return oldest;
    const { records } = this.#source.read({
      after: this.#position,
      through: this.#head,
      ...{ maxRecords: 1, maxText: 1 },
    });
    const [first] = records;
    return first === undefined ? undefined : cutEnvelope(first, this.#prefixLength);
  }

  #firstStart(): number {
    return Math.min(...this.lanes.map((lane) => lane.start));
  }

  get #isFull(): boolean {
    return this.#records >= this.#limits.maxRecords || this.#bytes >= this.#limits.maxBytes;
  }

  #dispatch(): boolean {
    if (this.#position >= this.#head || this.#isFull) return false;
    const { pageRecords, pageText } = this.#limits;
    const page = this.#source.read({
      after: this.#position,
      through: this.#head,
      ...{ maxRecords: pageRecords, maxText: pageText },
    });
    for (const rendered of page.records) {
      const record = cutEnvelope(rendered, this.#prefixLength);
      const lane = this.#laneOf(record.machine);
      if (record.seq <= lane.start) continue;
      if (lane.arrears === undefined && !this.#isLaneFull(lane)) this.#push(lane, record);
      else this.#passOver(lane, record);
    }
    this.#position = Math.max(this.#position, page.through);
    return true;
  }

  #isLaneFull({ length, bytes }: Lane): boolean {
    const { laneRecords, laneBytes, maxRecords, maxBytes } = this.#limits;
    const isCrowded = this.#records * 2 >= maxRecords || this.#bytes * 2 >= maxBytes;
    const part = isCrowded ? FAIR_PART : 1;
    return length * part >= laneRecords || bytes * part >= laneBytes;
  }

  #passOver(lane: Lane, { machine, seq }: OutgoingRecord): void {
    lane.arrears ??= new Arrears();
    this.#inArrears.add(lane);
    lane.arrears.add(machine, seq);
  }

  /** A page for the lane in arrears that waits longest among those that have little left. */
  #refill(): boolean {
    const { laneRecords, laneBytes, maxRecords, maxBytes } = this.#limits;
    for (const lane of this.#inArrears) {
      // However full it is, a lane that has nothing may go on.
      if (lane.length * REFILL_PART >= laneRecords || (this.#isFull && lane.length > 0)) continue;
      const { arrears } = lane;
      if (arrears === undefined) continue;
      const share = this.#inArrears.size * arrears.machines;
      const page = {
        maxRecords: Math.max(MIN_PAGE_RECORDS, Math.min(laneRecords, Math.ceil(maxRecords / share))),
        maxText: Math.max(MIN_PAGE_TEXT, Math.min(laneBytes, Math.ceil(maxBytes / share))),
      };
      const taken = arrears.take(this.#machineSource, page, Math.ceil(laneRecords / FAIR_PART));
      for (const record of taken) this.#push(lane, record);
      this.#inArrears.delete(lane);
      if (arrears.next === undefined) lane.arrears = undefined;
      else this.#inArrears.add(lane);
      return true;
    }
    return false;
  }

  #push(lane: Lane, record: OutgoingRecord): void {
    lane.push(record);
    this.#records++;
    this.#bytes += weightOf(record);
    this.#onFilled(lane);
  }

  #laneOf(machine: string): Lane {
    let lane = this.#laneOfMachine.get(machine);
    if (lane === undefined) {
      // The token of records without a machine stands for an empty UUID.
      lane = this.lanes[laneOf(machine === '_' ? '' : machine)];
      if (lane === undefined) throw new RangeError('no such lane');
      if (this.#laneOfMachine.size >= KNOWN_MACHINES) this.#laneOfMachine.clear();
      this.#laneOfMachine.set(machine, lane);
    }
    return lane;
  }
}
