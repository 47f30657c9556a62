/** Failures of every reason as they occur: what docs/texts.md and docs/agents.md show. */
import type { Failure } from '../../src/core/failure.ts';
import type { JobState } from '../../src/core/job.ts';
import type { Row } from './failure-rows.ts';
import { ORDER_FAILURES } from './order-failures.ts';
import { PICTURE_FAILURES } from './picture-failures.ts';
import { SERVICE_FAILURES } from './service-failures.ts';

export type SampleFailure = { at: JobState | 'call'; failure: Failure };

export const SAMPLE_FAILURES: readonly SampleFailure[] = Object.values({
  ...ORDER_FAILURES,
  ...SERVICE_FAILURES,
  ...PICTURE_FAILURES,
})
  .flat()
  .map(([at, kind, more, reason]: Row) => ({
    at,
    failure: { kind, creditsSpent: 'no', retry: 'no', ...more, reason },
  }));

/** @param at where it occurs, if the first sample is not the one */
export function failureOf(code: string, at?: SampleFailure['at']): Failure {
  const found = SAMPLE_FAILURES.find((one) => one.failure.reason.code === code && one.at === (at ?? one.at));
  if (found === undefined) throw new Error(`no sample of ${code}`);
  return found.failure;
}
