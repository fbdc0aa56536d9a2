import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import pino from 'pino';
import { systemClock } from '../../src/lib/clock.ts';
import type { NatsAccess } from '../../src/publish/credentials.ts';
import { type PublishMetrics, publishMetrics } from '../../src/publish/metrics.ts';
import type { PublishState } from '../../src/publish/protocol.ts';
import { Publisher, type PublisherOptions } from '../../src/publish/publisher.ts';
import type { StoredRecordLog } from '../../src/stream/record-log.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { linesOf, openLog, putTags, readAll, sourceOf, tagsOf, temporaryStore } from '../stream/harness.ts';

export const STREAM = 'SIDEROLINK';

export const ANYBODY: Omit<NatsAccess, 'servers'> = {
  ...{ user: null, passwordFile: null, tokenFile: null, nkeySeedFile: null, credentialsFile: null },
  tls: { caFile: null, certFile: null, keyFile: null },
};

/** A message as a consumer has it. */
export interface Received {
  readonly id: string;
  readonly seq: number;
  readonly subject: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A store with records, and publishers on it, one after the other. */
export class World {
  readonly #store = temporaryStore();
  #log: StoredRecordLog | undefined;
  readonly health = new Health(() => Date.now());
  readonly metrics: PublishMetrics = publishMetrics(createRegistry());
  #publisher: Publisher | undefined;
  #lines = 0;

  get path(): string {
    return this.#store.path;
  }

  get log(): StoredRecordLog {
    if (this.#log === undefined) throw new Error('not open');
    return this.#log;
  }

  get publisher(): Publisher {
    if (this.#publisher === undefined) throw new Error('nothing publishes');
    return this.#publisher;
  }

  async open(): Promise<this> {
    this.#log = (await openLog({ path: this.#store.path })).log;
    return this;
  }

  /** As a restart of the daemon does. */
  async reopen(): Promise<void> {
    await this.stop();
    await this.log.close(5000);
    await this.open();
  }

  /** So many kernel lines of each machine, committed. */
  async append(machines: readonly number[], lines: number, length = 20): Promise<void> {
    for (const machine of machines) {
      await putTags(this.log, tagsOf(machine));
      const messages = Array.from({ length: lines }, () => `line ${this.#lines++} ${'x'.repeat(length)}`);
      this.log.appendLog(sourceOf(machine), linesOf(messages));
    }
    await this.log.flush();
  }

  /** Starts a publisher that is quick to try again. */
  async publish(servers: readonly string[], options: Partial<PublisherOptions> = {}): Promise<Publisher> {
    const publisher = new Publisher(
      {
        ...{ database: this.#store.path, prefix: 'siderolink', idPrefix: '0123abcd', stream: STREAM },
        ...{ createStream: true, maxAgeMs: 3_600_000, reportMs: 20, restartMs: 50 },
        access: { ...ANYBODY, servers },
        ...options,
        link: { dialMs: 20, dialMaxMs: 200, streamMs: 100, ...options.link },
        outbox: { retryMaxMs: 500, ...options.outbox },
      },
      {
        ...{ log: this.log, clock: systemClock, logger: pino({ level: 'silent' }) },
        ...{ health: this.health, metrics: this.metrics },
      },
    );
    this.#publisher = publisher;
    await publisher.start();
    return publisher;
  }

  /** The same with a user and a password in a file. */
  async publishAs({ user, password }: { user: string; password: string }, servers: readonly string[]): Promise<void> {
    const access = { ...ANYBODY, servers, user, passwordFile: this.file('password', password) };
    await this.publish(servers, { access });
  }

  /** Writes a file beside the store; its path. */
  file(name: string, content: string): string {
    const path = join(dirname(this.#store.path), name);
    writeFileSync(path, content);
    return path;
  }

  async stop(): Promise<void> {
    const publisher = this.#publisher;
    this.#publisher = undefined;
    await publisher?.stop(5000);
  }

  /** Until the publisher's report is as asked. */
  async until(holds: (state: PublishState) => boolean, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!holds(this.publisher.state)) {
      if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(this.publisher.state)}`);
      await later(10);
    }
  }

  /** Until JetStream acknowledged everything. */
  published(timeoutMs?: number): Promise<void> {
    const { head } = this.log;
    return this.until(({ server, waiting, head: told }) => server !== null && waiting === 0 && told >= head, timeoutMs);
  }

  async untilCounted(name: keyof PublishMetrics, least: number, timeoutMs = 60_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while ((await this.count(name)) < least) {
      if (performance.now() > deadline) throw new Error(`never ${least} ${name}`);
      await later(5);
    }
  }

  condition(name: string): string {
    const found = this.health.conditions.find((condition) => condition.name === name);
    return `${found?.severity}: ${found?.message}`;
  }

  async count(name: keyof PublishMetrics, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { values } = await this.metrics[name].get();
    const wanted = Object.entries(labels);
    const matching = values.filter((value) =>
      wanted.every(([label, text]) => Object.entries(value.labels).some(([l, v]) => l === label && v === text)),
    );
    return matching.reduce((sum, { value }) => sum + value, 0);
  }

  async dispose(): Promise<void> {
    await this.stop();
    await this.#log?.close(5000);
    this.#store.remove();
  }

  /** Every record of the store must be in the stream, in its machine's order, as it is in the store. */
  async verify(messages: readonly Received[]): Promise<void> {
    const records = new Map(
      (await readAll(this.log)).map(({ seq, json }) => [seq, JSON.parse(json) as { subject: string; body: object }]),
    );
    const seen = new Set<number>();
    const last = new Map<string, number>();
    for (const { id, seq, subject, body } of messages) {
      const record = records.get(seq);
      if (record === undefined) throw new Error(`nobody stored ${seq}`);
      if (id !== `0123abcd:${seq}`) throw new Error(`${seq} has the id ${id}`);
      if (subject !== record.subject) throw new Error(`${seq} has the subject ${subject}`);
      if (body !== JSON.stringify(record.body)) throw new Error(`${seq} has the body ${body}`);
      if (seen.has(seq)) continue;
      seen.add(seq);
      const machine = subject.split('.')[2] ?? '';
      const before = last.get(machine) ?? 0;
      if (before > seq) throw new Error(`${seq} comes after ${before} of the same machine`);
      last.set(machine, seq);
    }
    const lost = [...records.keys()].filter((seq) => !seen.has(seq));
    if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 20).join(', ')} of ${records.size}`);
  }
}

/** All messages of the stream, in its order. */
export async function received(options: ConnectionOptions, stream = STREAM): Promise<readonly Received[]> {
  return await withConnection(options, async (connection) => {
    const { state } = await (await jetstreamManager(connection)).streams.info(stream);
    const consumer = await jetstream(connection).consumers.get(stream);
    const messages: Received[] = [];
    while (messages.length < state.messages) {
      const batch = await consumer.fetch({ max_messages: Math.min(1000, state.messages - messages.length) });
      for await (const message of batch) {
        const headers: Record<string, string> = {};
        for (const key of message.headers?.keys() ?? []) headers[key] = message.headers?.get(key) ?? '';
        messages.push({
          ...{ headers, subject: message.subject, body: message.string() },
          ...{ id: headers['Nats-Msg-Id'] ?? '', seq: Number(headers['Siderolink-Seq']) },
        });
      }
    }
    return messages;
  });
}

export async function withConnection<T>(
  options: ConnectionOptions,
  use: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await connect(options);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
