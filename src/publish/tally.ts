import type { PublishCounts } from './protocol.ts';
import type { Refusal } from './wire.ts';

/** So many times of answers are kept between two reports. */
const SAMPLES = 256;

/** Counts what happens between two reports. */
export class Tally {
  #published = 0;
  #duplicates = 0;
  #truncated = 0;
  #losses = 0;
  #refused: Partial<Record<Refusal, number>> = {};
  #answerMs: number[] = [];

  published(isDuplicate: boolean, isMarker: boolean, ms: number | undefined): void {
    this.#published++;
    if (isDuplicate) this.#duplicates++;
    if (isMarker) this.#truncated++;
    if (ms !== undefined && this.#answerMs.length < SAMPLES) this.#answerMs.push(ms);
  }

  lost(): void {
    this.#losses++;
  }

  refused(reason: Refusal): void {
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
  }

  /** What was counted since the last call. */
  take(): PublishCounts {
    const counts: PublishCounts = {
      published: this.#published,
      duplicates: this.#duplicates,
      truncated: this.#truncated,
      losses: this.#losses,
      refused: this.#refused,
      answerMs: this.#answerMs,
    };
    this.#published = 0;
    this.#duplicates = 0;
    this.#truncated = 0;
    this.#losses = 0;
    this.#refused = {};
    this.#answerMs = [];
    return counts;
  }
}
