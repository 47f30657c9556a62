/** The way of an order's money: a slot, a permit, the record as submitting, the request; and what its answer means. */
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import { isSameOwner, type Job, keyIsTooOld } from '../core/job.ts';
import type { Wakeup } from '../core/primitives.ts';
import { awaitPermit } from '../limits/rate-state.ts';
import { USUAL_MS } from '../polling/durations.ts';
import type { JobsDeps } from './deps.ts';
import type { Pictures } from './pictures.ts';

/** Why an order has not been sent yet. `until` in epoch milliseconds, an estimate for a slot. */
export type WaitReason = { reason: 'slot' | 'permit'; until: number };

export type SendingDeps = JobsDeps & {
  pictures: Pick<Pictures, 'keep'>;
  /** A person wants it sent again, whatever the service makes of its key. */
  isForced?: boolean;
  /** Looks after jobs whose process is gone, which may occupy the slots; called often. Never rejects. */
  reconcile: () => Promise<void>;
  onUnrecorded: (failure: Failure) => void;
};

/** One order on its way, for as long as this process works on it. */
export type Sending = {
  /** Ends the sending as it stands: the server is ending. */
  life: AbortSignal;
  /** Takes back an order that has not been sent. */
  cancellation: AbortController;
  /** Nothing has been sent yet. */
  isCancellable: boolean;
  /** What an order that has not been sent waits for. */
  waitReason: WaitReason | undefined;
  /** Woken when a slot may have become free. */
  slotFreed: Wakeup;
};

/** Another process has taken the job over, or closed it. */
class TakenOver extends Error {}

/** An order that may have been carried out: sent again, it could be another one to the service. */
class NotSentAgain extends FluxError {}

const NOT_SENT = { creditsSpent: 'no', retry: 'later' } as const;
/** Of a record that says that nothing has left, and nobody who would send it any more. */
export const OWNER_ENDED: Failure = { ...NOT_SENT, kind: 'interrupted', reason: { code: 'owner_ended' } };

/** By the user, from the shell: unlike a call that was cancelled, it is not ordered for another caller either. */
export const USER_CANCELLED: Failure = { ...OWNER_ENDED, reason: { code: 'user_cancelled' }, retry: 'no' };

/** @returns the job after the service's answer, or after what stood in the way */
export async function submit(job: Job, deps: SendingDeps, sending: Sending): Promise<Job> {
  const { records, clock, liveness } = deps;
  let remote: RemoteJob;
  try {
    remote = await sendOrder(job, deps, sending);
  } catch (error) {
    if (sending.life.aborted) {
      // Changes nothing once a try may have left.
      await records.apply(job.id, { type: 'abandoned', failure: OWNER_ENDED, at: clock.now() });
      throw error;
    }
    if (error instanceof TakenOver) return records.get(job.id);
    if (error instanceof NotSentAgain)
      return records.apply(job.id, { type: 'outcome_unknown', failure: error.failure });
    const cause = sending.cancellation.signal.aborted ? CANCELLED : orderFailure(error);
    const failure = job.state === 'queued' ? cause : stillOpen(cause);
    // Only a job that cost nothing for certain may end here: everything else stays open under its own key.
    if (failure.creditsSpent !== 'no') return records.apply(job.id, { type: 'blocked', failure });
    // The disk that stood in the way of the order may stand in the way of this, too.
    const failed = { type: 'failed', failure, at: clock.now(), by: liveness.self } as const;
    return await records.apply(job.id, failed).catch(throwUnspent);
  } finally {
    setWaitReason(job.id, sending, deps);
  }
  deps.pictures.keep(job.id, remote);
  return recordAnswer(job.id, remote, deps, sending.life);
}

/** The service has the order, whatever the disk says: its answer is kept here until it can be written. */
async function recordAnswer(id: string, remote: RemoteJob, deps: SendingDeps, life: AbortSignal): Promise<Job> {
  const { records, clock, onUnrecorded } = deps;
  const at = clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await records.apply(id, { type: 'status_received', remote, at });
    } catch (error) {
      if (!(error instanceof FluxError)) throw error;
      onUnrecorded({ ...error.failure, creditsSpent: 'yes', retry: 'same_job' });
      await clock.sleep(Math.min(250 * 2 ** attempt, 30_000), life);
    }
  }
}

function setWaitReason(id: string, sending: Sending, { records }: SendingDeps, waitReason?: WaitReason): void {
  const before = sending.waitReason;
  sending.waitReason = waitReason;
  if (before?.reason !== waitReason?.reason) records.wake(id);
}

/**
 * Slot, permit, record as submitting, send; under one key, until the service has it.
 * @throws FluxError whose `creditsSpent` covers all tries: `maybe` as soon as one of them may have been carried out
 */
