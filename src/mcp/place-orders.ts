/** How a tool orders pictures: proposes, has the user asked where that is needed, commits, and waits. */
import { FluxError } from '../core/failure.ts';
import type { Order } from '../core/image-request.ts';
import type { ImageJobs } from '../jobs/image-jobs.ts';
import type { Ordered } from '../jobs/orders.ts';
import type { Proposal, ProposeOptions } from '../jobs/proposal.ts';
import type { Question } from './confirmation.ts';
import type { ToolContext, ToolOutcome } from './tool.ts';

type Call = Pick<ProposeOptions, 'tool' | 'accepted' | 'isBatch'>;

type Steps = {
  question: (proposal: Proposal & { type: 'ask' }) => Question;
  wait: (jobs: ImageJobs, ordered: readonly Ordered[]) => Promise<ToolOutcome>;
};

/** @throws FluxError when the call is refused; nothing was sent then */
export async function placeOrders(
  orders: readonly Order[],
  call: Call,
  { jobs: startJobs, canAsk, answer, signal }: ToolContext,
  { question, wait }: Steps,
): Promise<ToolOutcome> {
  const jobs = await startJobs();
  const proposal = await jobs.propose(orders, { ...call, canAsk, answer, signal });
  if (proposal.type === 'refused') throw new FluxError(proposal.failure);
  if (proposal.type === 'ask') return { type: 'ask', ...question(proposal) };
  const ordered = await jobs.commit(proposal, signal);
  try {
    return await wait(jobs, ordered);
  } finally {
    // Nobody waits for them any more: orders that have not been sent yet are taken back.
    if (signal.aborted) for (const { job, duplicate } of ordered) if (!duplicate) jobs.cancelUnsent(job.id);
  }
}
