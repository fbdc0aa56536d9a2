import { readdirSync, readFileSync } from 'node:fs';

const NANOSECONDS = 1e9;
const TICKS_PER_SECOND = 100;

/** CPU seconds: all of them, and those in the kernel. */
interface Used {
  readonly all: number;
  readonly kernel: number;
}

/** What each thread of a process has used, by name; threads of one name together. */
export function threadsOf(pid: number): ReadonlyMap<string, Used> {
  const threads = new Map<string, Used>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      const directory = `/proc/${pid}/task/${task}`;
      const name = Number(task) === pid ? 'main' : readFileSync(`${directory}/comm`, 'utf8').trim();
      // The first number: nanoseconds on a CPU.
      const all = Number(readFileSync(`${directory}/schedstat`, 'utf8').split(' ')[0]) / NANOSECONDS;
      const fields = readFileSync(`${directory}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const kernel = Number(fields[12]) / TICKS_PER_SECOND;
      const before = threads.get(name) ?? { all: 0, kernel: 0 };
      threads.set(name, { all: before.all + all, kernel: before.kernel + kernel });
    } catch {
      // It ended meanwhile.
    }
  }
  return threads;
}

/** What was used between two looks, the busiest first, as text: seconds, and in brackets those in the kernel. */
export function threadsBetween(before: ReadonlyMap<string, Used>, after: ReadonlyMap<string, Used>): string {
  return [...after]
    .map(([name, used]) => {
      const { all, kernel } = before.get(name) ?? { all: 0, kernel: 0 };
      return { name: name.replace('siderolinkd-', ''), all: used.all - all, kernel: used.kernel - kernel };
    })
    .filter(({ all }) => all >= 0.005)
    .sort((a, b) => b.all - a.all)
    .map(({ name, all, kernel }) => `${name} ${all.toFixed(2)} (${kernel.toFixed(2)})`)
    .join(', ');
}
