import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Process tests spawn the packed program; two cores are shared with it.
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
