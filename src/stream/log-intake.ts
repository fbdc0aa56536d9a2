import { CHUNK_SPAN, type LogStream } from '../domain/record.ts';
import type { Clock } from '../lib/clock.ts';
import type { Slabs, Slice } from './slabs.ts';
import type { LogLines, LogSource } from './types.ts';

/** Chunks stay small enough to be one unit of reading. */
const MAX_CHUNK_RECORDS = 65_535;
const MAX_CHUNK_BYTES = 1024 * 1024;
/** What a chunk takes in memory beside its bytes, about: it counts, or many machines with a line each would go unbounded. */
const CHUNK_OVERHEAD = 512;

export interface IntakeOptions {
  /** Bytes that may be accepted and not yet committed, in all and per machine. */
  readonly maxPendingBytes: number;
  readonly maxMachineBytes: number;
}

/** Lines that will be one chunk. Each slice holds lines and then their details. */
export interface PendingChunk {
  readonly source: LogSource;
  readonly names: readonly string[];
  /** When the first line came, milliseconds since the epoch. */
  readonly time: number;
  readonly parts: { readonly slice: Slice; readonly records: number }[];
  readonly firstKseq: number | null;
  lastKseq: number | null;
  levels: number;
  count: number;
  /** Of lines, without details. */
  bytes: number;
}

interface MachineIntake {
  readonly machine: number;
  /** Not yet taken, in the order of arrival. */
  pending: PendingChunk[];
  /** The last pending chunk of each stream: the only one that may grow, or lines would overtake each other. */
  readonly open: { [stream in LogStream]?: PendingChunk | undefined };
  /** Accepted and not yet committed, with overhead. */
  bytes: number;
  waiting: (() => void)[];
}

/** Log lines on their way into a commit: gathered per machine, bounded, handed over machine by machine. */
export class LogIntake {
  readonly #options: IntakeOptions;
  readonly #clock: Clock;
  readonly #slabs: Slabs;
  readonly #machines = new Map<number, MachineIntake>();
  /** Machines with pending chunks, the one that waits longest first. */
  readonly #queue = new Set<MachineIntake>();
  readonly #outstanding = new Set<PendingChunk>();
  #flushes: { readonly chunks: Set<PendingChunk>; readonly done: () => void }[] = [];
  #totalBytes = 0;
  #pendingBytes = 0;

  constructor(options: IntakeOptions, deps: { readonly clock: Clock; readonly slabs: Slabs }) {
    this.#options = options;
    this.#clock = deps.clock;
    this.#slabs = deps.slabs;
  }

  /** Accepted and not yet committed, with overhead. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** Accepted and not yet taken into a commit, with overhead. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Takes lines; whether there is room for more. */
  append(source: LogSource, lines: LogLines): boolean {
    const records = lines.details.length;
    if (records === 0) return true;
    const machine = this.#machine(source.machine);
    const chunk = this.#chunkFor(machine, source, lines);
    chunk.parts.push({ slice: this.#slabs.put(lines.payload, lines.details), records });
    chunk.count += records;
    chunk.bytes += lines.payload.length;
    chunk.levels |= lines.levels;
    chunk.lastKseq = lines.lastKseq ?? chunk.lastKseq;
    this.#count(machine, lines.payload.length + records);
    return this.#hasRoom(machine);
  }

  #chunkFor(machine: MachineIntake, source: LogSource, lines: LogLines): PendingChunk {
    const now = this.#clock.now();
    const open = machine.open[source.stream];
    if (
      open !== undefined &&
      open.source === source &&
      open.names === lines.names &&
      Math.abs(now - open.time) <= CHUNK_SPAN &&
      open.count + lines.details.length <= MAX_CHUNK_RECORDS &&
      open.bytes + lines.payload.length <= MAX_CHUNK_BYTES
    ) {
      return open;
    }
    const { names, firstKseq, lastKseq } = lines;
    const chunk = { source, names, time: now, parts: [], firstKseq, lastKseq, levels: 0, count: 0, bytes: 0 };
    machine.pending.push(chunk);
    machine.open[source.stream] = chunk;
    this.#queue.add(machine);
    this.#outstanding.add(chunk);
    this.#count(machine, CHUNK_OVERHEAD);
    return chunk;
  }

  #count(machine: MachineIntake, bytes: number): void {
    machine.bytes += bytes;
    this.#totalBytes += bytes;
    this.#pendingBytes += bytes;
  }

