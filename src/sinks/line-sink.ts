import { isUtf8 } from 'node:buffer';
import type { LossReason } from '../domain/gap.ts';
import { type LineFault, type ObjectLine, readObjectLine } from '../domain/json-text.ts';
import { type KernelLine, scanKernelLine, ZERO_RECORD } from '../domain/kernel-line.ts';
import { LEVELS, type Tags } from '../domain/record.ts';
import { type Redactor, SecretFinder } from '../domain/redact.ts';
import { type BootLog, FRESH, REPLAY } from '../fleet/boot-log.ts';
import type { LogSource, RecordLog } from '../stream/types.ts';
import { LogSources, ServiceNames } from './log-sources.ts';

const LINE_FEED = 0x0a;
/** Lines handed on at once; a longer run of lines is handed on in parts. */
const MAX_RUN = 4_096;

export type LineDrop = LineFault | Exclude<LossReason, 'missing'> | 'replay' | 'oversized' | 'zero_record';

const ZERO_BYTES = Buffer.from(`${ZERO_RECORD}\n`);

/** Where lines come from: one connection, or one machine's datagrams. */
export interface LineOrigin {
  readonly boot: BootLog;
  readonly services: ServiceNames;
}

export const lineOrigin = (boot: BootLog): LineOrigin => ({ boot, services: new ServiceNames() });

/** What one block came to. The object is reused. */
export interface BlockResult {
  kmsg: number;
  log: number;
  reused: number;
  /** Of the lines that were handed on. */
  bytes: number;
  readonly drops: Map<LineDrop, number>;
  /** Whether the record log has room for more. */
  writable: boolean;
}

/**
 * Turns blocks of lines into `appendLog` calls. Kernel lines as Talos writes them are only scanned, and consecutive
 * ones are handed on as they lie in the block; everything else is read as JSON text, line by line. It holds nothing
 * between two calls, so one serves all connections.
 */
export class LineSink {
  readonly #maxLineBytes: number;
  readonly #redactor: Redactor;
  readonly #finder: SecretFinder;
  readonly #log: Pick<RecordLog, 'appendLog'>;
  readonly #sources = new LogSources();
  readonly #line: KernelLine = { seq: 0, clock: 0, level: 0 };
  readonly #result: BlockResult = { kmsg: 0, log: 0, reused: 0, bytes: 0, drops: new Map(), writable: true };
  readonly #runDetails = new Uint8Array(MAX_RUN);
  readonly #slow = new SlowBatch();

