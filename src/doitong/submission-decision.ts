/** The verdict over several tries of one order: what may be said when none of them brought a job. */
import type { Failure } from '../core/failure.ts';

/**
 * `tries` are the failures in the order in which they happened. As soon as one try left it open whether the order was
 * carried out, no later refusal can close it: only an answer with a job could have.
 */
export function submissionDecision(tries: readonly [Failure, ...Failure[]]): Failure {
  const last = tries.at(-1) ?? tries[0];
  const open = tries.filter((failure) => failure.creditsSpent !== 'no');
  if (open.length === 0) return last;
  if (last.creditsSpent !== 'no' && allAlike(tries)) return last;
  return {
    ...last,
    kind: 'ambiguous',
    creditsSpent: 'maybe',
    retry: 'same_job',
    message: messageOf(open.at(-1) ?? last, last, tries.length),
  };
}

function allAlike(tries: readonly Failure[]): boolean {
  return tries.every(({ kind }) => kind === tries[0]?.kind);
}

function messageOf(open: Failure, last: Failure, count: number): string {
  const about = `None of ${count} tries of this order brought a job, and at least one may have been carried out.`;
  return open === last ? `${about} ${last.message}` : `${about} ${open.message} The last answer: ${last.message}`;
}
