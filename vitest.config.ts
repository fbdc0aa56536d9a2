import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Tests start some hundreds of processes of ours. Their types are stripped, and their code compiled, once for all of them:
 * a command of siderolinkctl takes half the time then.
 */
export const compiledOnce = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)),
};

/** What waits for hosts and machines comes first: a file that takes a minute and begins last is waited for alone. */
class HostsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/test/e2e/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Only what never comes is to meet them: a host that is busy with something else may take twenty times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    // Most of the time of the end-to-end tests is spent waiting: three keep two cores busy.
    maxWorkers: 3,
    sequence: { sequencer: HostsFirst },
    env: compiledOnce,
  },
});
