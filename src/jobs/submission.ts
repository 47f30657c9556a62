/** Sends a recorded order: waits for a place, marks the record before the first byte leaves, and takes the verdict. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { ImageProvider } from '../core/image-provider.ts';
import { type Job, keyIsTooOld } from '../core/job.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { InlinePictures } from './inline-pictures.ts';
import type { JobRecords } from './job-records.ts';
import { ABANDONED, CANCELLED, KEY_TOO_OLD, stillOpen, TAKEN, unforeseen, type WaitReason } from './order-failures.ts';
import type { SlotQueue } from './slot-queue.ts';

export type SubmissionDeps = {
  records: JobRecords;
  slots: SlotQueue;
  provider: ImageProvider;
  inline: InlinePictures;
  clock: Clock;
  processes: Processes;
  /** Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type SubmissionOptions = {
  /** Ends the sending as it stands: the server is ending. */
  life: AbortSignal;
  /** Takes an order back that has not been sent. */
  cancellation: AbortSignal;
  /** For how long the service is taken to know a key. */
  resendWindowMs: number;
  /** From here on it cannot be taken back. */
  onSending: () => void;
  onWaitReason: (waitReason: WaitReason | undefined) => void;
};

/** @returns the job after the service's answer, or after what stood in the way */
export async function submit(job: Job, deps: SubmissionDeps, options: SubmissionOptions): Promise<Job> {
  const { records, slots, provider, clock, processes } = deps;
  const wasOpen = job.state === 'submitting';
  const waiting = AbortSignal.any([options.life, options.cancellation]);
  let sent = false;
  try {
    if (wasOpen && keyIsTooOld(job.createdAt, clock.now(), options.resendWindowMs)) throw new FluxError(KEY_TOO_OLD);
    await slots.take(job, waiting, options.onWaitReason);
    await deps.onSubmission?.();
    waiting.throwIfAborted();
    // Withdrawn while it waits for a permit: from the mark on only the end of the server ends it.
    const signal = new AbortController();
    const stop = (): void => signal.abort(waiting.reason);
    waiting.addEventListener('abort', stop, { once: true });
    const remote = await provider.submit(job.request, job.idempotencyKey, {
      // The wait for a place, or the sleep of the whole machine, may have been long.
      beforeTry: () => {
        if ((wasOpen || sent) && keyIsTooOld(job.createdAt, clock.now(), options.resendWindowMs))
          throw new FluxError(KEY_TOO_OLD);
      },
      signal: AbortSignal.any([options.life, signal.signal]),
      ...(job.webhookUrl === undefined ? {} : { webhookUrl: job.webhookUrl }),
      // A later try waits for a permit, too; the order has been sent by then.
      onWait: (until) => {
        if (!sent) options.onWaitReason({ reason: 'permit', until });
      },
      ...(wasOpen && job.dialect !== undefined ? { dialect: job.dialect } : {}),
      beforeSending: async (dialect) => {
        options.onSending();
        options.onWaitReason(undefined);
        waiting.removeEventListener('abort', stop);
        const persisted = await records.apply(job.id, { type: 'sending', owner: processes.self(), dialect });
        if (persisted.state !== 'submitting' || !isSameOwner(persisted.owner, processes.self()))
          throw new FluxError(TAKEN);
        sent = true;
      },
    });
    deps.inline.keep(job.id, remote);
    return await records.apply(job.id, { type: 'status_received', remote, at: clock.now() });
  } catch (error) {
    if (options.life.aborted) {
      if (!sent && !wasOpen) await records.apply(job.id, { type: 'abandoned', failure: ABANDONED, at: clock.now() });
      throw error;
    }
    const failure = options.cancellation.aborted && !sent ? CANCELLED : failureOf(error, unforeseen(error));
    if (failure === TAKEN) return records.get(job.id);
    if (failure === KEY_TOO_OLD) return records.apply(job.id, { type: 'outcome_unknown', failure });
    const decision = wasOpen ? stillOpen(failure) : sent ? failure : unpaid(failure);
    // Only a job that cost nothing for certain may end here: everything else stays open under its own key.
    if (decision.creditsSpent !== 'no') return records.apply(job.id, { type: 'blocked', failure: decision });
    const closing = records.apply(job.id, { type: 'failed', failure: decision, at: clock.now(), by: processes.self() });
    return await closing.catch((unwritten: unknown) => {
      // The disk that stood in the way of the order stands in the way of this, too.
      throw unwritten instanceof FluxError ? new FluxError(unpaid(unwritten.failure)) : unwritten;
    });
  } finally {
    options.onWaitReason(undefined);
  }
}

/** Nothing had left when it happened. */
function unpaid(failure: Failure): Failure {
  return { ...failure, creditsSpent: 'no' };
}
