import pino from 'pino';
import { expect, it } from 'vitest';
import { batchLength, field, setField } from '../../src/store/batch.ts';
import type { CommitReply, CommitRequest } from '../../src/store/protocol.ts';
import { BufferPool } from '../../src/stream/buffer-pool.ts';
import { Committer, type CommitterOptions } from '../../src/stream/committer.ts';
import { LogIntake } from '../../src/stream/log-intake.ts';
import { createStreamMetrics } from '../../src/stream/metrics.ts';
import { Slabs } from '../../src/stream/slabs.ts';
import { Health } from '../../src/telemetry/health.ts';
import { createRegistry } from '../../src/telemetry/metrics.ts';
import { ManualClock } from '../sinks/fakes.ts';
import { eventOf, linesOf, sourceOf } from './harness.ts';

const decoder = new TextDecoder();

/** A writer that answers when it is told to, and keeps the text of the log lines that it stored. */
class ScriptedStore {
  readonly stored: string[] = [];
  /** Requests without an answer, oldest first. */
  readonly waiting: { readonly lines: string[]; answer(outcome: 'stored' | 'storage' | 'superseded'): void }[] = [];
  #arrived: () => void = () => {};
  #nextSeq = 1;

  commit(request: CommitRequest): Promise<CommitReply> {
    const { changes, changeChunks, logChunks } = request;
    const lines: string[] = [];
    for (let chunk = 0; chunk < batchLength(logChunks); chunk++) {
      const bytes = new Uint8Array(logChunks.body, field(logChunks, chunk, 'offset'), field(logChunks, chunk, 'bytes'));
      lines.push(...decoder.decode(bytes).trimEnd().split('\n'));
    }
    const { promise, resolve } = Promise.withResolvers<CommitReply>();
    const answer = (outcome: 'stored' | 'storage' | 'superseded') => {
      const failure = outcome === 'stored' ? null : { kind: outcome, message: 'disk full' };
      if (failure === null) {
        this.stored.push(...lines);
        for (const batch of [changeChunks, logChunks]) {
          for (let chunk = 0; chunk < batchLength(batch); chunk++) {
            setField(batch, chunk, 'firstSeq', this.#nextSeq);
            this.#nextSeq += field(batch, chunk, 'count');
          }
        }
      }
      const changeFailures = changes.map(() => null);
      resolve({ failure, changeFailures, logOpFailures: 0, nextSeq: this.#nextSeq, changeChunks, logChunks });
    };
    this.waiting.push({ lines, answer });
    this.#arrived();
    return promise;
  }

  /** The oldest request without an answer. */
  async next() {
    while (this.waiting.length === 0) await this.arrival();
    const request = this.waiting.shift();
    if (request === undefined) throw new Error('no request');
    return request;
  }

  arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }
}

function world(options: Partial<CommitterOptions> = {}) {
  const store = new ScriptedStore();
  const health = new Health(() => 0);
  const clock = new ManualClock();
  const intake = new LogIntake({ maxPendingBytes: 1e9, maxMachineBytes: 1e9 }, { clock, slabs: new Slabs() });
  const committer = new Committer(
    { commitBytes: 1, commitIntervalMs: 0, pipelineBytes: 1, gatherMs: 25, gatherFrom: 4, ...options },
    {
      ...{ store, intake, health, clock },
      pool: new BufferPool(0),
      logger: pino({ level: 'silent' }),
      metrics: createStreamMetrics(createRegistry()),
      onLost: (error) => {
        throw error;
      },
      onCommitted: () => {},
    },
    0,
  );
  const append = (text: string) => {
    intake.append(sourceOf(1), linesOf([text]));
    committer.logsWaiting();
  };
  const condition = () => health.conditions.find(({ name }) => name === 'store')?.severity;
  return { store, clock, committer, append, condition };
}

const textOf = (line: string) => (JSON.parse(line) as { msg: string }).msg;

it('lines of two failed commits keep their order however often the first of them fails again', async () => {
  const { store, clock, append } = world();
  append('1');
  const first = await store.next();
  append('2');
  const second = await store.next();
  first.answer('storage');
  second.answer('superseded');
  // The first part goes alone, as nothing new waits, and fails again: the second must not overtake it.
  for (let i = 0; i < 3; i++) (await retry(store, clock)).answer('storage');
  (await retry(store, clock)).answer('stored');
  (await retry(store, clock)).answer('stored');
  await turn();
  expect(store.stored.map(textOf)).toEqual(['1', '2']);
});

it('a change that finds room does not make health forget the lines that find none', async () => {
  const { store, clock, committer, append, condition } = world();
  append('1');
  (await store.next()).answer('storage');
  await turn();
  // Within the wait for the next try a change goes alone, and is stored.
  const event = committer.commit({ ops: [], records: [eventOf(1, 'x', 'event')] });
  const alone = await store.next();
  expect(alone.lines).toEqual([]);
  alone.answer('stored');
  await event;
  expect(condition()).toBe('error');
  (await retry(store, clock)).answer('stored');
  await turn();
  expect(condition()).toBe('ok');
});

it('while logs are suspended changes go alone, lines wait, and all keep their order', async () => {
  const { store, clock, committer, append } = world();
  append('1');
  const flying = await store.next();
  committer.suspendLogs(true);
  append('2');
  flying.answer('storage');
  await turn();
  for (const name of ['a', 'b']) {
    const event = committer.commit({ ops: [], records: [eventOf(1, 'x', name)] });
    const alone = await store.next();
    expect(alone.lines).toEqual([]);
    alone.answer('stored');
    await event;
  }
  // Also what came back is not tried again meanwhile.
  clock.advance(10_000);
  await turn();
  expect(store.waiting).toEqual([]);
  committer.suspendLogs(false);
  (await retry(store, clock)).answer('stored');
  (await store.next()).answer('stored');
  await turn();
  expect(store.stored.map(textOf)).toEqual(['1', '2']);
});

/** Commits so many changes, and is told of each one that is stored. */
function several(committer: Committer, count: number, told: number[] = [], isPatient = true): number[] {
  for (let n = 0; n < count; n++) {
    void committer.commit({ ops: [], records: [eventOf(1, 'x', `${n}`)], isPatient }).then(() => told.push(n));
  }
  return told;
}

it('patient changes of a crowd gather, the first of it and one that comes alone do not', async () => {
  const { store, clock, committer } = world({ pipelineBytes: 1e6 });
  const told = several(committer, 4);
  // Nothing was committed lately.
  (await store.next()).answer('stored');
  await turn();
  expect(told.length).toBe(4);
  several(committer, 1, told);
  clock.advance(24);
  several(committer, 2, told);
  await turn();
  await turn();
  expect(store.waiting).toEqual([]);
  clock.advance(1);
  await turn();
  expect(store.waiting.length).toBe(1);
  (await store.next()).answer('stored');
  await turn();
  expect(told.length).toBe(7);
  // There were three: that is no crowd any more.
  several(committer, 1, told);
  (await store.next()).answer('stored');
  await turn();
  several(committer, 1, told);
  (await store.next()).answer('stored');
  await turn();
  expect(told.length).toBe(9);
  expect(store.waiting).toEqual([]);
});

it('who is not patient waits for nobody, and takes along who is', async () => {
  const { store, committer } = world({ pipelineBytes: 1e6 });
  const told = several(committer, 10, [], false);
  for (let round = 1; round <= 3; round++) {
    (await store.next()).answer('stored');
    await turn();
    expect(told.length).toBe(10 * round);
    // Each comes again when it has its answer, as senders of events do.
    several(committer, 10, told, false);
  }
  (await store.next()).answer('stored');
  await turn();
  several(committer, 5, told);
  await turn();
  expect(store.waiting).toEqual([]);
  several(committer, 1, told, false);
  (await store.next()).answer('stored');
  await turn();
  expect(told.length).toBe(46);
});

it('a crowd that fills a commit does not wait, nor one beside which many lines wait', async () => {
  const { store, committer, append } = world({ pipelineBytes: 100, commitBytes: 1e6 });
  several(committer, 4);
  (await store.next()).answer('stored');
  await turn();
  const told = several(committer, 512);
  (await store.next()).answer('stored');
  await turn();
  expect(told.length).toBe(512);
  several(committer, 1, told);
  await turn();
  expect(store.waiting).toEqual([]);
  append('x'.repeat(200));
  const both = await store.next();
  expect(both.lines.length).toBe(1);
  both.answer('stored');
  await turn();
  expect(told.length).toBe(513);
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The next request, when the committer has waited as long as it ever does. */
async function retry(store: ScriptedStore, clock: ManualClock) {
  await turn();
  clock.advance(10_000);
  return await store.next();
}
