import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { publishMetrics } from '../../src/publish/metrics.ts';
import { Publisher } from '../../src/publish/publisher.ts';
import { Republisher, type RepublishProgress, type RepublishQuery } from '../../src/publish/republisher.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { type NatsServer, startNatsServer } from '../helpers/nats-server.ts';
import { linesOf, openLog, putTags, sourceOf, tagsOf, temporaryStore, uuidOf } from '../stream/harness.ts';

const MACHINES = 12;
const STREAM = 'SIDEROLINK';
const ALL: RepublishQuery = { filters: [] };

let server: NatsServer;
let nats: NatsConnection;
let store: ReturnType<typeof temporaryStore>;
let log: StoredRecordLog;
let publisher: Publisher;
let republisher: Republisher;

beforeEach(async () => {
  server = await startNatsServer();
  store = temporaryStore();
  ({ log } = await openLog({ path: store.path }));
  for (let machine = 1; machine <= MACHINES; machine += 1) await putTags(log, tagsOf(machine, 'acme'));
  makePublisher();
  nats = await connect({ servers: server.url, reconnectTimeWait: 20 });
});
afterEach(async () => {
  await nats.close();
  await publisher.stop(5_000);
  await log.close(5_000);
  await server.dispose();
  store.remove();
});

function makePublisher(): void {
  publisher = new Publisher(
    {
      ...{ database: store.path, prefix: 'siderolink', idPrefix: 'abcdef01', stream: STREAM, createStream: true },
      maxAgeMs: 86_400_000,
      reportMs: 20,
      access: {
        servers: [server.url],
        ...{ user: null, passwordFile: null, tokenFile: null, nkeySeedFile: null, credentialsFile: null },
        tls: { caFile: null, certFile: null, keyFile: null },
      },
      link: { dialMs: 20, streamMs: 20 },
      outbox: { retryMs: 20 },
    },
    {
      ...{ log, clock: systemClock, logger: pino({ level: 'silent' }) },
      health: new Health(() => Date.now()),
      metrics: publishMetrics(createRegistry()),
    },
  );
  const metrics = publishMetrics(createRegistry());
  republisher = new Republisher({ pageRecords: 50, patienceMs: 20 }, { log, publisher, clock: systemClock, metrics });
}

/** Makes the stream vanish while we are away: what it was sent nobody remembers. */
async function loseStream(): Promise<void> {
  await publisher.stop(5_000);
  await (await jetstreamManager(nats)).streams.delete(STREAM);
  await log.close(5_000);
  ({ log } = await openLog({ path: store.path }));
  makePublisher();
  await published();
}

/** Lines of all machines, all mixed. */
async function talk(rounds: number): Promise<void> {
  const sources = Array.from({ length: MACHINES }, (_, index) => {
    return sourceOf(index + 1, 'kmsg', 1, tagsOf(index + 1, 'acme'));
  });
  for (let round = 0; round < rounds; round += 1) {
    for (const source of sources) log.appendLog(source, linesOf([`a ${round}`, `b ${round}`, `c ${round}`]));
    await log.flush();
  }
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await systemClock.sleep(5);
}

async function published(): Promise<void> {
  await publisher.start();
  await until(() => publisher.state.server !== null && publisher.state.waiting === 0);
}

async function rest(items: AsyncIterable<RepublishProgress>): Promise<void> {
  for await (const _ of items);
}

async function run(query: RepublishQuery, onProgress: (progress: RepublishProgress) => unknown = () => undefined) {
  let last: RepublishProgress | undefined;
  for await (const progress of republisher.run(query, new AbortController().signal)) {
    last = progress;
    await onProgress(progress);
  }
  return last;
}

interface Sent {
  readonly subject: string;
  readonly id: string;
  readonly seq: number;
  readonly body: string;
}

/** All that the stream has, in its order. */
async function streamed(): Promise<readonly Sent[]> {
  const { streams } = await jetstreamManager(nats);
  const { state } = await streams.info(STREAM);
  const sent: Sent[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage(STREAM, { seq });
    if (message === null) throw new Error(`no message ${seq}`);
    const { subject, header } = message;
    sent.push({
      subject,
      id: header.get('Nats-Msg-Id'),
      seq: Number(header.get('Siderolink-Seq')),
      body: message.string(),
    });
  }
  return sent;
}

