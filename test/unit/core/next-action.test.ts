/** Proves what is done about a job that is met, whatever its state, its process and its age are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JOB_STATES, type JobState, type MetJob, type NextAction, nextAction, ownerOf } from '../../../src/core/job.ts';
import type { Processes } from '../../../src/core/ports.ts';
import { CREATED_AT, owner, sampleJob } from './sample-jobs.ts';

const MINUTE = 60_000;

const metJobs: fc.Arbitrary<MetJob> = fc.record({
  state: fc.constantFrom(...JOB_STATES),
  owner: fc.constantFrom('self', 'alive', 'silent'),
  age: fc.constantFrom('recent', 'stalled'),
  running: fc.boolean(),
  asked: fc.boolean(),
});

/** What holds for every job that is met, as far as `when` fits it. */
function always(when: (met: MetJob) => boolean, then: (action: NextAction) => boolean): void {
  fc.assert(
    fc.property(metJobs.filter(when), (met) => then(nextAction(met))),
    { numRuns: 500 },
  );
}

const isIn =
  (...states: JobState[]) =>
  ({ state }: Pick<MetJob, 'state'>): boolean =>
    states.includes(state);

describe('the next action', () => {
  it('is set for every job that can be met', () => {
    always(
      () => true,
      (action) => ['poll', 'resend', 'wait', 'close_unsent', 'none'].includes(action),
    );
  });

  it('is nothing for a job that has ended', () => {
    always(isIn('saved', 'failed'), (action) => action === 'none');
  });

  it('is to wait for a job that is under way here', () => {
    always(
      (met) => met.running && !isIn('saved', 'failed')(met),
      (action) => action === 'wait',
    );
  });

  it('sends an order again only when it may have left, and nobody else is at work on it', () => {
    always(
      (met) => met.state !== 'submitting' || met.running || met.owner === 'alive',
      (action) => action !== 'resend',
    );
    always(
      (met) => met.state === 'submitting' && !met.running && met.owner !== 'alive',
      (action) => action === 'resend',
    );
  });

  it('closes an order as unsent only when nothing has left, and nobody is going to send it', () => {
    always(
      (met) => met.state !== 'queued' || met.running || met.owner === 'alive',
      (action) => action !== 'close_unsent',
    );
    always(
      (met) => met.state === 'queued' && !met.running && met.owner !== 'alive',
      (action) => action === 'close_unsent',
    );
  });

  it('neither sends nor polls an order of unknown outcome', () => {
    always(
      (met) => met.state === 'unknown' && !met.running,
      (action) => action === 'none',
    );
  });

  it('polls a job that the service has whenever a caller asks for it', () => {
    always(
      (met) => met.asked && !met.running && isIn('processing', 'completed')(met),
      (action) => action === 'poll',
    );
  });

  it('polls a job for which nobody asks only while it is recent, unfinished, and without a process', () => {
    always(
      (met) => !met.asked && (met.state !== 'processing' || met.owner === 'alive' || met.age === 'stalled'),
      (action) => action !== 'poll',
    );
    expect(nextAction({ state: 'processing', owner: 'silent', age: 'recent', running: false, asked: false })).toBe(
      'poll',
    );
  });
});

describe('the process at work on a job', () => {
  const living = (isAlive: boolean): Processes => ({ self: () => owner(1), isAlive: () => isAlive });
  const ofAnother = (state: JobState) => sampleJob({ state, owner: owner(2) });

  it('is this one when the record says so', () => {
    expect(ownerOf(sampleJob(), living(true), CREATED_AT + 60 * MINUTE)).toBe('self');
  });

  it('is silent when it is gone', () => {
    for (const state of JOB_STATES) expect(ownerOf(ofAnother(state), living(false), CREATED_AT)).toBe('silent');
  });

  it.each(['queued', 'submitting'] as const)('is silent when it has written nothing of a %s job for long', (state) => {
    for (const ahead of [1, -1]) {
      const at = (ms: number): number => CREATED_AT + ahead * ms;
      expect(ownerOf(ofAnother(state), living(true), at(5 * MINUTE - 1))).toBe('alive');
      expect(ownerOf(ofAnother(state), living(true), at(5 * MINUTE))).toBe('silent');
    }
  });

  it('is alive however long it has had nothing to write of a job that the service has', () => {
    expect(ownerOf(ofAnother('processing'), living(true), CREATED_AT + 60 * MINUTE)).toBe('alive');
  });
});
