/** Proves the job object: the names of the public interface, and nothing for absent values. */
import { describe, expect, it } from 'vitest';
import { JOB_STATES, type Job } from '../../../src/core/job.ts';
import { type JobViewOptions, jobView as viewOf } from '../../../src/mcp/job-view.ts';
import { CREATED_AT, sampleFailure, sampleJob } from '../core/sample-jobs.ts';

const MINUTE = 60_000;
const jobView = (job: Job, now: number, more: Partial<JobViewOptions> = {}) => viewOf(job, { now, ...more });
const saved: Job = sampleJob({
  state: 'saved',
  request: { prompt: 'a fox', width: 1248, height: 832, version: 'flux-pro-1.1' },
  remoteId: 'dt_1',
  remoteStatus: 'SUCCEEDED',
  completedAt: CREATED_AT + 6_500,
  credits: { min: 10, max: 20, exact: 12 },
  url: 'https://cdn.doitong.com/1.jpg',
  file: '/pictures/fox.jpg',
  mediaType: 'image/jpeg',
  sandbox: true,
});

describe('jobView', () => {
  it('of a saved picture has every value, and no internal one', () => {
    expect(jobView(saved, CREATED_AT)).toEqual({
      job_id: 'job_1',
      doitong_id: 'dt_1',
      status: 'completed',
      prompt: 'a fox',
      width: 1248,
      height: 832,
      version: 'flux-pro-1.1',
      credits: { min: 10, max: 20, exact: 12 },
      url: 'https://cdn.doitong.com/1.jpg',
      file: '/pictures/fox.jpg',
      created_at: '2026-11-01T00:00:00.000Z',
      completed_at: '2026-11-01T00:00:06.500Z',
      sandbox: true,
      next: 'Show the picture to the user and say where the file is.',
    });
  });

  it('of a new job has no key for what is absent', () => {
    const view = jobView(sampleJob(), CREATED_AT);
    expect(Object.keys(view)).toEqual([
      'job_id',
      'status',
      'prompt',
      'width',
      'height',
      'credits',
      'created_at',
      'next',
    ]);
    expect(view.credits).toEqual({ min: 10, max: 20 });
  });

  it('of a picture of several names their call and its place in it', () => {
    const view = jobView({ ...saved, batch: 'job_7', number: 3 }, CREATED_AT);
    expect(view).toMatchObject({ batch_id: 'job_7', number: 3 });
  });

  it('never shows the idempotency key', () => {
    for (const state of JOB_STATES) {
      expect(JSON.stringify(jobView({ ...saved, state, failure: sampleFailure() }, CREATED_AT))).not.toContain('key-1');
    }
  });

  it('has a status of the public interface for every state', () => {
    const statuses = JOB_STATES.map((state) => jobView(sampleJob({ state }), CREATED_AT).status);
    expect(statuses).toEqual(['queued', 'submitting', 'processing', 'completed', 'completed', 'failed', 'unknown']);
  });

  it('has the failure of a job that is blocked', () => {
    const failure = sampleFailure({ retryAfterSeconds: 9, httpStatus: 503 });
    expect(jobView(sampleJob({ failure }), CREATED_AT).error).toEqual({
      kind: 'service_error',
      message: 'The service failed.',
      credits_spent: 'maybe',
      retry_after_seconds: 9,
    });
    expect(jobView(sampleJob({ failure: sampleFailure() }), CREATED_AT).error).not.toHaveProperty(
      'retry_after_seconds',
    );
  });

  it('calls a job stalled after a quarter of an hour at the service, and only there', () => {
    const processing = sampleJob({ state: 'processing' });
    expect(jobView(processing, CREATED_AT + 15 * MINUTE)).not.toHaveProperty('stalled');
    expect(jobView(processing, CREATED_AT + 15 * MINUTE + 1).stalled).toBe(true);
    expect(jobView(saved, CREATED_AT + 60 * MINUTE)).not.toHaveProperty('stalled');
  });

  it('of a repeated request says so', () => {
    expect(jobView(saved, CREATED_AT, { duplicate: true }).duplicate).toBe(true);
    expect(jobView(saved, CREATED_AT, { duplicate: false })).not.toHaveProperty('duplicate');
  });

  it('ends with a warning when credits run low, unless the lack of credits is its failure', () => {
    expect(jobView(saved, CREATED_AT, { lowBalance: 40 }).next).toMatch(/the file is\. Tell the user .* is 40\.$/u);
    const refused = sampleJob({ state: 'failed', failure: sampleFailure({ kind: 'no_credits' }) });
    expect(jobView(refused, CREATED_AT, { lowBalance: 40 }).next).not.toContain('40');
  });

  it('names what the service does not take, as the tools call it', () => {
    const { next } = jobView({ ...saved, leftOut: ['quality', 'webhookUrl'] }, CREATED_AT);
    expect(next).toMatch(
      /the file is\. Tell the user .* does not accept quality and the webhook address \(DOITONG_WEBHOOK_URL\): .* ordered without them\.$/u,
    );
    const failed = sampleJob({ state: 'failed', leftOut: ['quality'] });
    expect(jobView(failed, CREATED_AT).next).not.toContain('quality');
  });

  it('of a job that nobody knows about leaves a new order to the user', () => {
    expect(jobView(sampleJob({ state: 'unknown' }), CREATED_AT).next).toMatch(/only if the user agrees/);
  });

  it.each(['queued', 'submitting', 'processing'] as const)(
    'of a job that is %s sends the agent to get_job_status and warns of a second order',
    (state) => {
      const { next } = jobView(sampleJob({ state }), CREATED_AT);
      expect(next).toMatch(/^Call get_job_status with job_id "job_1" and wait_seconds 45; do not call generate_image/u);
    },
  );

  it('of a job that failed says that another order is paid for', () => {
    expect(jobView(sampleJob({ state: 'failed' }), CREATED_AT).next).toContain('a new, paid order');
  });
});
