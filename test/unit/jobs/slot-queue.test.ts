/** Proves that orders wait for the plan's slots and permits, say so meanwhile, and can be taken back until they are sent. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../src/core/job.ts';
import type { Progress } from '../../../src/jobs/image-jobs.ts';
import type { WaitReason } from '../../../src/jobs/submission.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { owner, remoteJob, sampleJob } from '../core/sample-jobs.ts';
import { listedIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, leftBehind, REQUEST, startProcess, thrown } from './fakes.ts';

const MINUTE = 60_000;

let bench: Bench;
beforeEach(() => {
  bench = createBench({ plan: 'free' });
});
afterEach(() => bench.jobs.close());

const another = (n: number) => ({ ...REQUEST, prompt: `fox number ${n}` });
const sent = (): string[] => bench.provider.submitted.map(({ prompt }) => prompt);
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());

async function ordered(count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await bench.order(another(n));
}

/** Waits for a job and keeps what the progress says. */
function followed(id: string, waitMs = 300_000): { reasons: (WaitReason | undefined)[]; waiting: Promise<Job> } {
  const reasons: (WaitReason | undefined)[] = [];
  const onTick = ({ waitReason }: Progress): void => void reasons.push(waitReason);
  return { reasons, waiting: bench.jobs.waitFor(id, { waitMs, onTick }) };
}

describe('with one slot', () => {
  it('the second order is sent when the first has ended, and not before', async () => {
    bench.provider.readings = ['stall'];
    await ordered(2);
    await bench.clock.advance(30_000);
    expect(sent()).toEqual(['fox number 1']);
    expect((await bench.recorded('job_2')).state).toBe('queued');
    const first = await bench.recorded('job_1');
    await bench.limits.note({ ...first, state: 'completed' });
    await bench.clock.advance(500);
    expect(sent()).toEqual(['fox number 1', 'fox number 2']);
  });

  it('orders are sent in the order in which they came, one after the other', async () => {
    bench.provider.readings = [remoteJob('processing'), remoteJob('completed')];
    await ordered(4);
    await bench.clock.advance(2 * MINUTE);
    expect(sent()).toEqual([1, 2, 3, 4].map((n) => `fox number ${n}`));
    expect((await listedIn(bench.jobs)).map(({ state }) => state)).toEqual(['saved', 'saved', 'saved', 'saved']);
    expect(await totals()).toMatchObject({ images: 4, slotsInUse: 0 });
  });

  it('progress says what an order waits for, and about how long', async () => {
    bench.provider.readings = ['stall'];
    await ordered(3);
    await bench.clock.advance(0);
    const { reasons, waiting } = followed('job_3', 4_000);
    await bench.clock.advance(4_000);
    expect((await waiting).state).toBe('queued');
    const [first] = reasons;
    expect(first?.reason).toBe('slot');
    // What is left of the running job, and a whole one that comes first.
    const seconds = ((first?.until ?? 0) - bench.clock.now()) / 1_000;
    expect(seconds).toBeGreaterThan(30);
    expect(seconds).toBeLessThan(45);
    expect(reasons.every((waitReason) => waitReason?.reason === 'slot')).toBe(true);
  });

  it('progress no longer says so once the order is sent', async () => {
    await ordered(2);
    const { reasons, waiting } = followed('job_2');
    await bench.clock.advance(30_000);
    expect((await waiting).state).toBe('saved');
    expect(reasons.some((waitReason) => waitReason?.reason === 'slot')).toBe(true);
    expect(reasons.at(-1)).toBeUndefined();
  });

  it('an order that was left open is resumed under its own key, so that the next one comes to its turn', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' }), remoteJob('completed')];
    await ordered(2);
    await bench.clock.advance(10_000);
    expect(sent()).toEqual(['fox number 1', 'fox number 1', 'fox number 2']);
    expect(new Set(bench.provider.submitted.slice(0, 2).map(({ key }) => key)).size).toBe(1);
  });

  it('an order that stays open keeps the others waiting for a quarter of an hour, not for a day', async () => {
    bench.provider.onSending = () => {
      bench.provider.submissions = sent().at(-1)?.endsWith('1')
        ? [thrown({ kind: 'ambiguous', retry: 'same_job' })]
        : [remoteJob('completed')];
    };
    await ordered(2);
    await bench.clock.advance(14 * MINUTE);
    expect((await bench.recorded('job_2')).state).toBe('queued');
    await bench.clock.advance(3 * MINUTE);
    expect((await bench.recorded('job_2')).state).toBe('saved');
    expect((await bench.recorded('job_1')).state).toBe('submitting');
  });

  it('a job without an end gives its slot back when it is not polled any more', async () => {
    bench.provider.readings = [remoteJob('processing')];
    await ordered(2);
    await bench.clock.advance(14 * MINUTE);
    expect(sent()).toHaveLength(1);
    await bench.clock.advance(2 * MINUTE);
    expect(sent()).toHaveLength(2);
    expect((await bench.recorded('job_1')).state).toBe('processing');
  });
});

