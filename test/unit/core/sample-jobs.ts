/** Jobs, failures and events for tests, and fast-check arbitraries over them. */
import fc from 'fast-check';
import type { Failure } from '../../../src/core/failure.ts';
import type { RemoteJob } from '../../../src/core/image-provider.ts';
import type { Job, JobEvent } from '../../../src/core/job.ts';
import type { Owner } from '../../../src/core/ports.ts';

/** Sunday 2026-11-01, 00:00:00 UTC. */
export const CREATED_AT = 1_793_491_200_000;

/** A process of this machine; each number has had one process only. */
export const owner = (pid = 1): Owner => ({ pid, host: 'here', session: `session-${pid}` });

export function sampleJob(patch: Partial<Job> = {}): Job {
  return {
    id: 'job_1',
    idempotencyKey: 'key-1',
    request: { prompt: 'a fox', width: 1024, height: 1024 },
    state: 'queued',
    createdAt: CREATED_AT,
    updatedAt: CREATED_AT,
    owner: owner(),
    credits: { min: 10, max: 20, exact: null },
    sandbox: false,
    ...patch,
  };
}

export function sampleFailure(patch: Partial<Failure> = {}): Failure {
  return {
    kind: 'service_error',
    reason: { code: 'worded', what: 'The service failed.' },
    creditsSpent: 'maybe',
    retry: 'later',
    ...patch,
  };
}

export const remoteJob = (phase: RemoteJob['phase'], patch: Partial<RemoteJob> = {}): RemoteJob => ({
  remoteId: 'dt_1',
  phase,
  remoteStatus: phase.toUpperCase(),
  ...(phase === 'completed' ? { url: 'https://cdn.doitong.com/1.jpg' } : {}),
  ...(phase === 'failed' ? { failure: sampleFailure({ kind: 'generation_failed' }) } : {}),
  ...patch,
});

const phases = fc.constantFrom('processing' as const, 'completed' as const, 'failed' as const);
const costs = fc.option(fc.nat(50), { nil: undefined });

const remoteJobs: fc.Arbitrary<RemoteJob> = fc
  .tuple(phases, costs)
  .map(([phase, cost]) => remoteJob(phase, cost === undefined ? {} : { creditCost: cost }));

export const jobEvents: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.constantFrom(owner(1), owner(2)).map((by): JobEvent => ({ type: 'sending', owner: by })),
  fc.constantFrom(1, 2).map((from): JobEvent => ({ type: 'adopted', from: owner(from), owner: owner(3 - from) })),
  fc.tuple(remoteJobs, fc.nat()).map(([remote, at]): JobEvent => ({ type: 'status_received', remote, at })),
  fc.constant<JobEvent>({ type: 'saved', file: '/pictures/fox.jpg', mediaType: 'image/jpeg', at: 0 }),
  fc
    .tuple(fc.nat(), fc.constantFrom(owner(1), owner(2)))
    .map(([at, by]): JobEvent => ({ type: 'failed', failure: sampleFailure({ creditsSpent: 'no' }), at, by })),
  fc.nat().map((at): JobEvent => ({ type: 'abandoned', failure: sampleFailure({ creditsSpent: 'no' }), at })),
  fc.constant<JobEvent>({ type: 'outcome_unknown', failure: sampleFailure() }),
  fc.constant<JobEvent>({ type: 'blocked', failure: sampleFailure() }),
);
