/** The tool that orders several pictures in one call. */
import * as z from 'zod';
import { type CreditRange, creditRange } from '../../core/credits.ts';
import { FluxError } from '../../core/failure.ts';
import { isSettled } from '../../core/job.ts';
import type { BatchProgress } from '../../jobs/batch.ts';
import type { ImageJobs } from '../../jobs/image-jobs.ts';
import type { Entry } from '../../jobs/orders.ts';
import {
  checkSides,
  entryOf,
  maxCreditsSchema,
  maxCreditsText,
  orderArguments,
  pictureArguments,
} from '../image-arguments.ts';
import { defineTool, type ToolContext, type ToolOutcome } from '../tool.ts';
import { waitSecondsSchema } from '../wait-seconds.ts';

const IMAGES_MAX = 50;

const image = z.strictObject({ ...pictureArguments, ...orderArguments }).check(checkSides);

const input = z.strictObject({
  images: z
    .array(image)
    .min(1)
    .max(IMAGES_MAX)
    .describe('The 1–50 pictures, each with arguments as in generate_image. Equal entries are separate pictures.'),
  wait_seconds: waitSecondsSchema
    .optional()
    .describe(
      "How many seconds to wait for all of the pictures, 0–300, before answering with the jobs. Default: the user's " +
        'setting, usually 45.',
    ),
  max_credits: maxCreditsSchema.optional().describe(maxCreditsText('all of the pictures together')),
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
    'with exactly the same arguments: until 2 minutes after the last picture has finished it finds its own jobs, and ' +
    'orders again only what failed without a charge; later it orders and pays for all again. get_job_status waits for ' +
    'a single job. Never order a picture again because of a time-out.',
  effect: 'spend',
  input,
  hasViewer: true,
  async handle(args, context) {
    const jobs = await context.jobs();
    const entries = args.images.map((one, at) => {
      const entry = entryOf(one);
      checkOwnBound(entry, one.max_credits, at);
      return entry;
    });
    jobs.estimate(
      entries.map(({ request }) => request),
      undefined,
    );
    const existing = await jobs.repeatAll(entries, context.signal);
    const added = entries.filter((_, at) => existing[at] === undefined);
    const asked = mayOrder(jobs, added, args.max_credits, context);
    if (asked !== undefined) return asked;
    // The last check before money moves: a call that was cancelled by now orders nothing.
    context.signal.throwIfAborted();
    const ordered = await jobs.orderAll(entries, args.max_credits === undefined ? {} : { accepted: args.max_credits });
    const ids = ordered.map(({ job }) => job.id);
    const began = context.now();
    try {
      const waited = await jobs.waitForAll(ids, {
        waitMs: (args.wait_seconds ?? context.defaultWaitSeconds) * 1_000,
        signal: context.signal,
        onTick: (progress) => context.progress(progress.fraction, progressText(progress)),
      });
      const seconds = Math.round((context.now() - began) / 1_000);
      return {
        type: 'jobs',
        jobs: waited,
        duplicates: new Set(ordered.filter(({ duplicate }) => duplicate).map(({ job }) => job.id)),
        repeatable: !entries.some(({ allowDuplicate }) => allowDuplicate),
        ...(waited.every(isSettled) || seconds === 0 ? {} : { waitedSeconds: seconds }),
      };
    } finally {
      // Nobody waits for them any more: orders that have not been sent yet are taken back.
      if (context.signal.aborted) {
        for (const { job, duplicate } of ordered) if (!duplicate) jobs.cancelUnsent(job.id);
      }
    }
  },
});

/** @returns the question to the user, if there is one; what is found again costs nothing and is not asked about */
function mayOrder(
  jobs: ImageJobs,
  added: readonly Entry[],
  accepted: number | undefined,
  { canAsk, answer }: ToolContext,
): ToolOutcome | undefined {
  if (added.length === 0) return undefined;
  const requests = added.map(({ request }) => request);
  const estimate = jobs.estimate(requests, accepted);
  const confirmation = jobs.confirm({ estimate, accepted, canAsk, answer, tool: 'generate_images' });
  return confirmation === 'ask' ? question(added, estimate) : undefined;
}

/** @throws FluxError of kind `over_budget` when an entry may cost more than it says it may */
function checkOwnBound({ request }: Entry, accepted: number | undefined, at: number): void {
  const { max } = creditRange(request.width, request.height);
  if (accepted === undefined || max <= accepted) return;
  throw new FluxError({
    kind: 'over_budget',
    message: `images[${at}] may cost up to ${max} credits, more than its max_credits (${accepted}). Nothing was sent.`,
    creditsSpent: 'no',
    retry: 'no',
    remedy: `Order a smaller picture there, or repeat the call with max_credits ${max} for it if the user accepts that.`,
  });
}

function question(added: readonly Entry[], estimate: CreditRange): ToolOutcome {
  const sizes = new Set(added.map(({ request }) => `${request.width} × ${request.height}`));
  const shown = [...sizes].slice(0, 3).join(', ');
  const more = sizes.size > 3 ? ' and other sizes' : '';
  const count = added.length === 1 ? 'one picture' : `${added.length} pictures`;
  return {
    type: 'ask',
    question: `Order ${count} (${shown}${more} pixels) from Flux Pro for ${estimate.min} to ${estimate.max} credits in all?`,
    yes: `Yes, spend up to ${estimate.max} credits`,
  };
}

function progressText({ done, total, leftMs }: BatchProgress): string {
  const seconds = Math.max(1, Math.round(leftMs / 1_000));
  const left = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  return `${done} of ${total}, about ${left} left`;
}
