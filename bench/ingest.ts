import { connect, type Socket } from 'node:net';
import { BenchDaemon } from './daemon.ts';
import { cpuOf, memoryOf, round } from './host.ts';
import { kernelLines } from './lines.ts';
import { newKeys, provisionAll } from './machines.ts';
import type { Bench } from './main.ts';
import { Rsyslog } from './rsyslog.ts';

const CONNECTIONS = 20;
const LINES = 1_000_000;
const WRITE_BYTES = 256 * 1024;

/** Kernel lines from socket to fsync, beside rsyslog doing less: it parses and writes, but neither keeps apart nor fsyncs. */
export const ingest: Bench = {
  what: `${LINES.toLocaleString('en')} kernel lines over ${CONNECTIONS} TCP connections, until committed with fsync; rsyslog in the same run`,
  async run(_arguments, report) {
    const perConnection = LINES / CONNECTIONS;
    const bodies = Array.from({ length: CONNECTIONS }, (_, i) => kernelLines(perConnection, i));
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    const rsyslog = await runRsyslog(bodies, 3);

    const daemon = new BenchDaemon();
    try {
      await daemon.start();
      const machines = await provisionAll(newKeys(CONNECTIONS), `http://${daemon.api}`, await daemon.newToken());
      const { overlay, records } = await daemon.status();
      const sockets = await Promise.all(
        machines.map(({ address }) => open({ host: overlay.server, port: 4001, localAddress: address })),
      );
      const cpu = cpuOf(daemon.pid);
      const started = performance.now();
      const sent = Promise.all(sockets.map((socket, i) => send(socket, bodies[i] ?? Buffer.alloc(0))));
      await daemon.committed(records.head + LINES, 120_000);
      const seconds = (performance.now() - started) / 1000;
      await sent;
      const { peak } = memoryOf(daemon.pid);
      report({
        lines_per_second: Math.round(LINES / seconds),
        ratio_to_rsyslog: round(LINES / seconds / rsyslog, 2),
        rss_mb: peak,
        cpu_seconds: round(cpuOf(daemon.pid) - cpu, 2),
        bytes_per_line: round(bytes / LINES),
        rsyslog_lines_per_second: Math.round(rsyslog),
      });
    } finally {
      await daemon.stop();
    }
  },
};

/** rsyslog's listener now and then forgets a connection under such a load: then it is tried again. */
async function runRsyslog(bodies: readonly Buffer[], tries: number): Promise<number> {
  for (let left = tries; ; left--) {
    try {
      return await rsyslogLinesPerSecond(bodies);
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}

async function rsyslogLinesPerSecond(bodies: readonly Buffer[]): Promise<number> {
  const rsyslog = new Rsyslog();
  const sockets: Socket[] = [];
  try {
    await rsyslog.start();
    for (const _ of bodies) sockets.push(await open({ host: '127.0.0.1', port: rsyslog.port }));
    const started = performance.now();
    for (const [i, socket] of sockets.entries()) void send(socket, bodies[i] ?? Buffer.alloc(0));
    await rsyslog.written(LINES, 45_000);
    return LINES / ((performance.now() - started) / 1000);
  } finally {
    for (const socket of sockets) socket.destroy();
    await rsyslog.stop();
  }
}

function open(to: { readonly host: string; readonly port: number; readonly localAddress?: string }): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Writes everything as fast as the receiver takes it, then closes. */
async function send(socket: Socket, body: Buffer): Promise<void> {
  for (let at = 0; at < body.length; at += WRITE_BYTES) {
    if (!socket.write(body.subarray(at, at + WRITE_BYTES))) {
      await new Promise((resolve) => socket.once('drain', resolve));
    }
  }
  await new Promise<void>((resolve) => {
    socket.end(resolve);
  });
}