  constructor(
    options: { readonly maxLineBytes: number },
    deps: { readonly log: Pick<RecordLog, 'appendLog'>; readonly redactor: Redactor },
  ) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#redactor = deps.redactor;
    this.#finder = new SecretFinder(deps.redactor);
    this.#log = deps.log;
  }

  /** Takes complete lines, each with its line feed, in order. */
  take(origin: LineOrigin, tags: Tags, block: Buffer): BlockResult {
    this.#begin();
    const { kmsg, log } = this.#sources.of(origin.boot, tags);
    const { boot } = origin;
    const line = this.#line;
    const details = this.#runDetails;
    const wellFormed = isUtf8(block);
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    let suspicious = wellFormed ? this.#finder.begin(block) : 0;
    let pos = 0;
    let runStart = 0;
    let count = 0;
    let levels = 0;
    let firstKseq = 0;
    let lastKseq = 0;
    const endRun = (end: number) => {
      if (count === 0) return;
      const payload = block.subarray(runStart, end);
      this.#append(kmsg, { payload, details: details.subarray(0, count), names: LEVELS, levels, firstKseq, lastKseq });
      this.#result.kmsg += count;
      count = 0;
      levels = 0;
    };
    while (pos < block.length) {
      const end = wellFormed ? scanKernelLine(block, view, pos, line) : -1;
      if (end > 0 && end <= suspicious && end - pos <= this.#maxLineBytes + 1) {
        const isZero = line.seq === 0 && end - pos === ZERO_BYTES.length && isZeroRecord(block, pos);
        const verdict = isZero ? REPLAY : boot.accept(line.seq, line.clock);
        if (verdict === REPLAY) {
          endRun(pos);
          this.#drop(isZero ? 'zero_record' : 'replay');
        } else {
          // A line under a used number begins a run of its own.
          if (verdict !== FRESH) this.#result.reused += 1;
          if (verdict !== FRESH || count === MAX_RUN) endRun(pos);
          if (count === 0) {
            if (!this.#slow.empty) this.#endSlow();
            runStart = pos;
            firstKseq = line.seq;
          }
          details[count] = line.level;
          levels |= 1 << line.level;
          lastKseq = line.seq;
          count += 1;
          if (verdict !== FRESH) endRun(end);
        }
        pos = end;
        continue;
      }
      endRun(pos);
      const feed = block.indexOf(LINE_FEED, pos);
      if (feed - pos > this.#maxLineBytes) this.#drop('oversized');
      else this.#takeSlow(origin, kmsg, log, block.toString('utf8', pos, feed));
      pos = feed + 1;
      if (wellFormed && suspicious < pos) suspicious = this.#finder.from(pos);
    }
    endRun(pos);
    this.#endSlow();
    this.#finder.end();
    return this.#result;
  }

  /** Takes one datagram: a JSON object, with or without a line feed behind it, or several, each on its line. */
  takeDatagram(origin: LineOrigin, tags: Tags, datagram: Buffer): BlockResult {
    const feed = datagram.indexOf(LINE_FEED);
    if (feed >= 0 && feed < datagram.length - 1) {
      // Line feeds within one object are only white space here.
      const line = readObjectLine(datagram.toString('utf8'), this.#redactor);
      if (typeof line !== 'string') {
        this.#begin();
        const { kmsg, log } = this.#sources.of(origin.boot, tags);
        this.#takeObject(origin, kmsg, log, line);
        this.#endSlow();
        return this.#result;
      }
    }
    return this.take(origin, tags, withLineFeed(datagram));
  }

  /**
   * Counts lines that are not kept, with or without the last line feed, and notes those of the kernel log that are new:
   * they are missing from now on, for this reason. Lines that only the slow path could read are holes when a later line
   * comes: this costs less than keeping them.
   */
  refuse(origin: LineOrigin, lines: Buffer, reason: 'rate' | 'backpressure'): BlockResult {
    this.#begin();
    const block = withLineFeed(lines);
    const view = new DataView(block.buffer, block.byteOffset, block.length);
    const line = this.#line;
    let refused = 0;
    let replays = 0;
    for (let pos = 0; pos < block.length; ) {
      let end = scanKernelLine(block, view, pos, line);
      if (end < 0) {
        refused += 1;
        end = block.indexOf(LINE_FEED, pos) + 1;
      } else if (origin.boot.refuse(line.seq, line.clock, reason)) refused += 1;
      else replays += 1;
      pos = end;
    }
    if (refused > 0) this.#result.drops.set(reason, refused);
    if (replays > 0) this.#result.drops.set('replay', replays);
    return this.#result;
  }

  #begin(): void {
    const result = this.#result;
    result.kmsg = 0;
    result.log = 0;
    result.reused = 0;
    result.bytes = 0;
    result.drops.clear();
    result.writable = true;
  }

  #takeSlow(origin: LineOrigin, kmsg: LogSource, log: LogSource, text: string): void {
    const line = readObjectLine(text, this.#redactor);
    if (typeof line === 'string') this.#drop(line);
    else if (line.text === ZERO_RECORD) this.#drop('zero_record');
    else this.#takeObject(origin, kmsg, log, line);
  }

  #takeObject(origin: LineOrigin, kmsg: LogSource, log: LogSource, line: ObjectLine): void {
    const known = (LEVELS as readonly (string | null)[]).indexOf(line.level);
    const level = known < 0 ? LEVELS.indexOf('other') : known;
    if (line.service !== null && line.service !== '') {
      const index = origin.services.indexOf(line.service, level);
      this.#addSlow(log, origin.services.names, index, level, line.text, null);
      this.#result.log += 1;
      return;
    }
    const numbered = line.seq !== null && line.clock !== null;
    const verdict = numbered ? origin.boot.accept(line.seq, line.clock) : FRESH;
    if (verdict === REPLAY) {
      this.#drop('replay');
      return;
    }
    if (verdict !== FRESH) this.#result.reused += 1;
    this.#addSlow(kmsg, LEVELS, level, level, line.text, line.seq);
    this.#result.kmsg += 1;
  }

  #addSlow(
    source: LogSource,
    names: readonly string[],
    detail: number,
    level: number,
    text: string,
    kseq: number | null,
  ): void {
    if (!this.#slow.fits(source, names)) this.#endSlow();
    this.#slow.add(source, names, detail, level, text, kseq);
  }

  #endSlow(): void {
    const batch = this.#slow.take();
    if (batch !== undefined) this.#append(batch.source, batch.lines);
  }

  #append(source: LogSource, lines: Parameters<RecordLog['appendLog']>[1]): void {
    this.#result.bytes += lines.payload.length;
    if (!this.#log.appendLog(source, lines)) this.#result.writable = false;
  }

  #drop(reason: LineDrop): void {
    const { drops } = this.#result;
    drops.set(reason, (drops.get(reason) ?? 0) + 1);
  }
}

function isZeroRecord(block: Buffer, start: number): boolean {
  return block.compare(ZERO_BYTES, 0, ZERO_BYTES.length, start, start + ZERO_BYTES.length) === 0;
}

function withLineFeed(lines: Buffer): Buffer {
  return lines.at(-1) === LINE_FEED ? lines : Buffer.concat([lines, Buffer.of(LINE_FEED)]);
}

/** Consecutive lines of one source that were written anew. */
class SlowBatch {
  #source: LogSource | undefined;
  #names: readonly string[] = LEVELS;
  #texts: string[] = [];
  #details: number[] = [];
  #levels = 0;
  #firstKseq: number | null = null;
  #lastKseq: number | null = null;

  get empty(): boolean {
    return this.#texts.length === 0;
  }

  fits(source: LogSource, names: readonly string[]): boolean {
    return this.empty || (this.#source === source && this.#names === names && this.#texts.length < MAX_RUN);
  }

  add(
    source: LogSource,
    names: readonly string[],
    detail: number,
    level: number,
    text: string,
    kseq: number | null,
  ): void {
    this.#source = source;
    this.#names = names;
    this.#texts.push(text, '\n');
    this.#details.push(detail);
    this.#levels |= 1 << level;
    this.#firstKseq ??= kseq;
    this.#lastKseq = kseq ?? this.#lastKseq;
  }

  take(): { readonly source: LogSource; readonly lines: Parameters<RecordLog['appendLog']>[1] } | undefined {
    const source = this.#source;
    if (source === undefined) return undefined;
    const lines = {
      payload: Buffer.from(this.#texts.join('')),
      details: Uint8Array.from(this.#details),
      names: this.#names,
      levels: this.#levels,
      firstKseq: this.#firstKseq,
      lastKseq: this.#lastKseq,
    };
    this.#source = undefined;
    this.#texts = [];
    this.#details = [];
    this.#levels = 0;
    this.#firstKseq = null;
    this.#lastKseq = null;
    return { source, lines };
  }
}