export async function sendOrder(job: Job, deps: SendingDeps, sending: Sending): Promise<RemoteJob> {
  const { provider, limits, clock } = deps;
  const { life } = sending;
  const wasOpen = job.state !== 'queued';
  const beforeSending = AbortSignal.any([life, sending.cancellation.signal]);
  const failures: Failure[] = [];
  let recorded: Job | undefined;
  /** By the clock of the moment at which it left: one that was set while the order waited made it no older. */
  let leftAt: number | undefined;
  const assertMayBeSent = async (ask?: AbortSignal): Promise<void> => {
    // docs/service-questions.md, row 16
    if (job.otherKey) throw new NotSentAgain(OTHER_KEY);
    const sent = wasOpen ? job : leftAt === undefined ? undefined : { ...recorded, createdAt: leftAt };
    if (sent && keyIsTooOld(sent, await provider.times(ask))) throw new NotSentAgain(KEY_TOO_OLD);
    const isOpen = (wasOpen && !deps.isForced) || failures.some(({ creditsSpent }) => creditsSpent !== 'no');
    if (isOpen && (await deps.keys.areIgnored())) throw new NotSentAgain(KEYS_IGNORED);
  };
  try {
    await assertMayBeSent(beforeSending);
    await takeSlot(job, deps, sending, beforeSending);
    await deps.onSubmission?.();
    const known = { webhookUrl: job.webhookUrl, dialect: wasOpen ? job.dialect : undefined };
    let order = await provider.prepare(job.request, { ...known, signal: beforeSending });
    for (;;) {
      // Until the order is recorded as submitting, its wait is shown and can be cancelled.
      const isFirst = recorded === undefined;
      await awaitPermit(limits, clock, { purpose: 'submit', fields: 1 }, isFirst ? beforeSending : life, (until) => {
        if (isFirst) setWaitReason(job.id, sending, deps, { reason: 'permit', until });
      });
      // The wait for a slot or a permit, or the sleep of the whole machine, may have been long.
      await assertMayBeSent();
      if (order.dialect !== recorded?.dialect) {
        if (isFirst) beforeSending.throwIfAborted();
        sending.isCancellable = false;
        setWaitReason(job.id, sending, deps);
        recorded = await recordAsSubmitting(job, order.dialect, deps);
        leftAt ??= recorded.updatedAt;
      }
      const result = await provider.send(order, job.idempotencyKey, life);
      if (result.type === 'accepted') return result.job;
      if (result.type === 'failed') throw new FluxError(result.failure);
      if (result.failure !== undefined) failures.push(result.failure);
      if (result.afterMs > 0) await clock.sleep(result.afterMs, life);
      order = result.order;
    }
  } catch (error) {
    if (beforeSending.aborted || error instanceof TakenOver || error instanceof NotSentAgain) throw error;
    const failure = orderFailure(error);
    if (recorded !== undefined) throw new FluxError(failureOfAllTries(failures, failure), { cause: error });
    throw wasOpen ? error : new FluxError({ ...failure, creditsSpent: 'no' }, { cause: error });
  }
}

/** Waits for one of the plan's slots. @throws FluxError when nothing is reserved for the order any more */
async function takeSlot(job: Job, deps: SendingDeps, sending: Sending, signal: AbortSignal): Promise<void> {
  const { limits, clock, reconcile } = deps;
  for (;;) {
    signal.throwIfAborted();
    const answer = await limits.slot(job.id);
    // Another process took it for one that had died before it was recorded: nobody reserves its price any more.
    if (answer.taken && answer.absent && job.state === 'queued') throw new FluxError(OWNER_ENDED);
    if (answer.taken) return;
    const now = clock.now();
    // What is left of the oldest job, at least 5 s, and a whole one for each order that comes first.
    const leftMs = Math.max(5_000, USUAL_MS - (now - (answer.oldestAt ?? now)));
    setWaitReason(job.id, sending, deps, { reason: 'slot', until: now + leftMs + answer.ahead * USUAL_MS });
    await reconcile();
    // Whether another process has given a slot back is seen by looking alone.
    await sending.slotFreed.wait(190 + 125 * clock.random(), signal);
  }
}

/** On disk before the first byte leaves: whoever finds the record sends it again in this dialect, or not at all. */
async function recordAsSubmitting(job: Job, dialect: string, deps: SendingDeps): Promise<Job> {
  const { records, liveness, provider } = deps;
  const { there: at } = await provider.times();
  const recorded = await records.apply(job.id, { type: 'sending', owner: liveness.self, dialect, at });
  if (recorded.state !== 'submitting' || !isSameOwner(recorded.owner, liveness.self)) throw new TakenOver();
  return recorded;
}

const CANCELLED: Failure = { ...NOT_SENT, kind: 'rate_limited', reason: { code: 'order_cancelled' } };

const AMBIGUOUS = { kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' } as const;
/** Of an order that was sent again for an hour. */
export const NO_ANSWER: Failure = { ...AMBIGUOUS, reason: { code: 'no_answer' } };
const KEY_TOO_OLD: Failure = { ...AMBIGUOUS, reason: { code: 'key_too_old' }, retry: 'no' };
const KEYS_IGNORED: Failure = { ...KEY_TOO_OLD, reason: { code: 'keys_ignored' } };
export const OTHER_KEY: Failure = { ...KEY_TOO_OLD, reason: { code: 'other_key' } };

/** What nobody foresaw may have cost something. */
function orderFailure(error: unknown): Failure {
  return failureOf(error, 'order', { creditsSpent: 'maybe', retry: 'same_job' });
}

/** Nothing had left when it happened. */
export function throwUnspent(error: unknown): never {
  throw error instanceof FluxError ? new FluxError({ ...error.failure, creditsSpent: 'no' }, { cause: error }) : error;
}

/** A refusal of an order that was sent before and left open does not prove that the earlier try cost nothing. */
function stillOpen(failure: Failure): Failure {
  if (failure.creditsSpent !== 'no') return failure;
  return { ...failure, ...AMBIGUOUS, reason: { code: 'earlier_try_open', last: failure.reason } };
}

/**
 * The failure of an order that no try brought a job for. As soon as one try left it open whether the order was carried
 * out, no later refusal can close it: only an answer with a job could have.
 */
export function failureOfAllTries(earlier: readonly Failure[], last: Failure): Failure {
  const tries = [...earlier, last];
  const open = tries.findLast(({ creditsSpent }) => creditsSpent !== 'no');
  if (open === undefined) return last;
  if (open === last && tries.every(({ kind }) => kind === last.kind)) return last;
  const facts = { tries: tries.length, last: last.reason, ...(open !== last && { open: open.reason }) };
  return { ...last, ...AMBIGUOUS, reason: { code: 'no_try_brought_a_job', ...facts } };
}
