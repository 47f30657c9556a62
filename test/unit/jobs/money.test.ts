/** Proves the rules about money: recorded before it is sent, one key for ever, and never called free when it may have been paid. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteJob } from '../../../src/core/image-provider.ts';
import { advance, type Job, type JobState } from '../../../src/core/job.ts';
import { totalsOf } from '../../../src/limits/reservations.ts';
import { owner, remoteJob } from '../core/sample-jobs.ts';
import { recordsIn } from '../../support/listed-jobs.ts';
import { type Bench, createBench, REQUEST, startProcess, thrown } from './fakes.ts';

let bench: Bench;
beforeEach(() => {
  bench = createBench();
});
afterEach(() => bench.jobs.close());

const refused = thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' });
const full = thrown({ kind: 'storage_failed', creditsSpent: 'no', retry: 'no' });
const totals = async () => totalsOf((await bench.limits.state()).reservations, bench.clock.now());

/** The next changes of a record fail. */
function failUpdates(count: number): void {
  const replace = bench.jobStore.replace.bind(bench.jobStore);
  let left = count;
  bench.jobStore.replace = (seen, job) => {
    left -= 1;
    return left >= 0 ? Promise.reject(full) : replace(seen, job);
  };
}

describe('an order that cannot be recorded as submitting', () => {
  it('is not sent, and says so', async () => {
    failUpdates(1);
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    expect(bench.provider.submitted).toEqual([]);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure: { kind: 'storage_failed' } });
    expect(await totals()).toMatchObject({ images: 0, reservedCredits: 0 });
  });

  it('and whose failure cannot be recorded either is reported by the wait, and closed by the next check', async () => {
    failUpdates(2);
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(0);
    expect(await waiting).toMatchObject({ state: 'queued', failure: { kind: 'storage_failed', creditsSpent: 'no' } });
    expect(await bench.jobs.check('job_1')).toMatchObject({ state: 'failed', failure: { creditsSpent: 'no' } });
    expect(bench.provider.submitted).toEqual([]);
  });

  it('because it was left open and cannot be taken over stays open', async () => {
    bench.provider.submissions = [thrown({ kind: 'ambiguous', retry: 'same_job' })];
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    bench.limits.slot = () => Promise.reject(full);
    await bench.clock.advance(30_000);
    expect(await bench.recorded()).toMatchObject({
      state: 'submitting',
      failure: { creditsSpent: 'maybe', retry: 'same_job' },
    });
    expect(bench.provider.submitted).toHaveLength(1);
  });

  it('because the limits cannot be kept is not sent', async () => {
    bench.limits.permit = () => Promise.reject(full);
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure: { kind: 'storage_failed' } });
    expect(bench.provider.submitted).toEqual([]);
  });
});

describe('an order that the service has taken, and whose record cannot be written then', () => {
  /** The changes of the record after the one that says that the order is about to leave. */
  function failAfterSending(count: number): void {
    bench.provider.onSending = () => failUpdates(count);
  }

  it.each([1, 2, 3, 5])('is written when the disk is back: %i failures', async (count) => {
    failAfterSending(count);
    await bench.order(REQUEST);
    await bench.clock.advance(60_000);
    expect((await bench.recorded()).state).toBe('saved');
    expect(bench.jobStore.history.map(({ state }) => state)).toEqual([
      'queued',
      'submitting',
      'processing',
      'completed',
      'saved',
    ]);
    expect(bench.provider.submitted).toHaveLength(1);
    expect(await totals()).toMatchObject({ images: 1 });
  });

  it('is never failed and never free meanwhile, and an equal order finds it', async () => {
    failAfterSending(Number.POSITIVE_INFINITY);
    await bench.order(REQUEST);
    const waiting = bench.jobs.waitFor('job_1', { waitMs: 45_000 });
    await bench.clock.advance(45_000);
    const failure = { kind: 'storage_failed', creditsSpent: 'yes' };
    expect(await waiting).toMatchObject({ state: 'submitting', failure });
    expect(await bench.jobs.check('job_1')).toMatchObject({ state: 'submitting' });
    const again = bench.order(REQUEST);
    await bench.clock.advance(10_000);
    expect(await again).toMatchObject({ duplicate: true, job: { id: 'job_1' } });
    expect(bench.provider.submitted).toHaveLength(1);
    expect(await totals()).toMatchObject({ images: 1 });
  });

  it('is sent again under its own key by the next server when this one ends before the disk is back', async () => {
    const replace = bench.jobStore.replace.bind(bench.jobStore);
    failAfterSending(Number.POSITIVE_INFINITY);
    await bench.order(REQUEST);
    await bench.clock.advance(45_000);
    await bench.jobs.close();
    bench.living.delete(1);
    expect((await bench.recorded()).state).toBe('submitting');
    bench.jobStore.replace = replace;
    const next = startProcess(2, bench);
    next.jobs.watch();
    await bench.clock.advance(20_000);
    expect(next.provider.submitted.map(({ key }) => key)).toEqual(['key-1']);
    expect((await bench.recorded()).state).toBe('saved');
    await next.jobs.close();
  });
});

