import { connect } from 'node:net';
import type { BenchDaemon } from './daemon.ts';
import { MachineLog } from './fleet-lines.ts';
import { progress } from './host.ts';
import { type Joined, newKeys, provisionAll } from './machines.ts';
import { allPacked, type GrownStore, growStore, SEGMENT_LINES } from './store-files.ts';

/** So many call at one time: who joins is not what is measured here. */
const JOIN_TOGETHER = 500;
/** Machines that are connected at one time while the store is filled. */
const TALK_TOGETHER = 1000;
/** The store as it is made lies within so many days, so that age lets nothing go. */
const DAYS = 20;

/** Settings under which nothing of a large store is let go while it is measured. */
export const KEEP_ALL = {
  SIDEROLINKD__STORE__MAX_BYTES: '100GiB',
  SIDEROLINKD__STORE__MAX_AGE: '60d',
} as const;

export async function joinFleet(daemon: BenchDaemon, count: number): Promise<Joined[]> {
  const token = await daemon.newToken();
  const joined: Joined[] = [];
  while (joined.length < count) {
    const keys = newKeys(Math.min(JOIN_TOGETHER, count - joined.length));
    joined.push(...(await provisionAll(keys, `http://${daemon.api}`, token)));
  }
  return joined;
}

/** Each of the machines says its next `lines` lines over a connection of its own; resolves when all are committed. */
export async function talk(
  daemon: BenchDaemon,
  speakers: readonly Speaker[],
  lines: number,
): Promise<{ lines: number; bytes: number }> {
  let bytes = 0;
  for (let at = 0; at < speakers.length; at += TALK_TOGETHER) {
    const group = speakers.slice(at, at + TALK_TOGETHER);
    const bodies = group.map(({ log }) => Buffer.from(log.next(lines)));
    const said = await sayAll(
      daemon,
      group.map(({ machine }) => machine),
      bodies,
      lines,
    );
    bytes += said.bytes;
  }
  return { lines: speakers.length * lines, bytes };
}

/** Each of the machines sends its body of `lines` lines; resolves when all are committed. */
export async function sayAll(
  daemon: BenchDaemon,
  machines: readonly Joined[],
  bodies: readonly Buffer[],
  lines: number,
): Promise<{ lines: number; bytes: number }> {
  const { overlay, records } = await daemon.status();
  const said = machines.map(({ address }, i) => say(overlay.server, address, bodies[i] ?? Buffer.alloc(0)));
  await Promise.all(said);
  const sent = machines.length * lines;
  await daemon.committed(records.head + sent, 300_000);
  return { lines: sent, bytes: bodies.reduce((sum, body) => sum + body.length, 0) };
}

export interface Speaker {
  readonly machine: Joined;
  readonly log: MachineLog;
}

export function speakersOf(machines: readonly Joined[]): Speaker[] {
  return machines.map((machine, seed) => ({ machine, log: new MachineLog(seed, machine.uuid) }));
}

/**
 * Many machines that joined, and a store of so many bytes: segments that the daemon packed itself, copied. Ten of eleven
 * are of the bursts of 1,000 machines each, 65 lines of their boots; in one all machines have said a few lines.
 * The daemon is stopped afterwards.
 */
export async function makeBigStore(
  daemon: BenchDaemon,
  { machines, bytes }: { readonly machines: number; readonly bytes: number },
): Promise<GrownStore & { readonly machines: readonly Joined[]; readonly speakers: readonly Speaker[] }> {
  await daemon.start(KEEP_ALL);
  const joined = await joinFleet(daemon, machines);
  progress(`${machines} machines joined`);
  const speakers = speakersOf(joined);
  const group = Math.max(1, Math.floor(machines / 10));
  const burst = Math.ceil(SEGMENT_LINES / group);
  for (let at = 0; at + group <= machines; at += group) await talk(daemon, speakers.slice(at, at + group), burst);
  for (const { log } of speakers) log.endBoot();
  await talk(daemon, speakers, Math.ceil((SEGMENT_LINES * 1.1) / machines));
  await allPacked(daemon.database);
  await daemon.end();
  progress('packed, growing');
  return { machines: joined, speakers, ...growStore(daemon.database, bytes, DAYS) };
}

function say(host: string, localAddress: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 4001, localAddress, noDelay: true });
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.once('connect', () => socket.end(body));
    socket.resume();
  });
}
