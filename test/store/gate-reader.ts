/** Reads without a pause through a gate. Its data: the gate's cells, and cells in which it counts. */
import { workerData } from 'node:worker_threads';
import { ReadGate } from '../../src/store/read-gate.ts';
import { PATIENT } from './patience.ts';

const { cells, counts } = workerData as { cells: ReadGate['cells']; counts: Int32Array };
const gate = new ReadGate(cells, PATIENT);
for (;;) {
  gate.read(() => {
    Atomics.add(counts, 0, 1);
    Atomics.add(counts, 1, 1);
    for (let i = 0; i < 10_000; i++) Atomics.load(counts, 0);
    Atomics.sub(counts, 1, 1);
  });
}
