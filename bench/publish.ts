import { setTimeout as sleep } from 'node:timers/promises';
import { joinFleet, type Speaker, sayAll, speakersOf, talk } from './big-store.ts';
import { BenchDaemon } from './daemon.ts';
import { cpuOf, memoryOf, metric, progress, round } from './host.ts';
import type { Bench, Figures } from './main.ts';
import { BenchNats } from './nats.ts';

const MACHINES = 1000;
/** Lines of each machine that wait when the broker is first reached. */
const BACKLOG_LINES = 300;
/** Lines of each machine that come while the publisher follows, in so many rounds. */
const LIVE_LINES = 20;
const LIVE_ROUNDS = 10;
const DEADLINE_MS = 300_000;

/** From the store into JetStream: what has piled up, then what comes. */
export const publish: Bench = {
  what: `records of ${MACHINES} machines (or as many as given second) to JetStream (nats-server, files): a backlog of ${BACKLOG_LINES} lines each (or as many as given), then ${LIVE_LINES * LIVE_ROUNDS} live; order verified by a consumer`,
  async run(arguments_, report) {
    const [backlogLines, machines] = [arguments_[0] ?? BACKLOG_LINES, arguments_[1] ?? MACHINES].map(Number);
    report(await measurePublishing(machines ?? 0, backlogLines ?? 0, LIVE_LINES));
  },
};

/** @param backlogLines of each machine. @param liveLines of each machine in each of the rounds; none with 0 */
export async function measurePublishing(machines: number, backlogLines: number, liveLines: number): Promise<Figures> {
  const daemon = new BenchDaemon();
  const nats = new BenchNats();
  try {
    await daemon.start();
    const speakers = speakersOf(await joinFleet(daemon, machines));
    await talk(daemon, speakers, backlogLines);
    await daemon.end();
    await nats.start();
    progress('a backlog, and a broker');

    const began = performance.now();
    await daemon.start({ SIDEROLINKD__PUBLISH__NATS__SERVERS: `["${nats.url}"]` });
    const cpu = [cpuOf(daemon.pid), cpuOf(nats.pid)];
    const backlog = await drained(daemon);
    const backlogSeconds = (performance.now() - began) / 1000;
    const used = [cpuOf(daemon.pid) - (cpu[0] ?? 0), cpuOf(nats.pid) - (cpu[1] ?? 0)];
    progress(`${backlog} published in ${backlogSeconds.toFixed(1)} s`);

    const liveBegan = performance.now();
    if (liveLines > 0) await live(daemon, speakers, liveLines);
    const all = await drained(daemon);
    const liveSeconds = (performance.now() - liveBegan) / 1000;
    progress('published live');
    return {
      records_per_second: round(backlog / backlogSeconds, 0),
      machines,
      records: backlog,
      live_records_per_second: round((all - backlog) / liveSeconds, 0),
      live_records: all - backlog,
      daemon_cpu_seconds: round(used[0] ?? 0),
      nats_cpu_seconds: round(used[1] ?? 0),
      rss_mb: memoryOf(daemon.pid).rss,
      ...(await verify(nats, all)),
    };
  } finally {
    await nats.stop();
    await daemon.stop();
  }
}

/** Resolves with how many were published when the daemon says that none is left. */
async function drained(daemon: BenchDaemon): Promise<number> {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const metrics = await daemon.http('/metrics');
    const waiting = metric(metrics, 'siderolinkd_publish_waiting_records');
    const published = metric(metrics, 'siderolinkd_publish_records_total');
    const { head } = (await daemon.status()).records;
    if (waiting === 0 && published >= head - 1) return published;
    if (performance.now() > end) throw new Error(`${waiting} wait, ${published} of ${head} are published`);
    await sleep(50);
  }
}

async function live(daemon: BenchDaemon, speakers: readonly Speaker[], lines: number): Promise<void> {
  for (let round = 0; round < LIVE_ROUNDS; round++) {
    await sayAll(
      daemon,
      speakers.map(({ machine }) => machine),
      speakers.map(({ log }) => Buffer.from(log.next(lines))),
      lines,
    );
  }
}

/** Reads all that the broker has: whether each machine's records are in the order of their seqs, and none is missing. */
async function verify(nats: BenchNats, published: number): Promise<Record<string, number>> {
  const last = new Map<string, number>();
  let disordered = 0;
  let twice = 0;
  const seen = new Set<string>();
  const messages = await nats.messages();
  await nats.readAll(messages, (subject, id) => {
    const lane = subject.split('.').slice(1, 3).join('.');
    const seq = Number(id.slice(id.lastIndexOf(':') + 1));
    if (seen.has(id)) twice += 1;
    else if (seq < (last.get(lane) ?? 0)) disordered += 1;
    seen.add(id);
    last.set(lane, Math.max(seq, last.get(lane) ?? 0));
  });
  return { messages, out_of_order: disordered, twice, missing: published - seen.size };
}
