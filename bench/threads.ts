import { readdirSync, readFileSync } from 'node:fs';

const NANOSECONDS = 1e9;

/** CPU seconds that each thread of a process has used, by name; threads of one name together. */
export function threadsOf(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      const directory = `/proc/${pid}/task/${task}`;
      const name = Number(task) === pid ? 'main' : readFileSync(`${directory}/comm`, 'utf8').trim();
      // The first number: nanoseconds on a CPU.
      const used = Number(readFileSync(`${directory}/schedstat`, 'utf8').split(' ')[0]) / NANOSECONDS;
      seconds.set(name, (seconds.get(name) ?? 0) + used);
    } catch {
      // It ended meanwhile.
    }
  }
  return seconds;
}

/** What was used between two looks, the busiest first, as text. */
export function threadsBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): string {
  return [...after]
    .map(([name, seconds]): [string, number] => [name.replace('siderolinkd-', ''), seconds - (before.get(name) ?? 0)])
    .filter(([, seconds]) => seconds >= 0.005)
    .sort(([, a], [, b]) => b - a)
    .map(([name, seconds]) => `${name} ${seconds.toFixed(2)}`)
    .join(', ');
}