describe('a slot that another process occupies', () => {
  const left = (patch: Partial<Job>): Promise<void> => {
    const now = bench.clock.now();
    return leftBehind(bench, sampleJob({ id: 'job_7', createdAt: now, updatedAt: now, owner: owner(7), ...patch }));
  };

  it('and that is gone is free as soon as its job has ended: it is polled here again', async () => {
    await left({ state: 'processing', remoteId: 'dt_7' });
    await bench.order(another(1));
    await bench.clock.advance(10_000);
    expect(bench.provider.reads[0]?.remoteId).toBe('dt_7');
    expect(await bench.recorded('job_7')).toMatchObject({ state: 'saved', owner: owner(1) });
    expect((await bench.recorded('job_1')).state).toBe('saved');
  });

  it('and that is gone is free at once when its order was never sent', async () => {
    await left({ state: 'queued' });
    await bench.limits.slot('job_7');
    await bench.order(another(1));
    await bench.clock.advance(1_000);
    expect(sent()).toEqual(['fox number 1']);
    expect((await bench.recorded('job_7')).failure).toMatchObject({ creditsSpent: 'no' });
  });

  it('and that lives is waited for, however many are waiting', async () => {
    bench.living.add(7);
    await left({ state: 'processing', remoteId: 'dt_7' });
    await bench.order(another(1));
    await bench.clock.advance(5 * MINUTE);
    expect(sent()).toEqual([]);
    expect(bench.provider.reads).toEqual([]);
    await bench.clock.advance(11 * MINUTE);
    expect(sent()).toEqual(['fox number 1']);
  });

  it.each(['queued', 'submitting', 'processing'] as const)(
    'is not taken from an order that has waited for long before it got it: %s',
    async (state) => {
      bench.living.add(7);
      await left({ state, createdAt: bench.clock.now() - 20 * MINUTE });
      await bench.limits.slot('job_7');
      await bench.order(another(1));
      await bench.clock.advance(2 * MINUTE);
      expect((await totals()).slotsInUse).toBe(1);
      expect(sent()).toEqual([]);
    },
  );

  it('and that is stuck before it sends does not keep the others waiting for good', async () => {
    bench.living.add(7);
    await left({ state: 'queued' });
    await bench.limits.slot('job_7');
    await bench.order(another(1));
    await bench.clock.advance(16 * MINUTE);
    expect(sent()).toEqual(['fox number 1']);
    // Its process lives, and may still come to close it itself.
    expect((await bench.recorded('job_7')).state).toBe('queued');
    bench.living.delete(7);
    await bench.clock.advance(5_000);
    expect(await bench.recorded('job_7')).toMatchObject({ state: 'failed', failure: { kind: 'interrupted' } });
  });

  it('goes to the orders of both processes in turn', async () => {
    const other = startProcess(2, bench);
    bench.provider.readings = [remoteJob('processing'), remoteJob('completed')];
    await bench.order(another(1));
    await other.order(another(2));
    await bench.order(another(3));
    await bench.clock.advance(2 * MINUTE);
    const states = (await listedIn(bench.jobs)).map(({ id, state }) => [id, state]);
    expect(states).toEqual([
      ['job_3', 'saved'],
      ['job_2', 'saved'],
      ['job_1', 'saved'],
    ]);
    expect(other.provider.submitted.map(({ prompt }) => prompt)).toEqual(['fox number 2']);
    expect(sent()).toEqual(['fox number 1', 'fox number 3']);
    await other.jobs.close();
  });
});

describe('a permit', () => {
  it('is waited for while the order is still queued, and progress says so', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const { reasons, waiting } = followed('job_1');
    await bench.clock.advance(19_000);
    expect((await bench.recorded()).state).toBe('queued');
    expect(reasons[0]).toEqual({ reason: 'permit', until: bench.clock.now() + 1_000 });
    await bench.clock.advance(10_000);
    expect((await waiting).state).toBe('saved');
    expect(reasons.at(-1)).toBeUndefined();
  });

  it('that a later try waits for is no reason why the order was not sent: it was', async () => {
    const { failure } = thrown({ kind: 'service_error', retry: 'same_job' });
    bench.provider.onSending = () => {
      if (bench.provider.submitted.length === 1) void bench.limits.learn({ pausedUntil: bench.clock.now() + 10_000 });
    };
    bench.provider.submissions = [{ again: 'generate', failure }, remoteJob('processing')];
    await bench.order(REQUEST);
    const { reasons, waiting } = followed('job_1');
    await bench.clock.advance(20_000);
    expect((await waiting).state).toBe('saved');
    expect(new Set(reasons)).toEqual(new Set([undefined]));
    expect(bench.provider.submitted).toHaveLength(2);
  });
});