describe('an order that somebody else has closed or taken over', () => {
  it('before it was recorded as submitting is not sent', async () => {
    await bench.limits.learn({ pausedUntil: bench.clock.now() + 20_000 });
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    await bench.jobStore.change('job_1', (job) => advance(job, { type: 'abandoned', failure: refused.failure, at: 1 }));
    await bench.clock.advance(60_000);
    expect(bench.provider.submitted).toEqual([]);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', completedAt: 1 });
  });

  it.each([
    ['sends it', (job: Job): Job => job],
    [
      'has its answer',
      (job: Job): Job => advance(job, { type: 'status_received', remote: remoteJob('processing'), at: 1 }),
    ],
  ])('is not called free by the one before, while the other %s', async (_, further) => {
    bench.provider.submissions = [refused];
    bench.provider.onSending = () =>
      void bench.jobStore.change('job_1', (job) =>
        further(advance(job, { type: 'adopted', from: owner(1), owner: owner(2) })),
      );
    await bench.order(REQUEST);
    await bench.clock.advance(0);
    const job = await bench.recorded();
    expect(job.owner).toEqual(owner(2));
    expect(job.state).not.toBe('failed');
    expect(await totals()).toMatchObject({ images: 1 });
  });
});

describe('the end of the server', () => {
  it('while an order is being recorded as submitting leaves it open: the next server sends it under the same key', async () => {
    const replace = bench.jobStore.replace.bind(bench.jobStore);
    bench.jobStore.replace = async (seen, job) => {
      await bench.clock.sleep(1_000);
      return replace(seen, job);
    };
    await bench.order(REQUEST);
    await bench.clock.advance(500);
    const closing = bench.jobs.close();
    await bench.clock.advance(5_000);
    await closing;
    expect((await bench.recorded()).state).toBe('submitting');
    bench.living.delete(1);
    const next = startProcess(2, bench);
    next.jobs.watch();
    await bench.clock.advance(20_000);
    expect(next.provider.submitted.map(({ key }) => key)).toEqual(['key-1']);
    expect((await bench.recorded()).state).toBe('saved');
    await next.jobs.close();
  });
});

type Answer = 'job' | 'done' | 'refused' | 'ambiguous' | 'spent' | 'unforeseen' | 'stall';
type Step = 'order' | 'check' | 'wait a little' | 'wait long' | 'restart' | 'crash' | 'cancel' | 'second process';

