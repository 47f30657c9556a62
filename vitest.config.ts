import { defineConfig } from 'vitest/config';

/** Their clocks run ahead of the machine's: what they wait for must not be kept waiting by other tests. */
const ON_FAST_CLOCKS = ['test/journeys/**/*.test.ts', 'test/crash/**/*.test.ts', 'test/contract/scenarios.test.ts'];

export default defineConfig({
  test: {
    // Process tests spawn the packed program; two cores are shared with it.
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'clocks', include: ON_FAST_CLOCKS, maxWorkers: 1, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // Most of them wait for the program more than they work.
        test: {
          name: 'rest',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...ON_FAST_CLOCKS],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
