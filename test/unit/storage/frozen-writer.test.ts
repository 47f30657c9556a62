/** The contract of shared values and records: a writer that stands still overwrites nothing and loses nothing, wherever. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idAt } from '../../../src/runtime/system.ts';
import { changeAtVersion, type Durability, SharedState } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';
import { COUNT, increased } from './count-value.ts';
import { ENGINES, type Engine, type Step, type StoredProcess } from './engines.ts';

const id = idAt(CREATED_AT, 'abcdefghijk');
const CLOCK = { ...systemClock, sleep: async () => undefined };

/** What counts up in one process, and tells what it counted from. */
type Counting = (process: StoredProcess) => () => Promise<number>;

const valueFor =
  (durability: Durability): Counting =>
  ({ values }) => {
    const state = new SharedState(values, COUNT, CLOCK);
    return () => state.change(increased, durability);
  };
const value = valueFor('machine');

const record: Counting = ({ jobs }) => {
  const target = {
    changed: { type: 'record' as const, name: id, location: jobs.location },
    read: async () => (await jobs.read(id)) ?? Promise.reject(new Error('the record is gone')),
    replace: jobs.replace,
    creditsSpent: () => 'no' as const,
  };
  return () =>
    changeAtVersion(
      target,
      (job) => ({ value: { ...job, updatedAt: job.updatedAt + 1 }, result: job.updatedAt }),
      CLOCK,
    );
};

/** Stands still before its n-th step until it is let go. */
function standingStill(at: number): { step: Step; stands: Promise<void>; letGo: () => void; steps: () => number } {
  let steps = 0;
  let letGo = (): void => undefined;
  let begun = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const stands = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const step = async (): Promise<void> => {
    steps += 1;
    if (steps !== at) return;
    begun();
    await released;
  };
  return { step, stands, letGo, steps: () => steps };
}

describe.each(ENGINES)('a writer %s that stands still before any step of its change', (place, create) => {
  // More than the writers that a version remembers; a real disk takes its time for that.
  const others = place === 'on files' ? [1, 7] : [1, 7, 60];

  let engine: Engine;
  beforeEach(() => {
    engine = create();
  });
  afterEach(() => engine.close());

  describe.each([
    ['a value', value, 100],
    ['a record', record, 0],
  ] as const)('of %s', (what, counting, start) => {
    it.each(others)('makes it once, on what %i changes of another one have left', async (changes) => {
      if (what === 'a record') await engine.addProcess().jobs.add(sampleJob({ id, updatedAt: 0 }));
      let counted: number = start;
      for (let at = 1; ; at += 1) {
        const { step, stands, letGo, steps } = standingStill(at);
        const late = counting(engine.addProcess({ step }))();
        const isThrough = await Promise.race([late.then(() => true), stands.then(() => false)]);
        const count = counting(engine.addProcess());
        const seen: number[] = [];
        if (!isThrough) for (let n = 0; n < changes; n += 1) seen.push(await count());
        letGo();
        seen.push(await late);
        const expected = Array.from({ length: seen.length }, (_each, n) => counted + n);
        expect(
          seen.toSorted((one, two) => one - two),
          `at step ${at}`,
        ).toEqual(expected);
        counted += seen.length;
        if (steps() < at) break;
      }
      expect(counted - start).toBeGreaterThan(changes);
      const now = await counting(engine.addProcess())();
      expect(now).toBe(counted);
    });
  });
});

const QUICK = ENGINES.filter(([place]) => place !== 'on files');

describe.each(QUICK)(
  'two writers %s that stand still at any step of their changes, and go on together',
  (_, create) => {
    it.each([
      ['machine', 'machine'],
      ['process', 'process'],
      ['process', 'machine'],
    ] as const)('make each once (%s, changes of others: %s)', async (own, others) => {
      const engine = create();
      let counted = 100;
      const wasReached = [true, true];
      for (let first = 1; wasReached[0]; first += 1) {
        for (let second = 1; wasReached[1]; second += 1) {
          const halts = [standingStill(first), standingStill(second)];
          const other = valueFor(others)(engine.addProcess());
          const seen: number[] = [];
          const late: Promise<number>[] = [];
          for (const { step, stands } of halts) {
            const change = valueFor(own)(engine.addProcess({ step }))();
            late.push(change);
            await Promise.race([change, stands]);
            // So that each of them has read another version.
            seen.push(await other());
          }
          for (let n = 0; n < 3; n += 1) seen.push(await other());
          for (const { letGo } of halts) letGo();
          seen.push(...(await Promise.all(late)));
          const expected = Array.from({ length: seen.length }, (_each, n) => counted + n);
          expect(
            seen.toSorted((one, two) => one - two),
            `at steps ${first} and ${second}`,
          ).toEqual(expected);
          counted += seen.length;
          for (const [at, { steps }] of halts.entries()) wasReached[at] = steps() >= (at === 0 ? first : second);
        }
        wasReached[1] = true;
      }
      await engine.close();
      expect(counted).toBeGreaterThan(120);
    });
  },
);
