import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface TidyHeapOptions {
  /** How often it is looked, milliseconds; calm for one such time is calm enough. Default 20,000. */
  readonly everyMs?: number;
  /** The event loop's thread is calm if it computed for at most this share of that time. Default 0.1. */
  readonly calmShare?: number;
  /** So many bytes that hold nothing are worth it. Default 24 MiB. */
  readonly spareBytes?: number;
  /** So long after the last time at the earliest, milliseconds. Default one minute. */
  readonly restMs?: number;
}

/** What is seen of the process. */
export interface TidyHeapDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds that the event loop's thread has computed, since any start. */
  readonly busyMs?: () => number;
  /** Bytes of the heap that the system counts, and those of them that objects take, garbage included. */
  readonly heap?: () => { readonly total: number; readonly used: number };
  /** Collects all garbage at once and moves objects together. */
  readonly collect?: () => void;
}

/**
 * Gives memory back that a storm made the JavaScript heap grow by. V8 does so by itself only when hardly anything is
 * allocated for long, which a daemon that reads its device every few seconds never comes to; so it is told, in a calm
 * moment. That stops the event loop for some milliseconds per ten MB in use, which is why nothing is done while there is work.
 */
export class TidyHeap {
  readonly #options: Required<TidyHeapOptions>;
  readonly #deps: Required<TidyHeapDeps>;
  #cancel: () => void = () => {};
  #busyMs = 0;
  #lookedAt = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(options: TidyHeapOptions, deps: TidyHeapDeps) {
    this.#options = { everyMs: 20_000, calmShare: 0.1, spareBytes: 24 * 2 ** 20, restMs: 60_000, ...options };
    this.#deps = { busyMs, heap, collect: collector(), ...deps };
  }

  start(): void {
    this.#note();
    this.#cancel = this.#deps.clock.after(this.#options.everyMs, () => this.#look());
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { clock, heap, busyMs: busyNow } = this.#deps;
    const { calmShare, spareBytes, restMs } = this.#options;
    const share = (busyNow() - this.#busyMs) / Math.max(1, clock.monotonic() - this.#lookedAt);
    const { total, used } = heap();
    const isRested = clock.monotonic() - this.#lastAt >= restMs;
    const isWorthIt = total - used >= spareBytes;
    if (share <= calmShare && isWorthIt && isRested) this.#tidy(total);
    // What it took itself is no work that came.
    this.start();
  }

  #tidy(before: number): void {
    const { clock, collect, heap, logger } = this.#deps;
    const began = clock.monotonic();
    collect();
    this.#lastAt = clock.monotonic();
    logger.debug({ before, after: heap().total, ms: Math.round(this.#lastAt - began) }, 'heap tidied');
  }

  #note(): void {
    this.#busyMs = this.#deps.busyMs();
    this.#lookedAt = this.#deps.clock.monotonic();
  }
}

function busyMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function heap(): { total: number; used: number } {
  const { total_physical_size: total, used_heap_size: used } = getHeapStatistics();
  return { total, used };
}

/** V8's own, which a process gets by a flag that may be set while it runs; contexts made after that have it. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Workers' contexts are not to have it.
  setFlagsFromString('--no-expose-gc');
  return () => collect();
}
