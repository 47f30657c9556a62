/** Orders at the job service as a tool does when its user says yes: proposes, and commits what is proposed. */
import { FluxError } from '../../src/core/failure.ts';
import type { ImageRequest, Order } from '../../src/core/image-request.ts';
import type { ImageJobs } from '../../src/jobs/image-jobs.ts';
import type { Ordered, Proposal, ProposeOptions } from '../../src/jobs/orders.ts';

type Jobs = Pick<ImageJobs, 'propose' | 'commit'>;

/** What a tool says of a call whose user is there and says yes. */
const CONFIRMED: ProposeOptions = {
  accepted: undefined,
  canAsk: true,
  answer: { type: 'yes', upTo: Number.POSITIVE_INFINITY },
  tool: 'generate_images',
  isBatch: true,
};

export const propose = (
  jobs: Pick<ImageJobs, 'propose'>,
  orders: readonly Order[],
  options: Partial<ProposeOptions> = {},
): Promise<Proposal> => jobs.propose(orders, { ...CONFIRMED, signal: new AbortController().signal, ...options });

/** Pictures of one call. @throws FluxError when the call is refused */
export async function placeOrders(
  jobs: Jobs,
  orders: readonly Order[],
  options: Partial<ProposeOptions> = {},
): Promise<readonly Ordered[]> {
  const proposal = await propose(jobs, orders, options);
  if (proposal.type === 'refused') throw new FluxError(proposal.failure);
  if (proposal.type === 'ask') throw new Error('the user was asked again');
  return jobs.commit(proposal);
}

/** One picture. @throws FluxError when it is refused */
export async function placeOrder(
  jobs: Jobs,
  request: ImageRequest,
  order: Omit<Order, 'request'> = {},
): Promise<Ordered> {
  const [ordered] = await placeOrders(jobs, [{ request, ...order }], { isBatch: false });
  if (ordered === undefined) throw new Error('the order was neither placed nor refused');
  return ordered;
}
