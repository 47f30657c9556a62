/** Sends a recorded order: waits for a slot, records it as submitting before the first byte leaves, and takes the answer. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { ImageProvider, RemoteJob } from '../core/image-provider.ts';
import { type Job, keyIsTooOld } from '../core/job.ts';
import { isSameOwner, type Processes } from '../core/processes.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { awaitPermit } from '../limits/permit.ts';
import type { InlinePictures } from './inline-pictures.ts';
import type { JobRecords } from './job-records.ts';
import {
  ABANDONED,
  CANCELLED,
  failureOfAllTries,
  KEY_TOO_OLD,
  stillOpen,
  unforeseen,
  type WaitReason,
} from './order-failures.ts';
import type { SlotQueue } from './slot-queue.ts';

export type SendingDeps = {
  records: Pick<JobRecords, 'apply'>;
  slots: Pick<SlotQueue, 'take'>;
  limits: Pick<RequestLimiter, 'permit'>;
  provider: Pick<ImageProvider, 'prepare' | 'send'>;
  clock: Clock;
  processes: Pick<Processes, 'self'>;
  /** Never rejects. */
  onSubmission?: (() => Promise<void>) | undefined;
};

export type SubmissionDeps = SendingDeps & { records: JobRecords; inline: InlinePictures };

export type SubmissionOptions = {
  /** Ends the sending as it stands: the server is ending. */
  life: AbortSignal;
  /** Takes an order back that has not been sent; aborted no more after `onSending`. */
  cancellation: AbortSignal;
  /** For how long the service is taken to know a key. */
  resendWindowMs: number;
  onSending: () => void;
  onWaitReason: (waitReason: WaitReason | undefined) => void;
};

/** Another process has taken the job over, or closed it. */
class TakenOver extends Error {}

/** The service may have forgotten the key of an order that was sent before: sent again, it could be another order. */
class KeyTooOld extends Error {}

/** @returns the job after the service's answer, or after what stood in the way */
export async function submit(job: Job, deps: SubmissionDeps, options: SubmissionOptions): Promise<Job> {
  const { records, clock, processes } = deps;
  try {
    const remote = await sendOrder(job, deps, options);
    deps.inline.keep(job.id, remote);
    return await records.apply(job.id, { type: 'status_received', remote, at: clock.now() });
  } catch (error) {
    if (options.life.aborted) {
      // Changes nothing once a try may have left.
      await records.apply(job.id, { type: 'abandoned', failure: ABANDONED, at: clock.now() });
      throw error;
    }
    if (error instanceof TakenOver) return records.get(job.id);
    if (error instanceof KeyTooOld) return records.apply(job.id, { type: 'outcome_unknown', failure: KEY_TOO_OLD });
    const failure = options.cancellation.aborted ? CANCELLED : failureOf(error, unforeseen(error));
    const decision = job.state === 'submitting' ? stillOpen(failure) : failure;
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

/**
 * The way of an order's money: permit, record as submitting, send; under one key, until the service has it.
 * @throws FluxError whose `creditsSpent` covers all tries: `maybe` as soon as one of them may have been carried out
 */
export async function sendOrder(job: Job, deps: SendingDeps, options: SubmissionOptions): Promise<RemoteJob> {
  const { slots, provider, clock } = deps;
  const { life, onWaitReason } = options;
  const wasOpen = job.state === 'submitting';
  const unsent = AbortSignal.any([life, options.cancellation]);
  const failures: Failure[] = [];
  let recorded: string | undefined;
  /** Until the order is recorded as submitting, its wait is shown and can be cancelled. */
  const permit = (isFirst: boolean): Promise<void> =>
    awaitPermit(deps.limits, clock, { purpose: 'submit', fields: 1 }, isFirst ? unsent : life, (until) => {
      if (isFirst) onWaitReason({ reason: 'permit', until });
    });
  const assertFreshKey = (): void => {
    const wasSent = wasOpen || recorded !== undefined;
    if (wasSent && keyIsTooOld(job.createdAt, clock.now(), options.resendWindowMs)) throw new KeyTooOld();
  };
  try {
    assertFreshKey();
    await slots.take(job, unsent, onWaitReason);
    await deps.onSubmission?.();
    const { webhookUrl } = job;
    const dialect = wasOpen ? job.dialect : undefined;
    let order = await provider.prepare(job.request, { webhookUrl, dialect, signal: unsent });
    for (;;) {
      await permit(recorded === undefined);
      // The wait for a slot or a permit, or the sleep of the whole machine, may have been long.
      assertFreshKey();
      if (order.dialect !== recorded) {
        if (recorded === undefined) unsent.throwIfAborted();
        options.onSending();
        onWaitReason(undefined);
        await recordAsSubmitting(job, order.dialect, deps);
        recorded = order.dialect;
      }
      const result = await provider.send(order, job.idempotencyKey, life);
      if (result.type === 'accepted') return result.job;
      if (result.type === 'failed') throw new FluxError(result.failure);
      if (result.failure !== undefined) failures.push(result.failure);
      if (result.afterMs > 0) await clock.sleep(result.afterMs, life);
      order = result.order;
    }
  } catch (error) {
    if (unsent.aborted || error instanceof TakenOver || error instanceof KeyTooOld) throw error;
    const failure = failureOf(error, unforeseen(error));
    if (recorded !== undefined) throw new FluxError(failureOfAllTries(failures, failure), { cause: error });
    throw wasOpen ? error : new FluxError(unpaid(failure), { cause: error });
  }
}

/** On disk before the first byte leaves: whoever finds the record sends it again in this dialect, or not at all. */
async function recordAsSubmitting(job: Job, dialect: string, { records, processes }: SendingDeps): Promise<void> {
  const owner = processes.self();
  const recorded = await records.apply(job.id, { type: 'sending', owner, dialect });
  if (recorded.state !== 'submitting' || !isSameOwner(recorded.owner, owner)) throw new TakenOver();
}

/** Nothing had left when it happened. */
function unpaid(failure: Failure): Failure {
  return { ...failure, creditsSpent: 'no' };
}