const ANSWERS: Readonly<Record<Answer, RemoteJob | Error | 'stall'>> = {
  job: remoteJob('processing'),
  done: remoteJob('completed'),
  refused,
  ambiguous: thrown({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' }),
  spent: thrown({ kind: 'service_error', creditsSpent: 'yes', retry: 'same_job' }),
  unforeseen: new TypeError('unforeseen'),
  stall: 'stall',
};
const answers = fc.array(fc.constantFrom(...(Object.keys(ANSWERS) as Answer[])), { minLength: 1, maxLength: 8 });
const steps = fc.array(
  fc.constantFrom<Step>(
    'order',
    'check',
    'check',
    'wait a little',
    'wait long',
    'restart',
    'crash',
    'cancel',
    'second process',
  ),
  { maxLength: 12 },
);

/** What was on record when an order left. */
type Sent = { key: string | undefined; record: Job | undefined; open: number; free: boolean };
/** A picture may come of it, or may have been paid for. */
const MAY_COME: readonly JobState[] = ['submitting', 'processing', 'unknown'];

/** Plays a life of several processes; a process that crashes is never heard of again. */
async function play(script: readonly Answer[], history: readonly Step[]) {
  const first = createBench({ plan: 'starter' });
  const { clock, jobStore } = first;
  const left = script.map((answer) => ANSWERS[answer]);
  const sent: Sent[] = [];
  let processes = 0;

  function begin() {
    processes += 1;
    const process = processes === 1 ? first : startProcess(processes, first);
    process.provider.submissions = left;
    process.provider.onSending = () => {
      const key = process.provider.submitted.at(-1)?.key;
      const records = new Map(jobStore.history.map((job) => [job.id, job]));
      const own = [...records.values()].find((job) => job.idempotencyKey === key);
      const open = [...records.values()].filter(({ state }) => MAY_COME.includes(state));
      sent.push({ key, record: own, open: open.length, free: left[0] === refused });
    };
    return process;
  }

  let now = begin();
  const all = [now];
  await now.order(REQUEST);
  for (const step of history) {
    if (step === 'order') void now.order(REQUEST).catch(() => undefined);
    if (step === 'check') void now.jobs.check('job_1').catch(() => undefined);
    if (step === 'cancel') now.jobs.cancelUnsent('job_1');
    if (step === 'wait long') await clock.advance(6 * 60_000);
    if (step === 'restart') await now.jobs.close();
    if (step === 'restart' || step === 'crash') first.living.delete(processes);
    if (step === 'restart' || step === 'crash' || step === 'second process') {
      now = begin();
      all.push(now);
    }
    await clock.advance(step === 'wait a little' ? 2_000 : 50);
  }
  await clock.advance(5_000);
  const closing = Promise.all(all.map(({ jobs }) => jobs.close()));
  await clock.advance(5_000);
  await closing;
  return { sent, jobs: await recordsIn(jobStore) };
}

describe('whatever happens', () => {
  it('an order is sent under one key, recorded before, and never called free when it may have been paid', async () => {
    await fc.assert(
      fc.asyncProperty(answers, steps, async (script, history) => {
        const { sent, jobs } = await play(script, history);
        const keys = new Map(jobs.map(({ id, idempotencyKey }) => [id, idempotencyKey]));
        for (const { key, record, open } of sent) {
          // On record before the first byte, under the one key that it ever has, and the only one that may come.
          expect(record?.state).toBe('submitting');
          expect(keys.get(record?.id ?? '')).toBe(key);
          expect(open).toBe(1);
        }
        for (const { id, state, failure } of jobs) {
          const mayBePaid = sent.some(({ record, free }) => record?.id === id && !free);
          if (mayBePaid) expect([state, failure?.creditsSpent]).not.toEqual(['failed', 'no']);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('the dialect of an order', () => {
  const ambiguous = thrown({ kind: 'ambiguous', retry: 'same_job' });
  const dialects = () => bench.jobStore.history.map(({ dialect }) => dialect);

  it('is on record before a try leaves in it, and the only one when the order is sent again', async () => {
    const atSending: (string | undefined)[] = [];
    bench.provider.submissions = [{ again: 'rest' }, ambiguous, remoteJob('processing')];
    bench.provider.onSending = () => void atSending.push(dialects().at(-1));
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    expect(atSending).toEqual(['generate', 'rest']);
    expect(dialects().slice(0, 3)).toEqual([undefined, 'generate', 'rest']);
    // It is sent again by itself.
    await bench.clock.advance(10_000);
    expect(bench.provider.prepared.map(({ dialect }) => dialect)).toEqual([undefined, 'rest']);
    expect(new Set(bench.provider.submitted.map(({ key }) => key))).toEqual(new Set(['key-1']));
  });

  it('is recorded once for all tries that leave in it', async () => {
    bench.provider.submissions = [{ again: 'generate', failure: ambiguous.failure }, remoteJob('processing')];
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    expect(bench.jobStore.history.filter(({ state }) => state === 'submitting')).toHaveLength(1);
    expect(bench.provider.submitted).toHaveLength(2);
  });

  it('that cannot be recorded ends the order before it leaves in it', async () => {
    bench.provider.submissions = [{ again: 'rest' }];
    bench.provider.onSending = () => failUpdates(1);
    await bench.order(REQUEST);
    await bench.clock.advance(1_000);
    expect(bench.provider.submitted).toHaveLength(1);
    expect(await bench.recorded()).toMatchObject({ state: 'failed', failure: { kind: 'storage_failed' } });
  });
});

it('a refusal after a try that may have been carried out closes nothing', async () => {
  const failure = thrown({ kind: 'ambiguous', retry: 'same_job' }).failure;
  bench.provider.submissions = [{ again: 'generate', failure }, refused];
  await bench.order(REQUEST);
  await bench.clock.advance(100);
  expect(await bench.recorded()).toMatchObject({ state: 'submitting', failure: { kind: 'ambiguous' } });
});

it('a permit that cannot be had after such a try closes nothing either', async () => {
  const failure = thrown({ kind: 'ambiguous', retry: 'same_job' }).failure;
  bench.provider.submissions = [{ again: 'generate', failure }];
  bench.provider.onSending = () => {
    bench.limits.permit = () => Promise.reject(full);
  };
  await bench.order(REQUEST);
  await bench.clock.advance(100);
  expect(bench.provider.submitted).toHaveLength(1);
  expect(await bench.recorded()).toMatchObject({ state: 'submitting', failure: { creditsSpent: 'maybe' } });
});
