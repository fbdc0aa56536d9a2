import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';

test('a thread that lets others go first does so alone', async () => {
  const before = getPriority();
  const module = new URL('../../src/lib/background.ts', import.meta.url).href;
  const program = `
    const { parentPort } = require('node:worker_threads');
    const { getPriority } = require('node:os');
    import(${JSON.stringify(module)}).then(({ beBackground }) => {
      beBackground();
      beBackground();
      parentPort.postMessage(getPriority());
    });`;
  const niceness = await new Promise((resolve, reject) => {
    const worker = new Worker(program, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
  });

  expect(niceness).toBe(Math.max(19, before));
  expect(getPriority()).toBe(before);
});
