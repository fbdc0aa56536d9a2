import { kernelLines } from './lines.ts';

export const CONNECTIONS = 20;
export const LINES = 1_000_000;
/** What a receiver gets before the clock starts, where it starts warm. */
export const WARM_UP_LINES = 100_000;
const LINE_FEED = 0x0a;

/** What one connection sends. */
export interface Load {
  readonly warmUp: Buffer;
  readonly timed: Buffer;
}

/** Lines of one machine, numbered through. */
export function load(seed: number): Load {
  const warmUp = WARM_UP_LINES / CONNECTIONS;
  const lines = kernelLines(warmUp + LINES / CONNECTIONS, seed);
  let end = 0;
  for (let line = 0; line < warmUp; line++) end = lines.indexOf(LINE_FEED, end) + 1;
  return { warmUp: lines.subarray(0, end), timed: lines.subarray(end) };
}
