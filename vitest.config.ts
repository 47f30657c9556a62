import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/one-package.ts',
    // No test says how fast the machine is: a limit only ends what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Most of them wait for the program more than they work.
    maxWorkers: 3,
  },
});
