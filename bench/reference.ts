import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { progress, round } from './host.ts';
import type { Figures } from './main.ts';

const MODULE = fileURLToPath(new URL('../test/interop', import.meta.url));
/** A device of ten thousand takes the reference minutes on a busy host; then its figures are left out. */
const DEADLINE_MS = 600_000;

/** What `test/interop/peers` prints. */
interface Printed {
  readonly at_once_seconds: number;
  readonly at_once_cpu_seconds: number;
  readonly one_more_seconds: number;
  readonly one_more_cpu_seconds: number;
  readonly one_by_one_seconds?: number;
  readonly one_by_one_cpu_seconds?: number;
}

/**
 * The reference implementation's way to put so many peers into its device: the device of its public Go module, in
 * namespaces of its own. The peers alone; no API, no registry and no disk. Says on standard error why there is nothing to
 * be had, where there is no Go or its modules cannot be had.
 */
export function referenceFigures(peers: number): Figures {
  if (spawnSync('go', ['version']).status !== 0) return without('Go is not installed');
  const build = spawnSync('go', ['build', '-o', 'bin/peers', './peers'], { cwd: MODULE, encoding: 'utf8' });
  if (build.status !== 0) return without(`it cannot be built: ${build.stderr.trim() || build.error?.message}`);
  progress(`the reference takes ${peers} peers`);
  const inside = 'mount -t tmpfs tmpfs /run/wireguard && ip link set lo up && exec "$@"';
  const run = spawnSync(
    'unshare',
    ['--net', '--mount', '--propagation', 'private', 'sh', '-c', inside, 'sh', `${MODULE}/bin/peers`, String(peers)],
    { encoding: 'utf8', timeout: DEADLINE_MS, killSignal: 'SIGKILL' },
  );
  if (run.status !== 0) return without(run.stderr.trim() || (run.error?.message ?? 'it ended'));
  const printed = JSON.parse(run.stdout) as Printed;
  return {
    reference_at_once_seconds: round(printed.at_once_seconds, 2),
    reference_at_once_cpu_seconds: round(printed.at_once_cpu_seconds, 2),
    reference_one_more_ms: round(printed.one_more_seconds * 1000, 2),
    reference_one_more_cpu_ms: round(printed.one_more_cpu_seconds * 1000, 2),
    ...(printed.one_by_one_seconds !== undefined && {
      reference_one_by_one_seconds: round(printed.one_by_one_seconds, 2),
      reference_one_by_one_cpu_seconds: round(printed.one_by_one_cpu_seconds ?? 0, 2),
    }),
  };
}

function without(why: string): Figures {
  process.stderr.write(`the reference agent's way is not measured: ${why}\n`);
  return {};
}
