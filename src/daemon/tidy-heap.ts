import { setFlagsFromString } from 'node:v8';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface TidyHeapOptions {
  /** How often it is looked, milliseconds; calm for one such time is calm enough. Default 20,000. */
  readonly everyMs?: number;
  /** The event loop's thread is calm if it computed for at most this share of that time. Default 0.1. */
  readonly calmShare?: number;
  /** Resident memory that came since the last time makes it worth it: so many bytes. Default 24 MiB. */
  readonly grownBytes?: number;
  /** And at least such a share of what there was, because more in use costs more to look through. Default 0.125. */
  readonly grownShare?: number;
  /** So long after the last time at the earliest, milliseconds. Default one minute. */
  readonly restMs?: number;
  /** So long V8 is to prefer little memory, milliseconds. Default 10,000. */
  readonly collectMs?: number;
}

/** What is seen of the process. */
export interface TidyHeapDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds that the event loop's thread has computed, since any start. */
  readonly busyMs?: () => number;
  /** Bytes that the system counts as the process' own. */
  readonly resident?: () => number;
  /** Begins to collect garbage beside what else is done; what it gives ends that. */
  readonly collect?: () => () => void;
}

/**
 * Gives memory back that a storm made the JavaScript heap grow by. V8 does so by itself only when hardly anything is
 * allocated for long, which a daemon that reads its device every few seconds never comes to; so it is told, in a calm
 * moment. It then marks in small steps and on threads of its own: the event loop stands still for the last of them only.
 */
export class TidyHeap {
  readonly #options: Required<TidyHeapOptions>;
  readonly #deps: Required<TidyHeapDeps>;
  #cancel: () => void = () => {};
  #cancelEnd: () => void = () => {};
  #end: () => void = () => {};
  #busyMs = 0;
  #lookedAt = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** The least that was resident since the last time. What starting left is worth the first. */
  #least = 0;

  constructor(options: TidyHeapOptions, deps: TidyHeapDeps) {
    this.#options = { ...DEFAULTS, ...options };
    this.#deps = { busyMs, resident: () => process.memoryUsage.rss(), collect, ...deps };
  }

  start(): void {
    this.#note();
    this.#cancel = this.#deps.clock.after(this.#options.everyMs, () => this.#look());
  }

  stop(): void {
    this.#cancel();
    this.#cancelEnd();
    this.#end();
  }

  #look(): void {
    const { clock, resident, busyMs: busyNow } = this.#deps;
    const { calmShare, grownBytes, grownShare, restMs } = this.#options;
    const share = (busyNow() - this.#busyMs) / Math.max(1, clock.monotonic() - this.#lookedAt);
    const bytes = resident();
    this.#least = Math.min(this.#least, bytes);
    const isRested = clock.monotonic() - this.#lastAt >= restMs;
    const isWorthIt = bytes - this.#least >= Math.max(grownBytes, this.#least * grownShare);
    if (share <= calmShare && isWorthIt && isRested) this.#tidy(bytes);
    this.start();
  }

  #tidy(before: number): void {
    const { clock, collect: begin, resident, logger } = this.#deps;
    this.#lastAt = clock.monotonic();
    const end = begin();
    this.#end = () => {
      this.#end = () => {};
      end();
    };
    this.#cancelEnd = clock.after(this.#options.collectMs, () => {
      this.#end();
      this.#least = resident();
      logger.debug({ before, after: this.#least }, 'heap tidied');
    });
  }

  #note(): void {
    this.#busyMs = this.#deps.busyMs();
    this.#lookedAt = this.#deps.clock.monotonic();
  }
}

const DEFAULTS = {
  everyMs: 20_000,
  calmShare: 0.1,
  grownBytes: 24 * 2 ** 20,
  grownShare: 0.125,
  restMs: 60_000,
  collectMs: 10_000,
} as const satisfies Required<TidyHeapOptions>;

function busyMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** More memory outside of its heap than this, new since the last time, makes V8 begin to mark. Its limit is 64 MiB. */
const OUTSIDE_BYTES = 80 * 2 ** 20;

/**
 * V8 has no call for this: `gc()`, also the asynchronous one, does everything in one go, and keeps the pages that it empties for
 * later. While V8 is to prefer little memory, its own incremental collections give pages back; and a buffer that is never
 * written to, so that it takes no memory, is the reason to begin one at once. Joins at such a time cost twice the CPU.
 */
function collect(): () => void {
  setFlagsFromString('--optimize-for-size');
  new ArrayBuffer(OUTSIDE_BYTES);
  return () => setFlagsFromString('--no-optimize-for-size');
}
