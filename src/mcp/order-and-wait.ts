/** How tools order pictures and wait for them: propose, have the user asked where that is needed, commit, wait. */
import type { CreditRange } from '../core/credits.ts';
import { FluxError } from '../core/failure.ts';
import type { Order } from '../core/image-request.ts';
import { isFinishedRemotely, isSettled, type Job } from '../core/job.ts';
import { redactValues } from '../core/redaction.ts';
import { fenced } from '../core/untrusted-text.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { WaitReason } from '../jobs/order-failures.ts';
import type { Ordered } from '../jobs/orders.ts';
import type { ProposeOptions } from '../jobs/proposal.ts';
import type { BatchProgress } from '../jobs/waits.ts';
import { type Eta, waitFraction } from '../polling/eta.ts';
import type { Question } from './confirmation.ts';
import type { JobsOutcome, SingleOutcome, ToolContext, ToolOutcome } from './tool.ts';

/** `isBatch`: a call for several pictures, which is answered with all of them, even if it names only one. */
type Call = Pick<ProposeOptions, 'tool' | 'accepted' | 'isBatch'> & { waitSeconds: number | undefined };

/** @throws FluxError when the call is refused; nothing was sent then */
export async function placeOrders(
  orders: readonly Order[],
  { waitSeconds: wanted, ...call }: Call,
  context: ToolContext,
): Promise<ToolOutcome> {
  const { canAsk, answer, signal, redact } = context;
  const jobs = await context.jobs();
  const proposal = await jobs.propose(orders, { ...call, canAsk, answer, signal });
  if (proposal.type === 'refused') throw new FluxError(proposal.failure);
  if (proposal.type === 'ask')
    return { type: 'ask', ...questionAbout(redactValues(proposal.added, redact), proposal.estimate) };
  const ordered = await jobs.commit(proposal, signal);
  const waitSeconds = wanted ?? context.defaultWaitSeconds;
  try {
    const [first] = ordered;
    if (!call.isBatch && first !== undefined)
      return await waitForJob(jobs, first.job.id, waitSeconds, context, first.duplicate);
    return await waitForAll(jobs, ordered, waitSeconds, context, !orders.some((one) => one.allowDuplicate));
  } finally {
    // Nobody waits for them any more: orders that have not been sent yet are taken back.
    if (signal.aborted) for (const { job, duplicate } of ordered) if (!duplicate) jobs.cancelUnsent(job.id);
  }
}

function questionAbout(added: readonly Order[], { min, max }: CreditRange): Question {
  const sizes = [...new Set(added.map(({ request }) => `${request.width} × ${request.height}`))];
  const more = sizes.length > 3 ? ' and other sizes' : '';
  const [first, second] = added;
  const yes = `Yes, spend up to ${max} credits`;
  const question =
    first !== undefined && second === undefined
      ? `Order one picture of ${sizes[0]} pixels from Flux Pro for ${min} to ${max} credits? Prompt: ${fenced(first.request.prompt, 200)}`
      : `Order ${added.length} pictures (${sizes.slice(0, 3).join(', ')}${more} pixels) from Flux Pro for ${min} to ${max} credits in all?`;
  return { question, yes };
}

export async function waitForJob(
  jobs: ImageJobs,
  id: string,
  waitSeconds: number,
  { progress, signal, now }: ToolContext,
  duplicate = false,
): Promise<SingleOutcome> {
  const began = now();
  let last: Eta | undefined;
  const job = await jobs.waitFor(id, {
    waitMs: waitSeconds * 1_000,
    signal,
    onTick: (current, elapsedMs, waitReason, eta) => {
      last = eta;
      const text = waitReason === undefined ? stageText(current, elapsedMs, eta) : reasonText(waitReason, now());
      progress(fractionOf(current, elapsedMs, eta), text);
    },
  });
  const eta = isFinishedRemotely(job) ? undefined : last;
  return { type: 'job', job, duplicate, waitedSeconds: secondsSince(began, now()), eta };
}

/** The same for all that one call has ordered, in their order. */
async function waitForAll(
  jobs: ImageJobs,
  ordered: readonly Ordered[],
  waitSeconds: number,
  { progress, signal, now }: ToolContext,
  repeatable: boolean,
): Promise<JobsOutcome> {
  const began = now();
  const ids = ordered.map(({ job }) => job.id);
  const waited = await jobs.waitForAll(ids, {
    waitMs: waitSeconds * 1_000,
    signal,
    onTick: (all) => progress(all.fraction, batchText(all)),
  });
  return {
    type: 'jobs',
    jobs: waited,
    duplicates: ordered.filter(({ duplicate }) => duplicate).map(({ job }) => job.id),
    waitedSeconds: waited.every(isSettled) ? undefined : secondsSince(began, now()),
    repeatable,
  };
}

/** Of a wait that is worth mentioning. */
function secondsSince(began: number, now: number): number | undefined {
  return Math.round((now - began) / 1_000) || undefined;
}

function batchText({ done, total, leftMs }: BatchProgress): string {
  const left = seconds(leftMs);
  return `${done} of ${total}, about ${left < 120 ? `${left} s` : `${Math.round(left / 60)} min`} left`;
}

function reasonText({ reason, until }: WaitReason, now: number): string {
  const what = reason === 'slot' ? 'waiting for a free slot' : 'waiting until the rate limit allows the next request';
  return `${what}, about ${seconds(until - now)} s`;
}

function stageText({ state, remoteStatus }: Job, elapsedMs: number, { leftMs }: Eta): string {
  const soFar = `${Math.round(elapsedMs / 1_000)} s so far`;
  if (state === 'queued' || state === 'submitting') return `sending the request, ${soFar}`;
  if (state === 'unknown') return `asking what became of the order, ${soFar}`;
  if (state === 'completed') return `fetching the finished picture, ${soFar}`;
  const status = fenced(remoteStatus || 'processing', 40);
  return `the picture is being made (${status}), ${soFar}, about ${seconds(leftMs)} s left`;
}

const seconds = (ms: number): number => Math.max(1, Math.round(ms / 1_000));

/** What comes before the service has the order counts as a small part, however long it takes. */
const BEFORE_THE_ORDER = 0.05;
const FETCHING = 0.99;

/** Never backwards, and never the end before it is there. */
function fractionOf(job: Job, elapsedMs: number, { fraction }: Eta): number {
  if (job.acceptedAt === undefined) return BEFORE_THE_ORDER * waitFraction(elapsedMs / 1_000);
  if (job.state === 'completed') return FETCHING + (1 - FETCHING) * waitFraction(elapsedMs / 1_000);
  return BEFORE_THE_ORDER + (FETCHING - BEFORE_THE_ORDER) * fraction;
}