describe('an order that is taken back', () => {
  const taken = { state: 'failed', failure: { creditsSpent: 'no', retry: 'later' } };

  it('while it waits for a slot is closed as not sent, and gives its price back', async () => {
    bench.provider.readings = ['stall'];
    await ordered(3);
    await bench.clock.advance(1_000);
    bench.jobs.cancelUnsent('job_2');
    await bench.clock.advance(10);
    expect(await bench.recorded('job_2')).toMatchObject(taken);
    expect(await totals()).toMatchObject({ images: 2, spentCredits: 0, reservedCredits: 40 });
    const first = await bench.recorded('job_1');
    await bench.limits.note({ ...first, state: 'completed' });
    await bench.clock.advance(5_000);
    expect(sent()).toEqual(['fox number 1', 'fox number 3']);
  });

  it('while it waits for a permit is closed as not sent', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    bench.jobs.cancelUnsent('job_1');
    await bench.clock.advance(60_000);
    expect(await bench.recorded()).toMatchObject(taken);
    expect(sent()).toEqual([]);
  });

  it('in the very moment in which it gets its slot is closed as not sent', async () => {
    const slot = bench.limits.slot.bind(bench.limits);
    bench.limits.slot = async (id) => {
      const answer = await slot(id);
      bench.jobs.cancelUnsent(id);
      return answer;
    };
    await bench.order(REQUEST);
    await bench.clock.advance(10_000);
    expect(await bench.recorded()).toMatchObject(taken);
    expect(sent()).toEqual([]);
    expect(await totals()).toMatchObject({ images: 0, slotsInUse: 0 });
  });

  it('right after it was taken in is closed as not sent', async () => {
    const { job } = await bench.order(REQUEST);
    bench.jobs.cancelUnsent(job.id);
    await bench.clock.advance(60_000);
    expect(await bench.recorded()).toMatchObject(taken);
    expect(sent()).toEqual([]);
  });

  it('once it is sent goes on all the same', async () => {
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(sent()).toHaveLength(1);
    bench.jobs.cancelUnsent('job_1');
    await bench.clock.advance(5_000);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.provider.submitted[0]?.signal.aborted).toBe(false);
  });

  it('while it is being recorded as submitting goes on all the same', async () => {
    const replace = bench.jobStore.replace.bind(bench.jobStore);
    bench.jobStore.replace = async (seen, job) => {
      bench.jobs.cancelUnsent('job_1');
      return replace(seen, job);
    };
    await bench.order(REQUEST);
    await bench.clock.advance(5_000);
    expect((await bench.recorded()).state).toBe('saved');
  });

  it('is sent all the same when somebody else waits for it', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(REQUEST);
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 60_000 });
    await bench.clock.advance(1_000);
    bench.jobs.cancelUnsent('job_1');
    await bench.clock.advance(30_000);
    expect((await waiting).state).toBe('saved');
  });

  it('makes room for the same order again', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    bench.jobs.cancelUnsent('job_1');
    await bench.clock.advance(10);
    expect(await bench.order(REQUEST)).toMatchObject({ job: { id: 'job_2' }, duplicate: false });
  });
});

describe('the end of the server', () => {
  it('closes what was not sent as such, and gives its price back', async () => {
    bench.provider.readings = ['stall'];
    await ordered(2);
    await bench.clock.advance(3_000);
    await bench.jobs.close();
    expect((await bench.recorded('job_1')).state).toBe('processing');
    expect(await bench.recorded('job_2')).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
    expect(await totals()).toMatchObject({ images: 1, reservedCredits: 20 });
  });
});

describe('many jobs at a time', () => {
  it('recover what others have left once for all, not each for itself', async () => {
    const find = bench.jobStore.find.bind(bench.jobStore);
    let polls = 0;
    bench.jobStore.find = (id) => {
      polls += 1;
      return find(id);
    };
    bench.provider.readings = ['stall'];
    await ordered(20);
    await bench.clock.advance(3_000);
    polls = 0;
    await bench.clock.advance(60_000);
    // Twenty records every few seconds, whoever waits.
    expect(polls).toBeLessThan(20 * (60 / 2.5 + 1));
  });

  it('do not make Node warn of listeners', async () => {
    const warnings: string[] = [];
    const listen = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', listen);
    bench = createBench({ plan: 'enterprise' });
    bench.provider.readings = [remoteJob('processing')];
    await ordered(15);
    await bench.clock.advance(20_000);
    expect(sent()).toHaveLength(15);
    await bench.jobs.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});
