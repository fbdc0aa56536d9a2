import { spawnSync } from 'node:child_process';
import { join as joinPath } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchDaemon } from './daemon.ts';
import { metric, percentile, round } from './host.ts';
import { newKeys, provisionAll, readyToJoin } from './machines.ts';
import type { Bench, Figures } from './main.ts';
import { processesOf } from './processes.ts';
import { referenceFigures } from './reference.ts';
import { threadsBetween, threadsOf } from './threads.ts';

const SIZES = [100, 1000, 10_000];
/** One after the other, when the storm is over: what one join costs a fleet that is there. */
const LATECOMERS = 100;
/** Until then what the storm left to be done is done; then it is seen for so long what is used without joins. */
const SETTLE_SECONDS = 3;
const IDLE_SECONDS = 10;

/** Machines that all call at once, each over a connection of its own, into a real WireGuard device. */
export const join: Bench = {
  what: `${SIZES.join(', ')} machines join at once, plaintext and TLS, until the last one has its address and its peer`,
  async run(arguments_, report) {
    const given = arguments_.map(Number).filter(Number.isInteger);
    const kinds = ['tls', 'plaintext'].filter((kind) => arguments_.includes(kind));
    for (const machines of given.length > 0 ? given : SIZES) {
      for (const kind of kinds.length > 0 ? kinds : ['tls', 'plaintext']) {
        const figures = await measureJoin(machines, kind === 'tls');
        report(kind === 'tls' ? figures : { ...figures, ...referenceFigures(machines) });
      }
    }
  },
};

export async function measureJoin(machines: number, tls: boolean): Promise<Figures> {
  const daemon = new BenchDaemon();
  try {
    await daemon.start(tls ? certificate(daemon.directory) : {});
    const token = await daemon.newToken();
    const url = `${tls ? 'https' : 'http'}://${daemon.api}`;
    const joinAll = readyToJoin(newKeys(machines), url, token);
    // Reading it makes the lag's measure begin anew.
    await daemon.http('/metrics');
    const processes = processesOf(daemon.pid);
    const used = processes.map(({ cpu }) => cpu());
    const threads = threadsOf(daemon.pid);
    const ownCpu = process.cpuUsage();
    const started = performance.now();
    const joined = await joinAll();
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(ownCpu);
    const [daemonCpu = 0, commandsCpu = 0, deviceCpu = 0] = processes.map(({ cpu }, i) => cpu() - (used[i] ?? 0));
    const threadsUsed = threadsBetween(threads, threadsOf(daemon.pid));
    const metrics = await daemon.http('/metrics');
    if (new Set(joined.map(({ address }) => address)).size !== machines) throw new Error('an address was given twice');
    const latencies = joined.map(({ ms }) => ms).sort((a, b) => a - b);
    return {
      machines,
      tls,
      seconds: round(seconds, 2),
      p50_ms: round(percentile(latencies, 0.5)),
      p99_ms: round(percentile(latencies, 0.99)),
      lag_p99_ms: round(1000 * metric(metrics, 'nodejs_eventloop_lag_p99_seconds')),
      lag_max_ms: round(1000 * metric(metrics, 'nodejs_eventloop_lag_max_seconds')),
      device_batches: metric(metrics, 'siderolinkd_wireguard_batch_seconds_count'),
      daemon_cpu_seconds: round(daemonCpu, 2),
      commands_cpu_seconds: round(commandsCpu, 2),
      wireguard_go_cpu_seconds: round(deviceCpu, 2),
      client_cpu_seconds: round((user + system) / 1e6, 2),
      ms_per_machine: round((seconds * 1000) / machines, 3),
      calls_broken: joined.reduce((sum, { broken }) => sum + broken, 0),
      calls_refused: joined.reduce((sum, { refused }) => sum + refused, 0),
      threads: threadsUsed,
      ...(await oneMore(url, token, () => processes.reduce((sum, { cpu }) => sum + cpu(), 0))),
    };
  } finally {
    await daemon.stop();
  }
}

/** A join of a machine that comes alone, until it has its answer; and its CPU, of the daemon, its commands and the device. */
async function oneMore(url: string, token: string, cpu: () => number): Promise<Figures> {
  const keys = newKeys(LATECOMERS);
  await sleep(SETTLE_SECONDS * 1000);
  const atRest = cpu();
  await sleep(IDLE_SECONDS * 1000);
  const idlePerSecond = (cpu() - atRest) / IDLE_SECONDS;
  const before = cpu();
  const started = performance.now();
  for (const key of keys) await provisionAll([key], url, token);
  const seconds = (performance.now() - started) / 1000;
  return {
    one_more_ms: round((seconds * 1000) / LATECOMERS),
    one_more_cpu_ms: round(((cpu() - before - idlePerSecond * seconds) * 1000) / LATECOMERS),
  };
}

function certificate(directory: string): Record<string, string> {
  const cert = joinPath(directory, 'cert.pem');
  const key = joinPath(directory, 'key.pem');
  const { status, stderr } = spawnSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=bench',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return { SIDEROLINKD__API__TLS__CERT_FILE: cert, SIDEROLINKD__API__TLS__KEY_FILE: key };
}
