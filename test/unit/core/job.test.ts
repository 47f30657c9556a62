/** Proves that a job only ever moves forward, whatever happens in whichever order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  advance,
  FOLLOWERS,
  isFinishedRemotely,
  isSettled,
  JOB_STATES,
  type Job,
  type JobState,
} from '../../../src/core/job.ts';
import { jobEvents, owner, remoteJob, sampleFailure, sampleJob } from './sample-jobs.ts';

const RANK: Readonly<Record<JobState, number>> = {
  queued: 0,
  submitting: 1,
  // It may be sent again under its own key.
  unknown: 1,
  processing: 3,
  completed: 4,
  saved: 5,
  failed: 5,
};
const states = fc.constantFrom(...JOB_STATES);
const histories = fc.array(jobEvents, { maxLength: 30 });
const saved = { type: 'saved', file: '/p/1.jpg', mediaType: 'image/jpeg', at: 0 } as const;
const received = (phase: 'processing' | 'completed' | 'failed', at = 7) =>
  ({ type: 'status_received', remote: remoteJob(phase), at }) as const;

describe('a job', () => {
  it('goes from queued to saved by way of every state in between', () => {
    const path: JobState[] = [];
    let job = sampleJob();
    for (const event of [
      { type: 'sending', owner: owner() } as const,
      received('processing'),
      received('completed'),
      saved,
    ]) {
      job = advance(job, event);
      path.push(job.state);
    }
    expect(path).toEqual(['submitting', 'processing', 'completed', 'saved']);
    expect(job).toMatchObject({ remoteId: 'dt_1', url: 'https://cdn.doitong.com/1.jpg', completedAt: 7 });
    expect(job).toMatchObject({ file: '/p/1.jpg', mediaType: 'image/jpeg' });
  });

  it('may be finished by the very answer to its submission', () => {
    expect(advance(sampleJob({ state: 'submitting' }), received('completed')).state).toBe('completed');
  });

  it('never goes backwards, under any sequence of events', () => {
    fc.assert(
      fc.property(states, histories, (state, events) => {
        let job = sampleJob({ state });
        for (const event of events) {
          const next = advance(job, event);
          expect(RANK[next.state]).toBeGreaterThanOrEqual(RANK[job.state]);
          if (next.state !== job.state) expect(FOLLOWERS[job.state]).toContain(next.state);
          if (job.state === 'unknown' && next.state === 'submitting') expect(event.type).toBe('sending');
          job = next;
        }
      }),
    );
  });

  it('keeps its identity, key, request and price range, under any sequence of events', () => {
    fc.assert(
      fc.property(histories, (events) => {
        const first = sampleJob();
        const last = events.reduce(advance, first);
        const { id, idempotencyKey, request, createdAt, sandbox } = first;
        expect(last).toMatchObject({ id, idempotencyKey, request, createdAt, sandbox });
        expect(last.credits).toMatchObject({ min: 10, max: 20 });
      }),
    );
  });

  it('does not change at all once it is over', () => {
    fc.assert(
      fc.property(fc.constantFrom('saved' as const, 'failed' as const), histories, (state, events) => {
        const job = sampleJob({ state, failure: sampleFailure() });
        for (const event of events) expect(advance(job, event)).toBe(job);
      }),
    );
  });

  it('is saved only after it was completed', () => {
    for (const state of JOB_STATES) {
      const job = sampleJob({ state, failure: sampleFailure() });
      const after = advance(job, saved);
      if (state === 'completed') expect(after.state).toBe('saved');
      else expect(after).toBe(job);
    }
  });

  it('cannot be under way or finished as long as nothing was sent', () => {
    const job = sampleJob({ failure: sampleFailure() });
    for (const phase of ['processing', 'completed'] as const) expect(advance(job, received(phase))).toBe(job);
  });

  it('that is completed cannot fail any more: its picture exists', () => {
    const job = sampleJob({ state: 'completed' });
    expect(advance(job, { type: 'failed', failure: sampleFailure(), at: 9, by: owner() })).toBe(job);
    expect(advance(job, received('failed'))).toBe(job);
  });
});

describe('a job that another process has taken over', () => {
  const own = sampleJob({ state: 'submitting', owner: owner(1) });
  const free = { type: 'failed', failure: sampleFailure({ creditsSpent: 'no' }), at: 9 } as const;
  const taken = advance(own, { type: 'adopted', from: owner(1), owner: owner(2) });

  it('belongs to it; who comes second does not get it', () => {
    expect(taken).toEqual({ ...own, owner: owner(2) });
    expect(advance(taken, { type: 'adopted', from: owner(1), owner: owner(3) })).toBe(taken);
    const earlier = { ...owner(2), session: 'an earlier process of that number' };
    expect(advance(taken, { type: 'adopted', from: earlier, owner: owner(3) })).toBe(taken);
  });

  it('cannot be called free by the one before: it may be paid for by now', () => {
    expect(advance(taken, { ...free, by: owner(1) })).toBe(taken);
    expect(advance(taken, { ...free, by: owner(2) }).state).toBe('failed');
    for (const state of ['processing', 'completed', 'unknown'] as const) {
      const job = { ...own, state };
      expect(advance(job, { ...free, by: owner(1) })).toBe(job);
    }
  });

  it('is sent only by its owner, and is not taken over when it is over', () => {
    for (const other of [owner(1), owner(3)])
      expect(advance(taken, { type: 'sending', owner: other, dialect: 'd' })).toBe(taken);
    expect(advance(taken, { type: 'sending', owner: owner(2), dialect: 'd' })).toMatchObject({ dialect: 'd' });
    expect(advance(taken, { type: 'sending', owner: owner(2) })).toBe(taken);
    const over = sampleJob({ state: 'saved' });
    expect(advance(over, { type: 'adopted', from: owner(1), owner: owner(2) })).toBe(over);
  });
});

describe('a job that nobody will send', () => {
  it('fails as long as it is queued, and never after it may have been sent', () => {
    const abandoned = { type: 'abandoned', failure: sampleFailure({ creditsSpent: 'no' }), at: 9 } as const;
    for (const state of JOB_STATES) {
      const job = sampleJob({ state });
      if (state === 'queued') expect(advance(job, abandoned)).toMatchObject({ state: 'failed', completedAt: 9 });
      else expect(advance(job, abandoned)).toBe(job);
    }
  });
});

describe('what is reported again', () => {
  it('changes nothing, so that nothing is written for it', () => {
    const job = advance(sampleJob({ state: 'submitting' }), received('processing'));
    expect(advance(job, received('processing', 8))).toBe(job);
    const remote = remoteJob('processing', { creditCost: 12 });
    expect(advance(job, { type: 'status_received', remote, at: 8 }).credits.exact).toBe(12);
    const blocked = { ...job, failure: sampleFailure() };
    expect(advance(blocked, received('processing'))).toEqual(job);
  });
});

describe('a hindrance', () => {
  it('keeps the state and says what stands in the way', () => {
    for (const state of ['queued', 'submitting', 'processing', 'completed', 'unknown'] as const) {
      const failure = sampleFailure();
      expect(advance(sampleJob({ state }), { type: 'blocked', failure })).toEqual(sampleJob({ state, failure }));
    }
  });

  it('is forgotten with the next news', () => {
    const blocked = (state: JobState): Job => sampleJob({ state, failure: sampleFailure() });
    expect(advance(blocked('processing'), received('processing')).failure).toBeUndefined();
    expect(advance(blocked('submitting'), received('processing')).failure).toBeUndefined();
    expect(advance(blocked('processing'), received('completed')).failure).toBeUndefined();
    expect(advance(blocked('completed'), saved).failure).toBeUndefined();
  });

  it('gives way to the reason when the job fails', () => {
    const job = advance(sampleJob({ state: 'processing', failure: sampleFailure() }), received('failed'));
    expect(job).toMatchObject({ state: 'failed', failure: { kind: 'generation_failed' }, completedAt: 7 });
  });
});

describe('the exact price', () => {
  it('is null until the service reports it, and stays then', () => {
    const reported = advance(sampleJob({ state: 'submitting' }), {
      type: 'status_received',
      remote: remoteJob('processing', { creditCost: 14 }),
      at: 1,
    });
    expect(reported.credits.exact).toBe(14);
    expect(advance(reported, received('completed')).credits.exact).toBe(14);
    expect(advance(sampleJob({ state: 'submitting' }), received('processing')).credits.exact).toBeNull();
  });
});

describe('isOver and isEnded', () => {
  it('tell the picture on disk from the picture at the service', () => {
    expect(JOB_STATES.filter((state) => isSettled(sampleJob({ state })))).toEqual(['saved', 'failed']);
    expect(JOB_STATES.filter((state) => isFinishedRemotely(sampleJob({ state })))).toEqual([
      'completed',
      'saved',
      'failed',
    ]);
  });
});