function byMachine(sent: readonly Sent[]): ReadonlyMap<string, readonly number[]> {
  const groups = Map.groupBy(sent, ({ subject }) => subject.split('.')[2] ?? '');
  return new Map([...groups].map(([machine, messages]) => [machine, messages.map(({ seq }) => seq)]));
}

const ascending = (seqs: readonly number[]) => seqs.toSorted((a, b) => a - b);

describe('republishing', () => {
  it('fills a new stream with what the old one had: same ids, same bodies, in the order of each machine', async () => {
    await talk(20);
    await published();
    const before = await streamed();
    expect(before).toHaveLength(log.head);
    await loseStream();

    const told: number[] = [];
    const total = await run(ALL, ({ through }) => told.push(through));
    expect(total).toEqual({ published: before.length, duplicates: 0, through: log.head, problem: null });
    expect(told).toEqual(ascending(told));
    const after = await streamed();
    const bySeq = (sent: readonly Sent[]) => sent.toSorted((a, b) => a.seq - b.seq);
    expect(bySeq(after)).toEqual(bySeq(before));
    for (const seqs of byMachine(after).values()) expect(seqs).toEqual(ascending(seqs));
  });

  it('is dropped by a stream that knows the ids still; it takes what matches and no more', async () => {
    await talk(5);
    await published();
    const machine = uuidOf(3);
    const errors = { filters: [`siderolink.acme.${machine}.kmsg.*`], after: 10, before: 150 };
    const mine = (await streamed()).filter(({ subject, seq }) => subject.includes(machine) && seq > 10 && seq < 150);
    expect(mine.length).toBeGreaterThan(5);
    const total = await run(errors);
    expect(total).toEqual({ published: mine.length, duplicates: mine.length, through: 149, problem: null });
    expect(await streamed()).toHaveLength(log.head);

    await loseStream();
    expect(await run({ ...errors, machine: 3 })).toMatchObject({ published: mine.length, duplicates: 0 });
    expect((await streamed()).map(({ seq }) => seq)).toEqual(mine.map(({ seq }) => seq));
    expect(await run({ filters: ['siderolink.nobody.>'] })).toMatchObject({ published: 0, through: log.head });
    expect(await run({ ...ALL, since: Date.now() + 60_000 })).toMatchObject({ published: 0 });
  });

  it('goes on through the death of the broker, says that it waits, and keeps the order of each machine', async () => {
    await talk(40);
    await published();
    await (await jetstreamManager(nats)).streams.delete(STREAM);
    let problem: string | null = null;
    let isKilled = false;
    const total = await run(ALL, async (progress) => {
      if (progress.published > 200 && !isKilled) {
        isKilled = true;
        await server.kill();
      } else if (progress.problem?.startsWith('not connected') && problem === null) {
        problem = progress.problem;
        await server.start();
      }
    });
    expect(problem).toMatch(/^not connected to NATS: /);
    expect(total).toMatchObject({ published: log.head, through: log.head, problem: null });
    await until(() => !nats.isClosed() && nats.info !== undefined);
    const seen = byMachine(await streamed());
    expect([...seen.values()].flat().length).toBeGreaterThanOrEqual(log.head);
    expect(new Set([...seen.values()].flat()).size).toBe(log.head);
    for (const seqs of seen.values()) expect(seqs).toEqual(ascending(seqs));
  });

  it('is one at a time, ends with its caller, and leaves what is new alone', async () => {
    await talk(10);
    await published();
    await server.pause();
    const ending = new AbortController();
    const first = republisher.run(ALL, ending.signal);
    const item = await first.next();
    expect(item.value).toMatchObject({ published: 0 });
    await expect(run(ALL)).rejects.toMatchObject({ code: 'conflict' });
    ending.abort();
    await expect(first.next()).rejects.toMatchObject({ code: 'unavailable' });
    await server.resume();
    await talk(5);
    await until(() => publisher.state.server !== null && publisher.state.waiting === 0);
    expect(await run(ALL)).toMatchObject({ published: log.head, through: log.head });
    expect(new Set((await streamed()).map(({ seq }) => seq)).size).toBe(log.head);
  });

  it('is refused without a connection, and ends with the publisher', async () => {
    await expect(run(ALL)).rejects.toMatchObject({ code: 'unavailable', message: /not connected to NATS/ });
    await talk(10);
    await published();
    await server.pause();
    const items = republisher.run(ALL, new AbortController().signal);
    await items.next();
    const stopped = publisher.stop(2_000);
    await expect(rest(items)).rejects.toMatchObject({ code: 'unavailable' });
    await stopped;
    await server.resume();
  });
});
