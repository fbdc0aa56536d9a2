import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinFleet } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { EVENTS_PORT, publishStatus } from './events.ts';
import { MachineLog } from './fleet-lines.ts';
import { memoryOf, metric, progress, round } from './host.ts';
import type { Joined } from './machines.ts';
import type { Bench, Figures } from './main.ts';
import { processesOf } from './processes.ts';
import { RawSession } from './raw-session.ts';
import { threadsBetween, threadsOf } from './threads.ts';

/** Two connections each: as many as fit where a process may open 20,000 files. */
const MACHINES = 9_900;
const KMSG_PORT = 4001;
const AT_ONCE = 300;
/** Each has said so much before it falls silent. */
const LINES = 20;
/** What joining and connecting left to be done, and garbage, is over by then. */
const SETTLE_SECONDS = 30;
const SECONDS = 60;

/** Machines that are connected and silent. */
export const idle: Bench = {
  what: `${MACHINES} machines (or as many as given) connected for kernel log and events, which say nothing for ${SECONDS} s`,
  async run(arguments_, report) {
    report(await measureIdle(Number(arguments_[0] ?? MACHINES), Number(arguments_[1] ?? SECONDS)));
  },
};

/** @param measured seconds; at most as long is waited before */
export async function measureIdle(count: number, measured: number): Promise<Figures> {
  const daemon = new BenchDaemon();
  const connections: Connected[] = [];
  try {
    await daemon.start();
    const before = memoryOf(daemon.pid).rss;
    const machines = await joinFleet(daemon, count);
    const joined = memoryOf(daemon.pid).rss;
    progress(`${count} joined`);
    const { server } = (await daemon.status()).overlay;
    for (let at = 0; at < machines.length; at += AT_ONCE) {
      const group = machines.slice(at, at + AT_ONCE);
      connections.push(...(await Promise.all(group.map((machine, i) => connectMachine(server, machine, at + i)))));
    }
    progress('all connected');
    await sleep(Math.min(SETTLE_SECONDS, measured) * 1000);
    // Reading it makes the lag's measure begin anew.
    const readings = readingsOf(await daemon.http('/metrics'));
    const processes = processesOf(daemon.pid);
    const used = processes.map(({ cpu }) => cpu());
    const threads = threadsOf(daemon.pid);
    const began = performance.now();
    await sleep(measured * 1000);
    const seconds = (performance.now() - began) / 1000;
    const threadsAfter = threadsOf(daemon.pid);
    const percent = processes.map(({ cpu }, i) => (100 * (cpu() - (used[i] ?? 0))) / seconds);
    const open = connections.filter(({ log, events }) => !log.destroyed && events.isOpen).length;
    const { rss, peak } = memoryOf(daemon.pid);
    const metrics = await daemon.http('/metrics');
    const mib = (name: string) => round(metric(metrics, name) / 2 ** 20, 0);
    return {
      rss_mb: rss,
      cpu_percent: round((percent[0] ?? 0) + (percent[1] ?? 0), 2),
      machines: count,
      still_connected: open,
      daemon_cpu_percent: round(percent[0] ?? 0, 2),
      commands_cpu_percent: round(percent[1] ?? 0, 2),
      wireguard_go_cpu_percent: round(percent[2] ?? 0, 2),
      readings: readingsOf(metrics) - readings,
      threads: threadsBetween(threads, threadsAfter),
      empty_rss_mb: before,
      joined_rss_mb: joined,
      peak_rss_mb: peak,
      heap_used_mb: mib('nodejs_heap_size_used_bytes'),
      heap_total_mb: mib('nodejs_heap_size_total_bytes'),
      lag_max_ms: round(1000 * metric(metrics, 'nodejs_eventloop_lag_max_seconds')),
      external_mb: mib('nodejs_external_memory_bytes'),
    };
  } finally {
    for (const { log, events } of connections) {
      log.destroy();
      events.close();
    }
    await daemon.stop();
  }
}

/** How often the device was read: on a busy host readings are further apart, so a minute costs less there. */
function readingsOf(metrics: string): number {
  return metric(metrics, 'siderolinkd_wireguard_observe_seconds_count');
}

interface Connected {
  readonly log: Socket;
  readonly events: RawSession;
}

/** As a machine that has booted: its log and its status are told, and both connections stay. */
async function connectMachine(host: string, { address, uuid }: Joined, seed: number): Promise<Connected> {
  const log = await new Promise<Socket>((resolve, reject) => {
    const socket = connect({ host, port: KMSG_PORT, localAddress: address, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
  log.on('error', () => log.destroy());
  log.resume();
  log.write(new MachineLog(seed, uuid).next(LINES));
  const events = await RawSession.open({ host, port: EVENTS_PORT, localAddress: address });
  await publishStatus(events, `talos-${seed}`);
  return { log, events };
}
