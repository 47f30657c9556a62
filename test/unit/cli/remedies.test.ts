/** Proves that what a person reads of a failure is said to that person. */
import { describe, expect, it } from 'vitest';
import { remedyFor, todoFor } from '../../../src/cli/remedies.ts';
import { JOB_STATES } from '../../../src/core/job.ts';
import { FAILURE_KINDS, type Failure, type FailureKind } from '../../../src/core/failure.ts';
import type { Reason, ServiceAnswer } from '../../../src/core/reasons.ts';
import { SAMPLE_FAILURES } from '../../../scripts/text-samples/failures.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';
import { nextOf, saidOf } from '../../../src/mcp/failure-text.ts';
import { sampleJob } from '../core/sample-jobs.ts';

const failure = (kind: FailureKind, reason: Reason, patch: Partial<Failure> = {}): Failure => ({
  kind,
  reason,
  creditsSpent: 'no',
  retry: 'no',
  ...patch,
});
const WORDED: Reason = { code: 'worded', what: 'It failed.', next: 'Ask the user to call generate_image.' };

function expectSaidToPerson(text: string): void {
  expect(text).toMatch(/^[A-Z/].*\.$/su);
  expect(text).not.toMatch(/(?:Ask|Tell) the user|ask the user to/u);
  for (const { name } of TOOLS) expect(text).not.toContain(name);
}

describe('a person reads', () => {
  it.each(SAMPLE_FAILURES)(
    'what happened and what to do, and of no tool: $failure.reason.code',
    ({ failure: failed }) => {
      expectSaidToPerson(saidOf(failed).what);
      expectSaidToPerson(remedyFor(failed));
      for (const state of JOB_STATES) expectSaidToPerson(todoFor(sampleJob({ state, failure: failed })));
      // What only the user can do has the field that both readers are told from.
      expect(saidOf(failed).next ?? '').not.toMatch(/^Ask the user to /u);
    },
  );

  it.each<ServiceAnswer>(['badKey', 'notOffered', 'redirected'])('what to do about an answer: %s', (answer) => {
    const failed = failure('bad_key', { code: 'service_answered', answer, purpose: 'read' });
    expectSaidToPerson(remedyFor(failed));
    expect(nextOf(saidOf(failed))).toMatch(/^Ask the user to /u);
  });

  it.each(FAILURE_KINDS)('what to do about a failure whose reason names nothing: %s', (kind) => {
    expectSaidToPerson(remedyFor(failure(kind, WORDED)));
  });

  it.each(JOB_STATES)('what to do about a job that nothing is in the way of: %s', (state) => {
    expectSaidToPerson(todoFor(sampleJob({ state })));
  });

  it('the remedy for the kind of a failure where the job has ended, and not where it goes on', () => {
    const lost = failure('interrupted', { code: 'owner_ended' });
    expect(todoFor(sampleJob({ state: 'failed', failure: lost }))).toBe(
      'Order the picture again if you still want it.',
    );
    expect(todoFor(sampleJob({ state: 'processing', failure: lost }))).toMatch(/^Run "flux-pro-mcp jobs resume": .+$/u);
    expect(todoFor(sampleJob({ state: 'queued', failure: lost }))).toMatch(/^Its server sends it/u);
  });

  it('that an open order can be resumed, after what has to be done first; of any other order nothing like it', () => {
    const failed = failure('storage_failed', { code: 'state_is_newer', path: '/s' });
    expect(todoFor(sampleJob({ state: 'submitting', failure: failed }))).toMatch(
      /^Update .+ Run "flux-pro-mcp jobs resume"/u,
    );
    for (const state of ['failed', 'unknown', 'saved'] as const)
      expect(todoFor(sampleJob({ state, failure: failed }))).toBe('Update flux-pro-mcp everywhere.');
  });

  it('what only the user can do, and the seconds to wait', () => {
    expect(remedyFor(failure('storage_failed', { code: 'state_is_newer', path: '/s' }))).toBe(
      'Update flux-pro-mcp everywhere.',
    );
    expect(remedyFor(failure('rate_limited', WORDED, { retryAfterSeconds: 7 }))).toBe('Wait 7 s, then try again.');
  });
});
