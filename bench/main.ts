import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { deliver } from './deliver.ts';
import { growth } from './growth.ts';
import { hostLine } from './host.ts';
import { idle } from './idle.ts';
import { ingest } from './ingest.ts';
import { join } from './join.ts';
import { publish } from './publish.ts';
import { registry } from './registry.ts';
import { restart } from './restart.ts';
import { store } from './store.ts';

/** A figure line of `--json`; `bench` names the benchmark. */
export type Figures = Readonly<Record<string, string | number | boolean>>;

export interface Bench {
  /** One line for people. */
  readonly what: string;
  /** @param say prints text for people, not with `--json` */
  run(arguments_: readonly string[], report: (figures: Figures) => void, say: (text: string) => void): Promise<void>;
}

const BENCHES: Readonly<Record<string, Bench>> = {
  ingest,
  join,
  deliver,
  registry,
  store,
  restart,
  idle,
  publish,
  growth,
};

/** The client has no turns of its collector while thousands of connections stand. */
const CLIENT_OPTIONS = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

const [name = '', ...arguments_] = process.argv.slice(2).filter((argument) => argument !== '--json');
const asJson = process.argv.includes('--json');
const bench = BENCHES[name];

if (bench === undefined) {
  const list = Object.entries(BENCHES).map(([key, { what }]) => `  ${key.padEnd(8)} ${what}`);
  process.stderr.write(`usage: npm run bench -- NAME [--json]\n${list.join('\n')}\n`);
  process.exitCode = 2;
} else if (process.env['BENCH_NAMESPACE'] === undefined) {
  process.exitCode = await inNamespace();
} else {
  prepareNamespace();
  if (!asJson) process.stdout.write(`${name}: ${bench.what}\non ${hostLine()}\n`);
  const report = (figures: Figures) => {
    const line = asJson
      ? JSON.stringify({ bench: name, ...figures })
      : Object.entries(figures)
          .map(([key, value]) => `  ${key.padEnd(28)} ${value}`)
          .join('\n');
    process.stdout.write(`${line}\n`);
  };
  await bench.run(arguments_, report, (text) => {
    if (!asJson) process.stdout.write(`${text}\n`);
  });
}

/**
 * Everything runs in a network namespace of its own: other traffic does not disturb it, and it disturbs nobody. In one of
 * processes too: a benchmark that is ended leaves none behind.
 */
async function inNamespace(): Promise<number> {
  const namespaces = [
    '--net',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const child = spawn(
    'unshare',
    [...namespaces, process.execPath, ...CLIENT_OPTIONS, fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, BENCH_NAMESPACE: '1' } },
  );
  // unshare itself passes no signal on.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

function prepareNamespace(): void {
  mkdirSync('/run/wireguard', { recursive: true });
  command('mount', '-t', 'tmpfs', 'tmpfs', '/run/wireguard');
  command('ip', 'link', 'set', 'lo', 'up');
  // Lets one process speak for many machines, each from its own overlay address.
  writeFileSync('/proc/sys/net/ipv6/ip_nonlocal_bind', '1');
}

function command(file: string, ...arguments_: string[]): void {
  const { status, stderr } = spawnSync(file, arguments_, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${arguments_.join(' ')}: ${stderr}`);
}
