import type { OutgoingRecord } from './record.ts';

/** Reads what one machine sent, after a seq and through another; `through` tells how far it came. */
export type MachineSource = (query: {
  readonly machine: string;
  readonly after: number;
  readonly through: number;
  readonly maxRecords: number;
  readonly maxText: number;
}) => { readonly records: readonly OutgoingRecord[]; readonly through: number };

/** What is read at once of one machine. */
export interface ArrearsPage {
  readonly maxRecords: number;
  /** Characters of text. */
  readonly maxText: number;
}

interface MachineArrears {
  /** Everything of the machine up to here was handed on, or is in `read`. */
  through: number;
  /** The last record that was passed over. */
  last: number;
  read: readonly OutgoingRecord[];
  /** Index of the first record in `read` that was not handed on. */
  first: number;
}

/**
 * Records of a lane that were passed over, read again machine by machine and merged into the order of their seqs. Each
 * machine has rows of its own in the store, so this costs what the lane's own records cost.
 */
export class Arrears {
  readonly #machines = new Map<string, MachineArrears>();
  #count = 0;

  /** Machines of which something is left. */
  get machines(): number {
    return this.#machines.size;
  }

  /** Records that are to be read or were read and not yet handed on. */
  get count(): number {
    return this.#count;
  }

  /** Seq before which nothing is left. Undefined if nothing is. */
  get next(): number | undefined {
    let next: number | undefined;
    for (const machine of this.#machines.values()) {
      const mine = machine.read[machine.first]?.seq ?? machine.through + 1;
      if (next === undefined || mine < next) next = mine;
    }
    return next;
  }

  /** Notes a record that was passed over. */
  add(machine: string, seq: number): void {
    this.#count++;
    const known = this.#machines.get(machine);
    if (known !== undefined) known.last = seq;
    else this.#machines.set(machine, { through: seq - 1, last: seq, read: [], first: 0 });
  }

  /**
   * Hands on at most `max` records, or at least one page of one machine is read: whoever gets none calls again. Done
   * when nothing is left.
   */
  take(source: MachineSource, page: ArrearsPage, max: number): readonly OutgoingRecord[] {
    const taken: OutgoingRecord[] = [];
    while (taken.length < max && this.#machines.size > 0) {
      const [name, machine] = this.#oldest();
      const record = machine.read[machine.first];
      if (record !== undefined) {
        machine.first++;
        this.#count = Math.max(0, this.#count - 1);
        taken.push(record);
        continue;
      }
      if (machine.through >= machine.last) this.#machines.delete(name);
      else if (taken.length > 0) break;
      else if (!read(source, page, name, machine)) break;
    }
    if (this.#machines.size === 0) this.#count = 0;
    return taken;
  }

  /** Of the machine that comes first, as far as is known: one with nothing read stands where its reading goes on. */
  #oldest(): [string, MachineArrears] {
    let oldest: [string, MachineArrears] | undefined;
    let lowest = Number.POSITIVE_INFINITY;
    for (const entry of this.#machines) {
      const seq = entry[1].read[entry[1].first]?.seq ?? entry[1].through + 1;
      if (seq < lowest) {
        lowest = seq;
        oldest = entry;
      }
    }
    if (oldest === undefined) throw new RangeError('nothing is left');
    return oldest;
  }
}

/** Whether something was read. */
function read(source: MachineSource, limits: ArrearsPage, name: string, machine: MachineArrears): boolean {
  const page = source({ machine: name, after: machine.through, through: machine.last, ...limits });
  machine.read = page.records;
  machine.first = 0;
  machine.through = page.through;
  return page.records.length > 0;
}
