/** Sends a recorded order: waits for a place, marks the record before the first byte leaves, and takes the verdict. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import { type Job, keyIsTooOld } from '../core/job.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { InlinePictures } from './inline-pictures.ts';
import type { JobBoard } from './job-records.ts';
import { type Hold, KEY_TOO_OLD, stillOpen, TAKEN, UNSENT, unforeseen, WITHDRAWN } from './order-failures.ts';
import type { Places } from './slot-queue.ts';

export type SubmissionParts = {
  board: JobBoard;
  places: Places;
  provider: ImageProvider;
  inline: InlinePictures;
  clock: Clock;
  processes: Processes;
  /** Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type SubmissionTerms = {
  /** Ends the sending as it stands: the server is ending. */
  life: AbortSignal;
  /** Takes an order back that has not been sent. */
  withdrawal: AbortSignal;
  /** For how long the service is taken to know a key. */
  resendWindowMs: number;
  /** From here on it cannot be taken back. */
  onSending: () => void;
  onHold: (hold: Hold | undefined) => void;
};

/** @returns the job after the service's answer, or after what stood in the way */
export async function submit(job: Job, parts: SubmissionParts, terms: SubmissionTerms): Promise<Job> {
  const { board, places, provider, clock, processes } = parts;
  const wasOpen = job.state === 'submitting';
  const waiting = AbortSignal.any([terms.life, terms.withdrawal]);
  let sent = false;
  try {
    if (wasOpen && keyIsTooOld(job.createdAt, clock.now(), terms.resendWindowMs)) throw new FluxError(KEY_TOO_OLD);
    await places.take(job, waiting, terms.onHold);
    await parts.onSubmission?.();
    waiting.throwIfAborted();
    // Withdrawn while it waits for a permit: from the mark on only the end of the server ends it.
    const signal = new AbortController();
    const stop = (): void => signal.abort(waiting.reason);
    waiting.addEventListener('abort', stop, { once: true });
    const remote = await provider.submit(job.request, job.idempotencyKey, {
      // The wait for a place, or the sleep of the whole machine, may have been long.
      beforeTry: () => {
        if ((wasOpen || sent) && keyIsTooOld(job.createdAt, clock.now(), terms.resendWindowMs))
          throw new FluxError(KEY_TOO_OLD);
      },
      signal: AbortSignal.any([terms.life, signal.signal]),
      ...(job.webhookUrl === undefined ? {} : { webhookUrl: job.webhookUrl }),
      // A later try waits for a permit, too; the order has been sent by then.
      onWait: (until) => {
        if (!sent) terms.onHold({ reason: 'permit', until });
      },
      ...(wasOpen && job.way !== undefined ? { way: job.way } : {}),
      beforeSending: async (way) => {
        terms.onSending();
        terms.onHold(undefined);
        waiting.removeEventListener('abort', stop);
        const marked = await board.apply(job.id, { type: 'sending', owner: processes.self(), way });
        if (marked.state !== 'submitting' || !isSameOwner(marked.owner, processes.self())) throw new FluxError(TAKEN);
        sent = true;
      },
    });
    parts.inline.keep(job.id, remote);
    return await board.apply(job.id, { type: 'observed', remote, at: clock.now() });
  } catch (error) {
    if (terms.life.aborted) {
      if (!sent && !wasOpen) await board.apply(job.id, { type: 'unsent', failure: UNSENT, at: clock.now() });
      throw error;
    }
    const failure = terms.withdrawal.aborted && !sent ? WITHDRAWN : failureOf(error, unforeseen(error));
    if (failure === TAKEN) return board.get(job.id);
    if (failure === KEY_TOO_OLD) return board.apply(job.id, { type: 'doubtful', failure });
    const verdict = wasOpen ? stillOpen(failure) : sent ? failure : unpaid(failure);
    // Only a job that cost nothing for certain may end here: everything else stays open under its own key.
    if (verdict.creditsSpent !== 'no') return board.apply(job.id, { type: 'hindered', failure: verdict });
    const ended = board.apply(job.id, { type: 'failed', failure: verdict, at: clock.now(), by: processes.self() });
    return await ended.catch((unwritten: unknown) => {
      // The disk that stood in the way of the order stands in the way of this, too.
      throw unwritten instanceof FluxError ? new FluxError(unpaid(unwritten.failure)) : unwritten;
    });
  } finally {
    terms.onHold(undefined);
  }
}

/** Nothing had left when it happened. */
function unpaid(failure: Failure): Failure {
  return { ...failure, creditsSpent: 'no' };
}
