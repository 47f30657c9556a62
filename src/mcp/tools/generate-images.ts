/** The tool that orders several pictures in one call. */
import * as z from 'zod';
import { FluxError } from '../../core/failure.ts';
import { creditRange, type Order } from '../../core/image-request.ts';
import { maxCreditsArgument, orderOf, orderSchema, placeOrders, waitSecondsArgument } from '../ordering.ts';
import { defineTool } from '../tool.ts';

const input = z.strictObject({
  images: z
    .array(orderSchema('this picture'))
    .min(1)
    .max(50)
    .describe('The 1–50 pictures, each with arguments as in generate_image. Equal entries are separate pictures.'),
  wait_seconds: waitSecondsArgument('all of the pictures', 'jobs'),
  max_credits: maxCreditsArgument('all of the pictures together'),
});

export const generateImages = defineTool({
  name: 'generate_images',
  title: 'Generate several images',
  description:
    'Makes 1 to 50 new pictures with Flux Pro in one call and saves them. Use it instead of several generate_image ' +
    "calls: it keeps within the plan's limits by itself and uses them fully. Each picture costs 10–20 credits up to 1 " +
    'megapixel, 30–50 at 2048 × 2048. The total price is checked against the budget before anything is ordered; above ' +
    'the confirmation threshold the user is asked, or the answer names the price to repeat as max_credits once the ' +
    'user agrees. Returns a job for each entry, in order, with status, file, URL, price and job_id, and how many are ' +
    'completed, failed and pending; one failure stops no other picture. To wait for pending ones, repeat the call ' +
    'with exactly the same arguments: until a day after each picture was saved (FLUX_DUPLICATE_HOURS) it finds its own ' +
    'jobs, and orders again only what failed without being moderated; later it orders and pays for all again. ' +
    'get_job_status waits for a single job. Never order a picture again because of a time-out.',
  effect: 'spend',
  input,
  hasViewer: true,
  handle: (args, context) => {
    const orders = args.images.map(orderOf);
    for (const [at, order] of orders.entries()) checkOwnBound(order, args.images[at]?.max_credits, at);
    return placeOrders(orders, { tool: 'generate_images', isBatch: true, ...args }, context);
  },
});

/** @throws FluxError of kind `over_budget` when an entry may cost more than it says it may */
function checkOwnBound({ request }: Order, accepted: number | undefined, at: number): void {
  const { max } = creditRange(request.width, request.height);
  if (accepted === undefined || max <= accepted) return;
  const what = `images[${at}] may cost up to ${max} credits, more than its max_credits (${accepted}). Nothing was sent.`;
  const next = `Order a smaller picture there, or repeat the call with max_credits ${max} for it if the user accepts that.`;
  throw new FluxError({ kind: 'over_budget', reason: { code: 'worded', what, next }, creditsSpent: 'no', retry: 'no' });
}
