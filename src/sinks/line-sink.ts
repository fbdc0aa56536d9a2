import { isUtf8 } from 'node:buffer';
import type { LossReason } from '../domain/gap.ts';
import { type LineFault, type ObjectLine, readObjectLine } from '../domain/json-text.ts';
import { ZERO_RECORD } from '../domain/kernel-line.ts';
import { LEVELS, type Tags } from '../domain/record.ts';
import type { Redactor } from '../domain/redact.ts';
import { type BootLog, FRESH, REPLAY } from '../fleet/boot-log.ts';
import type { LogSource, RecordLog } from '../stream/types.ts';
import { KernelLines, MAX_LINES } from './kernel-lines.ts';
import { LogSources, ServiceNames } from './log-sources.ts';

const LINE_FEED = 0x0a;
/** Bytes that one read may give: more than most do, and no more than fit a core's cache. */
const READ_BYTES = 128 * 1024;

export type LineDrop = LineFault | Exclude<LossReason, 'missing'> | 'replay' | 'oversized' | 'zero_record';

const ZERO_BYTES = Buffer.from(`${ZERO_RECORD}\n`);

/** Where lines come from: one connection, or one machine's datagrams. */
export interface LineOrigin {
  readonly boot: BootLog;
  readonly services: ServiceNames;
}

export const lineOrigin = (boot: BootLog): LineOrigin => ({ boot, services: new ServiceNames() });

interface Sources {
  readonly kmsg: LogSource;
  readonly log: LogSource;
}

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
  readonly #log: Pick<RecordLog, 'appendLog'>;
  readonly #sources = new LogSources();
  readonly #lines: KernelLines;
  readonly #result: BlockResult = { kmsg: 0, log: 0, reused: 0, bytes: 0, drops: new Map(), writable: true };
  readonly #runDetails = new Uint8Array(MAX_LINES);
  readonly #slow = new SlowBatch();

  constructor(
    options: { readonly maxLineBytes: number },
    deps: { readonly log: Pick<RecordLog, 'appendLog'>; readonly redactor: Redactor },
  ) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#redactor = deps.redactor;
    this.#lines = new KernelLines(options.maxLineBytes + READ_BYTES);
    this.#log = deps.log;
  }

  /** Blocks that lie in here are not copied before they are scanned: larger than `maxLineBytes` by what one read gives. */
  get memory(): Buffer {
    return this.#lines.memory;
  }

  /** Takes complete lines, each with its line feed, in order. */
  take(origin: LineOrigin, tags: Tags, block: Buffer): BlockResult {
    this.#begin();
    const { kmsg, log } = this.#sources.of(origin.boot, tags);
    const scannable = !this.#redactor.always && isUtf8(block);
    for (let pos = 0; pos < block.length; ) {
      const found = scannable ? this.#lines.scan(block, pos) : 0;
      if (found > 0) {
        this.#takeKernelLines(origin, { kmsg, log }, block, pos, found);
        pos = this.#lines.end(found - 1);
      } else {
        const feed = block.indexOf(LINE_FEED, pos);
        this.#takeSlow(origin, { kmsg, log }, block, pos, feed);
        pos = feed + 1;
      }
    }
    this.#endSlow();
    return this.#result;
  }

  /** Takes the lines that the scanner has just found: consecutive ones are handed on as they lie in the block. */
  #takeKernelLines(origin: LineOrigin, sources: Sources, block: Buffer, start: number, found: number): void {
    const lines = this.#lines;
    const { boot } = origin;
    const details = this.#runDetails;
    let pos = start;
    let runStart = start;
    let count = 0;
    let levels = 0;
    let firstKseq = 0;
    let lastKseq = 0;
    const endRun = (end: number) => {
      if (count === 0) return;
      const payload = block.subarray(runStart, end);
      const run = { payload, details: details.subarray(0, count), names: LEVELS, levels, firstKseq, lastKseq };
      this.#append(sources.kmsg, run);
      this.#result.kmsg += count;
      count = 0;
      levels = 0;
    };
    for (let index = 0; index < found; index += 1) {
      const end = lines.end(index);
      const seq = lines.seq(index);
      if (end - pos > this.#maxLineBytes + 1 || (lines.hasHint(index) && this.#isSuspicious(block, pos, end))) {
        endRun(pos);
        this.#takeSlow(origin, sources, block, pos, end - 1);
      } else {
        const isZero = seq === 0 && end - pos === ZERO_BYTES.length && isZeroRecord(block, pos);
        const verdict = isZero ? REPLAY : boot.accept(seq, lines.clock(index));
        if (verdict === REPLAY) {
          endRun(pos);
          this.#drop(isZero ? 'zero_record' : 'replay');
        } else {
          // A line under a used number begins a run of its own.
          if (verdict !== FRESH) {
            this.#result.reused += 1;
            endRun(pos);
          }
          if (count === 0) {
            if (!this.#slow.empty) this.#endSlow();
            runStart = pos;
            firstKseq = seq;
          }
          const level = lines.level(index);
          details[count] = level;
          levels |= 1 << level;
          lastKseq = seq;
          count += 1;
          if (verdict !== FRESH) endRun(end);
        }
      }
      pos = end;
    }
    endRun(pos);
  }

  #isSuspicious(block: Buffer, start: number, end: number): boolean {
    return this.#redactor.isSuspicious(block.subarray(start, end));
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
  refuse(origin: LineOrigin, refusedLines: Buffer, reason: 'rate' | 'backpressure'): BlockResult {
    this.#begin();
    const block = withLineFeed(refusedLines);
    const lines = this.#lines;
    let refused = 0;
    let replays = 0;
    for (let pos = 0; pos < block.length; ) {
      const found = lines.scan(block, pos);
      for (let index = 0; index < found; index += 1) {
        if (origin.boot.refuse(lines.seq(index), lines.clock(index), reason)) refused += 1;
        else replays += 1;
      }
      if (found > 0) {
        pos = lines.end(found - 1);
      } else {
        refused += 1;
        pos = block.indexOf(LINE_FEED, pos) + 1;
      }
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

  #takeSlow(origin: LineOrigin, { kmsg, log }: Sources, block: Buffer, start: number, feed: number): void {
    if (feed - start > this.#maxLineBytes) {
      this.#drop('oversized');
      return;
    }
    const line = readObjectLine(block.toString('utf8', start, feed), this.#redactor);
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
    return this.empty || (this.#source === source && this.#names === names && this.#texts.length < MAX_LINES);
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