  whenWritable(machineNumber: number): Promise<void> {
    const machine = this.#machines.get(machineNumber);
    if (this.#totalBytes < this.#options.maxPendingBytes && (machine === undefined || this.#hasRoom(machine))) {
      return Promise.resolve();
    }
    const waiting = machine ?? this.#machine(machineNumber);
    return new Promise((resolve) => waiting.waiting.push(resolve));
  }

  /**
   * Cuts about so many bytes. A machine's chunks are taken all or none: a source's checkpoint covers all its lines, and
   * no later line of the machine may overtake one that stays.
   */
  take(maxBytes: number): PendingChunk[] {
    const chunks: PendingChunk[] = [];
    let bytes = 0;
    for (const machine of this.#queue) {
      if (bytes >= maxBytes) break;
      this.#queue.delete(machine);
      for (const chunk of machine.pending) {
        chunks.push(chunk);
        bytes += costOf(chunk);
      }
      machine.pending = [];
      machine.open.kmsg = undefined;
      machine.open.log = undefined;
    }
    this.#pendingBytes -= bytes;
    return chunks;
  }

  /** Writes lines and then details of a taken chunk at `offset`, and gives its memory back. */
  copyOut(chunk: PendingChunk, target: Uint8Array, offset: number): void {
    let line = offset;
    let detail = offset + chunk.bytes;
    for (const { slice, records } of chunk.parts) {
      const { bytes } = slice.slab;
      const lineEnd = slice.end - records;
      target.set(bytes.subarray(slice.start, lineEnd), line);
      target.set(bytes.subarray(lineEnd, slice.end), detail);
      line += lineEnd - slice.start;
      detail += records;
      this.#slabs.free(slice);
    }
    chunk.parts.length = 0;
  }

  /** The chunks are committed: their bytes no longer count. */
  release(chunks: readonly PendingChunk[]): void {
    for (const chunk of chunks) {
      const cost = costOf(chunk);
      const machine = this.#machine(chunk.source.machine);
      machine.bytes -= cost;
      this.#totalBytes -= cost;
      this.#outstanding.delete(chunk);
      for (const { chunks: awaited } of this.#flushes) awaited.delete(chunk);
      if (machine.bytes === 0 && machine.waiting.length === 0) this.#machines.delete(machine.machine);
      else this.#wake(machine);
    }
    // Those that wait because the whole log was full.
    if (this.#totalBytes <= this.#options.maxPendingBytes / 2) {
      for (const machine of this.#machines.values()) this.#wake(machine);
    }
    for (const { chunks: awaited, done } of this.#flushes) if (awaited.size === 0) done();
    this.#flushes = this.#flushes.filter(({ chunks: awaited }) => awaited.size > 0);
  }

  /** Resolves when all lines accepted so far are committed. */
  flushed(): Promise<void> {
    if (this.#outstanding.size === 0) return Promise.resolve();
    return new Promise((done) => this.#flushes.push({ chunks: new Set(this.#outstanding), done }));
  }

  /** Lets everybody who waits go on. */
  wakeAll(): void {
    for (const machine of this.#machines.values()) for (const resolve of machine.waiting.splice(0)) resolve();
  }

  /** Half empty before anybody goes on, so that sockets are not paused and resumed for each block. */
  #wake(machine: MachineIntake): void {
    if (machine.waiting.length === 0) return;
    if (machine.bytes > this.#options.maxMachineBytes / 2) return;
    if (this.#totalBytes >= this.#options.maxPendingBytes) return;
    for (const resolve of machine.waiting.splice(0)) resolve();
    if (machine.bytes === 0) this.#machines.delete(machine.machine);
  }

  #hasRoom(machine: MachineIntake): boolean {
    return machine.bytes < this.#options.maxMachineBytes && this.#totalBytes < this.#options.maxPendingBytes;
  }

  #machine(number: number): MachineIntake {
    let machine = this.#machines.get(number);
    if (machine === undefined) {
      machine = { machine: number, pending: [], open: {}, bytes: 0, waiting: [] };
      this.#machines.set(number, machine);
    }
    return machine;
  }
}

function costOf({ bytes, count }: PendingChunk): number {
  return bytes + count + CHUNK_OVERHEAD;
}
