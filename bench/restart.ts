import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEEP_ALL, makeBigStore, talk } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { EVENTS_PORT, publishStatus } from './events.ts';
import { cpuOf, memoryOf, progress, round } from './host.ts';
import { type Joined, newKeys, provisionAll } from './machines.ts';
import type { Bench } from './main.ts';
import { RawSession } from './raw-session.ts';
import { dropFromCache } from './store-files.ts';

const MACHINES = 10_000;
const GIGABYTE = 1e9;
const AT_ONCE = 500;
/** Lines that are under way when the daemon is killed: most of them are in the WAL then. */
const LINES = 100_000;
const SPEAKING = 20;
const DEADLINE_MS = 60_000;

/** From the start of the process to its first answers, with many machines and a large store. */
export const restart: Bench = {
  what: `start with ${MACHINES} machines and a store of 10 GB (or GB given, then machines): after a stop, from a cold disk, after kill -9, with a new device`,
  async run(arguments_, report) {
    const daemon = new BenchDaemon();
    try {
      const bytes = Number(arguments_[0] ?? 10) * GIGABYTE;
      const big = await makeBigStore(daemon, { machines: Number(arguments_[1] ?? MACHINES), bytes });
      progress(`a store of ${big.bytes} bytes`);
      await daemon.start(KEEP_ALL);
      const token = await daemon.newToken();
      await reportStatuses(daemon, big.machines);
      progress('every machine has a status');
      const start = (kind: string) => measureStart(daemon, token, kind);

      await daemon.end();
      const stopped = await start('');
      await daemon.end();
      dropFromCache(daemon.database);
      const cold = await start('cold_');
      await talk(daemon, big.speakers.slice(0, SPEAKING), LINES / SPEAKING);
      await daemon.end('SIGKILL');
      progress('killed');
      const wal = statSync(`${daemon.database}-wal`).size;
      const killed = await start('killed_');
      await daemon.end();
      daemon.removeDevice();
      const rebooted = await start('new_device_');
      report({
        ...stopped,
        ...cold,
        ...killed,
        wal_mb: round(wal / 2 ** 20),
        ...rebooted,
        rss_mb: memoryOf(daemon.pid).rss,
        machines: big.machines.length,
        store_gb: round(big.bytes / GIGABYTE, 2),
      });
    } finally {
      await daemon.stop();
    }
  },
};

/** Milliseconds until `/readyz` says yes, and until a machine that calls from the beginning has its answer. */
export async function measureStart(daemon: BenchDaemon, token: string, kind: string): Promise<Record<string, number>> {
  const [key] = newKeys(1);
  if (key === undefined) throw new Error('no key');
  const started = performance.now();
  daemon.spawn(KEEP_ALL);
  const ready = until(() => daemon.http('/readyz')).then(() => performance.now() - started);
  const joined = until(() => provisionAll([key], `http://${daemon.api}`, token)).then(
    () => performance.now() - started,
  );
  const readyMs = await ready;
  const joinedMs = await joined;
  progress(`${kind}ready ${readyMs.toFixed(0)} ms, joined ${joinedMs.toFixed(0)} ms`);
  const cpu = cpuOf(daemon.pid);
  return {
    [`${kind}ready_ms`]: round(readyMs, 0),
    [`${kind}first_join_ms`]: round(joinedMs, 0),
    [`${kind}cpu_seconds`]: round(cpu, 2),
  };
}

async function until<T>(attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(10);
    }
  }
}

/** Every machine has a status to be read. */
export async function reportStatuses(daemon: BenchDaemon, machines: readonly Joined[]): Promise<void> {
  const { server } = (await daemon.status()).overlay;
  for (let at = 0; at < machines.length; at += AT_ONCE) {
    await Promise.all(
      machines.slice(at, at + AT_ONCE).map(async ({ address, uuid }) => {
        const session = await RawSession.open({ host: server, port: EVENTS_PORT, localAddress: address });
        await publishStatus(session, `talos-${uuid.slice(0, 8)}`);
        session.close();
      }),
    );
  }
}
