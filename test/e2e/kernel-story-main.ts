/**
 * The process of the story: tells on standard output how each step ended, one JSON object a line. Arguments: the backend,
 * and `long` for the steps that take minutes.
 */
import { inspect } from 'node:util';
import { KernelStory } from './kernel-story.ts';

const PATIENCE_MS = 240_000;

// What is waited for may be a process that has ended: that must be told, and a clock's sleep keeps nobody alive.
const awake = setInterval(() => undefined, 60_000);
const [, , backend, length] = process.argv;
const story = new KernelStory({ backend: backend === 'kernel' ? 'kernel' : 'auto', patienceMs: PATIENCE_MS });
const steps = { ...KernelStory.steps, ...(length === 'long' ? KernelStory.longSteps : {}) };
let error = '';
try {
  for (const [step, act] of Object.entries(steps)) {
    const began = performance.now();
    try {
      await act(story);
    } catch (cause) {
      error = `${inspect(cause)}\n${story.log.slice(-6000)}`;
    }
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    process.stdout.write(`${JSON.stringify({ step, seconds, ...(error !== '' && { error }) })}\n`);
    // What follows builds on it.
    if (error !== '') break;
  }
} finally {
  await story.dispose();
  clearInterval(awake);
}
