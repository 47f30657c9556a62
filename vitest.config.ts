import { readdirSync, readFileSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
/** Files that put something in place of a module, which must not have been loaded before. */
const mocking = tests.map((name) => `test/${name}`).filter((path) => readFileSync(path, 'utf8').includes('vi.mock('));

export default defineConfig({
  test: {
    globalSetup: 'test/support/one-package.ts',
    // No test says how fast the machine is: a limit only ends what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Most of them wait for the program more than they work.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...mocking],
          // A worker keeps the modules that it has loaded: nearly half of the time of small files was their loading.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: mocking } },
    ],
  },
});
