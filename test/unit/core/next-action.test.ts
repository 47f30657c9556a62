/** Proves what is done about a job that is met, whatever its state, its process and its age are, and who asks for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ageOf,
  type Asked,
  type Job,
  JOB_STATES,
  type JobState,
  type MetJob,
  nextAction,
} from '../../../src/core/job.ts';
import { CREATED_AT, sampleJob } from './sample-jobs.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STALLED_AFTER = 15 * MINUTE;

const metJobs: fc.Arbitrary<MetJob> = fc.record({
  state: fc.constantFrom(...JOB_STATES),
  owner: fc.constantFrom('self', 'alive', 'silent'),
  age: fc.constantFrom('recent', 'old'),
  running: fc.boolean(),
  asked: fc.constantFrom<Asked>('read', 'order', false),
});

/** `then` holds for every job that is met and fits `when`. */
function always(when: (met: MetJob) => boolean, then: (met: MetJob) => boolean): void {
  fc.assert(fc.property(metJobs.filter(when), then), { numRuns: 500 });
}

/** The action is taken exactly where `when` fits. */
function exactly(action: ReturnType<typeof nextAction>, when: (met: MetJob) => boolean): void {
  always(
    () => true,
    (met) => (nextAction(met) === action) === when(met),
  );
}

const isSettled = ({ state }: MetJob): boolean => state === 'saved' || state === 'failed';
const isIdle = (met: MetJob): boolean => !isSettled(met) && !met.running;
/** Nobody else is at work on it. */
const isFree = (met: MetJob): boolean => isIdle(met) && met.owner !== 'alive';
const isIn =
  (...states: JobState[]) =>
  ({ state }: MetJob): boolean =>
    states.includes(state);

describe('the next action', () => {
  it('is nothing for a job that has ended', () => {
    always(isSettled, (met) => nextAction(met) === 'none');
  });

  it('is to wait for a job that is under way here', () => {
    always(
      (met) => met.running && !isSettled(met),
      (met) => nextAction(met) === 'wait',
    );
  });

  it('never sends or closes an order that another process is at work on, whoever asks', () => {
    always(
      (met) => met.owner === 'alive' && isIn('queued', 'submitting')(met),
      (met) => nextAction(met) === 'wait',
    );
  });

  it('closes an order as unsent exactly when nothing has left and nobody is going to send it', () => {
    exactly('close_unsent', (met) => isFree(met) && met.state === 'queued');
  });

  it('sends an order again by itself for as long as it is recent; after that only for somebody who wants it ordered', () => {
    exactly('resend', (met) => {
      if (met.state === 'unknown') return isIdle(met) && met.asked === 'order';
      const isSentAgain = met.asked === 'order' || (met.asked === false && met.age === 'recent');
      return isFree(met) && met.state === 'submitting' && isSentAgain;
    });
  });

  it('gives up exactly the order that was sent, is old, and is not ordered again', () => {
    exactly('give_up', (met) => isFree(met) && isIn('submitting')(met) && met.age === 'old' && met.asked !== 'order');
  });

  it('sends nothing for somebody who only reads, who waits for what is sent again by itself', () => {
    always(
      ({ asked }) => asked === 'read',
      (met) => nextAction(met) !== 'resend',
    );
    always(
      (met) => met.asked === 'read' && nextAction({ ...met, asked: false }) === 'resend',
      (met) => nextAction(met) === 'wait',
    );
  });

  it('polls what the service has for everybody who asks, and by itself only what is recent and nobody else polls', () => {
    exactly(
      'poll',
      (met) =>
        isIdle(met) &&
        isIn('processing', 'completed')(met) &&
        (met.asked !== false || (met.age === 'recent' && met.owner !== 'alive')),
    );
  });

  it('leaves an order of unknown outcome alone unless it is ordered again', () => {
    always(
      (met) => isIdle(met) && met.state === 'unknown' && met.asked !== 'order',
      (met) => nextAction(met) === 'none',
    );
  });
});

describe('a job is left alone unless somebody asks for it', () => {
  /** Asserts that the job becomes old right after so long, whichever way the clock is wrong. */
  function becomesOldAfter(afterMs: number, job: Job, since: number): void {
    for (const ahead of [1, -1]) {
      expect(ageOf(job, { here: since + ahead * (afterMs - 1) })).toBe('recent');
      expect(ageOf(job, { here: since + ahead * afterMs })).toBe('old');
    }
  }

  it.each(['queued', 'submitting', 'unknown'] as const)('an hour after it was ordered: %s', (state) => {
    becomesOldAfter(HOUR, sampleJob({ state }), CREATED_AT);
  });

  it('when it is stalled: a quarter of an hour after the service took it', () => {
    const acceptedAt = CREATED_AT + 7 * HOUR;
    becomesOldAfter(STALLED_AFTER, sampleJob({ state: 'processing', acceptedAt }), acceptedAt);
    becomesOldAfter(STALLED_AFTER, sampleJob({ state: 'processing' }), CREATED_AT);
  });

  it('a day after its picture was made', () => {
    const completedAt = CREATED_AT + 7 * HOUR;
    becomesOldAfter(24 * HOUR, sampleJob({ state: 'completed', completedAt }), completedAt);
  });
});
