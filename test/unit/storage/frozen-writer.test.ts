/** The contract of shared values and records: a writer that stands still overwrites nothing and loses nothing, wherever. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idAt } from '../../../src/core/job.ts';
import { changeAtVersion, SharedState } from '../../../src/core/shared-value.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { CREATED_AT, sampleJob } from '../core/sample-jobs.ts';
import { COUNT, increased } from './count-value.ts';
import { ENGINES, type Engine, type Step, type StoredProcess } from './engines.ts';

const id = idAt(CREATED_AT, 'abcdefghijk');
const CLOCK = { ...systemClock, sleep: async () => undefined };

/** What counts up in one process, and tells what it counted from. */
type Counting = (process: StoredProcess) => () => Promise<number>;

const value: Counting = ({ values }) => {
  const state = new SharedState(values, COUNT, CLOCK);
  return () => state.change(increased, 'machine');
};

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
