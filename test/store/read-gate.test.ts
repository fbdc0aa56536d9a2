import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { ReadGate } from '../../src/store/read-gate.ts';
import { PATIENT } from './patience.ts';

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

/** A thread that reads without a pause through the same gate, and counts in cells: reads begun, and reads that run. */
function readerOf(gate: ReadGate, counts: Int32Array<SharedArrayBuffer>): void {
  const module = new URL('./gate-reader.ts', import.meta.url);
  workers.push(new Worker(module, { workerData: { cells: gate.cells, counts } }));
}

const cellsOf = (count: number) => new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
const BEGUN = 0;
const RUNNING = 1;
const begun = async (counts: Int32Array, more: number) => {
  const wanted = Atomics.load(counts, BEGUN) + more;
  while (Atomics.load(counts, BEGUN) < wanted) await turn();
};

test('threads that read without a pause are kept out whenever the gate is closed, and go on behind it', async () => {
  const gate = new ReadGate(undefined, PATIENT);
  const counts = cellsOf(2);
  readerOf(gate, counts);
  readerOf(gate, counts);
  for (let round = 0; round < 200; round++) {
    await begun(counts, 2);
    await gate.whileClosed(async () => {
      const before = Atomics.load(counts, BEGUN);
      for (let i = 0; i < 5; i++) await turn();
      expect(Atomics.load(counts, RUNNING)).toBe(0);
      expect(Atomics.load(counts, BEGUN)).toBe(before);
    });
  }
  await begun(counts, 100);
}, 60_000);

test('two who close it are both waited for, and one that fails opens it as well', async () => {
  const gate = new ReadGate();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const closings = [gate.whileClosed(() => first.promise), gate.whileClosed(() => second.promise)];
  expect(gate.isClosed).toBe(true);
  first.reject(new Error('the disk is gone'));
  await expect(closings[0]).rejects.toThrow('the disk is gone');
  expect(gate.isClosed).toBe(true);
  second.resolve();
  await closings[1];
  expect(gate.isClosed).toBe(false);
  expect(gate.read(() => 'read')).toBe('read');
});

test('neither side waits for ever', async () => {
  const gate = new ReadGate(undefined, { maxWaitMs: 20, maxDrainMs: 20 });
  const isDone = await gate.whileClosed(async () => {
    // This thread would wait for itself.
    expect(gate.read(() => 'read')).toBe('read');
    return true;
  });
  expect(isDone).toBe(true);
  let closing: Promise<string> | undefined;
  await gate.read(() => {
    closing = gate.whileClosed(async () => 'done in spite of it');
  });
  expect(await closing).toBe('done in spite of it');
  // One that reads for as long as it likes: the cell says so from here on.
  Atomics.add(gate.cells, 1, 1);
  expect(await gate.whileClosed(async () => 'done in spite of it')).toBe('done in spite of it');
});

test('who pauses lets those go first who wait', async () => {
  const gate = new ReadGate();
  const order: string[] = [];
  const closing = gate.whileClosed(async () => void order.push('closed'));
  const other = new ReadGate(gate.cells, { maxWaitMs: 1, maxDrainMs: 1 });
  // It waits until its time is over, as this thread can do nothing else meanwhile.
  other.read(() => {
    expect(other.isClosed).toBe(true);
    other.pause();
    order.push('read');
  });
  await closing;
  expect(order).toEqual(['read', 'closed']);
  expect(Atomics.load(gate.cells, 1)).toBe(0);
});
