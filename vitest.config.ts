import { readdirSync, readFileSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
/** Files that put something in place of a module, which must not have been loaded before. */
const mocking = tests.map((name) => `test/${name}`).filter((path) => readFileSync(path, 'utf8').includes('vi.mock('));

const LONG = /crash\/(?:limits|crash)|fuzz\/|contract\/scenarios|journeys\/host-|outside\/(?:picture-address|users-no)/;
/** These wait for other programs more than they work. */
const WAITING = /\/(?:outside|process|crash|viewer)\//;

/** Long files first, so that no worker is left with one at the end; files that wait run next to files that work. */
class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const long = sorted.filter(({ moduleId }) => LONG.test(moduleId));
    const others = sorted.filter((file) => !long.includes(file));
    const inTurn = [true, false].flatMap((isWaiting) => {
      const kind = others.filter(({ moduleId }) => WAITING.test(moduleId) === isWaiting);
      return kind.map((file, index) => ({ file, share: index / kind.length }));
    });
    return [...long, ...inTurn.sort((one, other) => one.share - other.share).map(({ file }) => file)];
  }
}

export default defineConfig({
  test: {
    globalSetup: 'test/support/one-package.ts',
    // No test says how fast the machine is: a limit only ends what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Most of them wait for the program more than they work.
    maxWorkers: 4,
    sequence: { sequencer: Mixed },
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
