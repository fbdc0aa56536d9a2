import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { which } from '../wireguard/vm/debian.ts';
import { VirtualMachine } from '../wireguard/vm/vm.ts';
import { withoutGo } from './genuine.ts';
import { KernelStory } from './kernel-story.ts';
import { runNode, tellStory } from './kernel-story-run.ts';

// A whole daemon on the kernel's WireGuard; then tests that are for wireguard-go where the kernel has no WireGuard, run
// where it has. The device alone is in test/wireguard/device-kernel.test.ts.

const HOURS = 3_600_000;

describe.each([
  { backend: 'auto', steps: KernelStory.steps },
  { backend: 'kernel', steps: { ...KernelStory.steps, ...KernelStory.longSteps } },
] as const)('the daemon on Debian’s kernel, with backend: $backend', ({ backend, steps }) => {
  let vm: VirtualMachine;
  let told: ReadonlyMap<string, string>;
  beforeAll(async () => {
    vm = await VirtualMachine.boot({ checkout: 'daemon' });
    told = await tellStory(vm, backend, backend === 'auto' ? 'short' : 'long');
  }, 2 * HOURS);
  afterAll(() => vm.dispose());

  it.each(Object.keys(steps))('%s', (step) => {
    expect(told.get(step)).toBe('done');
  });
});

describe('on Debian’s kernel passes', () => {
  let vm: VirtualMachine;
  beforeAll(async () => {
    vm = await VirtualMachine.boot({ checkout: 'tests' });
    // Whatever works has the kernel's.
    await vm.runner.run(['rm', which('wireguard-go')]);
  }, HOURS);
  afterAll(() => vm.dispose());

  it.for([
    { file: 'test/wireguard/isolation.test.ts', needsGo: false },
    { file: 'test/e2e/main-job.test.ts', needsGo: false },
    { file: 'test/e2e/device-gone.test.ts', needsGo: false },
    { file: 'test/e2e/tunnel.test.ts', needsGo: false },
    { file: 'test/e2e/interop-tunnel.test.ts', needsGo: true },
  ] as const)('$file', { timeout: 2 * HOURS }, async ({ file, needsGo }, { skip }) => {
    skip(needsGo && withoutGo);
    const report = '/tmp/report.json';
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--no-color'];
    await vm.runner.run(['rm', '-f', report]);
    const output = await runNode(vm, ['node_modules/vitest/vitest.mjs', 'run', file, ...reporters]).catch(
      (error: unknown) => inspect(error),
    );
    // Without one, what it says tells why.
    const counts = JSON.parse(await vm.runner.run(['cat', report]).catch(() => '{}')) as Record<string, number>;
    expect(counts['numFailedTests'], output).toBe(0);
    expect(counts['numPassedTests'], output).toBe(counts['numTotalTests']);
    expect(counts['numPassedTests'], output).toBeGreaterThan(0);
  });
});
