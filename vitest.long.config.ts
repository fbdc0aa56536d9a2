import { defineConfig } from 'vitest/config';
import { compiledOnce } from './vitest.config.ts';

/** Tests that take minutes: `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.ts'],
    passWithNoTests: true,
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    env: compiledOnce,
  },
});
