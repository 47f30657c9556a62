/** What the tools that order pictures share: the arguments of a picture, the way from a proposal to an order, the wait. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { CreditRange, Order, SideChoice } from '../core/image-request.ts';
import {
  agree,
  ASPECT_RATIO_NAMES,
  FILE_NAME_MAX_CHARACTERS,
  FLUX_VERSIONS,
  PROMPT_MAX_CHARACTERS,
  QUALITIES,
  SIDE_PX,
  SIZES,
  sidesOf,
} from '../core/image-request.ts';
import { isFinishedRemotely, type Job } from '../core/job.ts';
import { redactValues } from '../core/redaction.ts';
import { fenced } from '../core/untrusted-text.ts';
import type { Eta, Progress } from '../jobs/image-jobs.ts';
import type { Ordered, ProposeOptions } from '../jobs/orders.ts';
import type { WaitReason } from '../jobs/submission.ts';
import type { Question } from './confirmations.ts';
import type { SingleOutcome, ToolContext, ToolOutcome } from './tool.ts';
import { lasting } from './words/times.ts';

// Controls other than tab and line breaks describe no picture; a lone surrogate cannot be sent as UTF-8 unchanged.
const FORBIDDEN_IN_PROMPT = /[^\P{Cc}\t\n\r]|\p{Cs}/u;
const FORBIDDEN_IN_FILE_NAME = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\\/:*?"<>|]/u;

const ENDS_A_PHRASE = /\p{Terminal_Punctuation}$/u;

// What shows something: neither white space nor a character without a glyph of its own.
const VISIBLE = /[^\s\p{Cf}]/u;

function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export const promptSchema = z
  .string()
  // First of all: no pattern runs over more.
  .refine((text) => characterCount(text) <= PROMPT_MAX_CHARACTERS, {
    error: (issue) =>
      `must be 1 to ${PROMPT_MAX_CHARACTERS} characters; it has ${characterCount(String(issue.input))} characters`,
    abort: true,
  })
  .refine((text) => VISIBLE.test(text), { error: 'must say what the picture shows; it is empty', abort: true })
  .refine((text) => !FORBIDDEN_IN_PROMPT.test(text), {
    error: 'must not contain control characters (line breaks and tabs are fine) or unpaired surrogates',
  })
  .meta({ minLength: 1, maxLength: PROMPT_MAX_CHARACTERS });

export const sideSchema = z.int().min(SIDE_PX.min).max(SIDE_PX.max).multipleOf(SIDE_PX.step);

export const fileNameSchema = z
  .string()
  .refine((text) => text.trim().length > 0 && characterCount(text) <= FILE_NAME_MAX_CHARACTERS, {
    error: `must be 1 to ${FILE_NAME_MAX_CHARACTERS} characters`,
    abort: true,
  })
  .refine((text) => !FORBIDDEN_IN_FILE_NAME.test(text) && !text.startsWith('.'), {
    error: 'must be a plain name, never a path: no / \\ : * ? " < > |, no control characters, no dot at the start',
  })
  .meta({ minLength: 1, maxLength: FILE_NAME_MAX_CHARACTERS });

const optional = <Field extends z.ZodType>(field: Field, words: string) => field.optional().describe(words);

/** Bounds, choices and defaults are in the words, too: not every host passes the schema's keywords on to its model. */
const pictureArguments = {
  prompt: promptSchema.describe(
    'What it shows, 1–4,000 characters: subject, style, mood, lighting, camera angle, composition.',
  ),
  aspect_ratio: optional(
    z.enum(ASPECT_RATIO_NAMES),
    'Shape, instead of width and height: 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3 or 21:9. Default: 1:1.',
  ),
  size: optional(
    z.enum(SIZES),
    'standard (up to 1024 × 1024 pixels in all) or large (longest side 2048). Default: standard.',
  ),
  width: optional(sideSchema, 'Width in pixels, a multiple of 8 from 256 to 2048. Default: 1024.'),
  height: optional(sideSchema, 'Height in pixels, a multiple of 8 from 256 to 2048. Default: 1024.'),
  file_name: optional(
    fileNameSchema,
    'Name without folder and extension, 1–80 characters; the job_id is added. Default: made from the prompt.',
  ),
};

/** Seconds; 0 answers at once. */
export const waitSecondsSchema = z.number().min(0).max(300);

const callArguments = {
  version: optional(z.enum(FLUX_VERSIONS), 'flux-pro-1.1 or flux-pro. Default: the service chooses.'),
  quality: optional(z.enum(QUALITIES), 'high is the only choice. Default: the service chooses.'),
  allow_duplicate: z
    .boolean()
    .default(false)
    .describe(
      'Order another picture even if an equal call would find a job: from the very same prompt. Default: false.',
    ),
  wait_seconds: optional(
    waitSecondsSchema,
    "Seconds to wait, 0–300; less where the host gives up sooner. Default: the user's setting, usually 45.",
  ),
  max_credits: optional(
    z.int().min(1).max(100_000_000),
    "The most this call may cost, 1–100,000,000 credits. Where the host cannot ask, it confirms a price above the threshold: only after the user's yes, or within the user's limit. Default: the user's settings.",
  ),
};

type Sides = SideChoice & { aspect_ratio?: SideChoice['aspectRatio'] };

function checkSides({ value, issues }: { value: Sides; issues: z.core.$ZodRawIssue[] }): void {
  if (agree({ ...value, aspectRatio: value.aspect_ratio })) return;
  for (const side of ['width', 'height'] as const) {
    if (value[side] === undefined) continue;
    const message = 'must be left out when aspect_ratio or size is given, unless both sides agree with them';
    issues.push({ code: 'custom', path: [side], message, input: value[side] });
  }
}

export const orderSchema = z.strictObject({ ...pictureArguments, ...callArguments }).check(checkSides);

/** With the style behind it, as it is sent and recorded: a call with this very prompt orders an equal picture. */
function styled(prompt: string, style: string | undefined): string {
  if (style === undefined) return prompt;
  const start = prompt.trimEnd();
  return `${start}${ENDS_A_PHRASE.test(start) ? ' ' : ', '}${style.trim()}`;
}

/** Words that stand elsewhere, or the words given: a model reads and pays for each copy. */
function described<Shape extends Record<string, z.ZodType>>(shape: Shape, description?: string): Shape {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, field.meta({ description })])) as Shape;
}

export const ordersSchema = z
  .strictObject({
    images: z
      .array(z.strictObject(described(pictureArguments)).check(checkSides))
      .min(1)
      .max(50)
      .describe(
        '1–50 pictures, each with its own prompt, size or shape, and file_name, as in generate_image. Equal entries are separate pictures.',
      ),
    style: optional(promptSchema, 'Words added to every prompt, 1–4,000 characters together with each. Default: none.'),
    ...described(callArguments, 'As in generate_image.'),
  })
  .check(({ value: { images, style }, issues }) => {
    for (const [at, { prompt }] of images.entries()) {
      const count = characterCount(styled(prompt, style));
      if (count <= PROMPT_MAX_CHARACTERS) continue;
      const message = `and style must be at most ${PROMPT_MAX_CHARACTERS} characters together; they have ${count}, ${characterCount(prompt)} of them in the prompt`;
      issues.push({ code: 'custom', path: ['images', at, 'prompt'], message, input: prompt });
    }
  });

type OrderArguments = z.output<typeof orderSchema> & { style?: string | undefined };

export function orderOf({ prompt, style, version, quality, file_name: fileName, ...args }: OrderArguments): Order {
  const request = {
    prompt: styled(prompt, style),
    ...sidesOf({ ...args, aspectRatio: args.aspect_ratio }),
    ...(version !== undefined && { version }),
    ...(quality !== undefined && { quality }),
  };
  return { request, allowDuplicate: args.allow_duplicate, ...(fileName !== undefined && { fileName }) };
}

/** `isBatch`: a call for several pictures, which is answered with all of them, even if it names only one. */
type Call = Pick<ProposeOptions, 'tool' | 'isBatch'> & {
  max_credits?: number | undefined;
  wait_seconds?: number | undefined;
};

/** @throws FluxError when the call is refused; nothing was sent then */
export async function placeOrders(orders: readonly Order[], call: Call, context: ToolContext): Promise<ToolOutcome> {
  const waitSeconds = call.wait_seconds ?? context.defaultWaitSeconds;
  const began = context.clock.now();
  const outcome = await placeOnce(orders, { ...call, wait_seconds: waitSeconds }, context);
  if (!hasLostItsOrder(outcome) || context.signal.aborted) return outcome;
  // Nothing was sent, and this caller still wants it: what is gone is ordered now, the rest is found again.
  const leftSeconds = Math.max(0, waitSeconds - (context.clock.now() - began) / 1_000);
  return placeOnce(orders, { ...call, wait_seconds: leftSeconds }, context).catch((error: unknown) => {
    // The others of the call were ordered all the same.
    if (error instanceof FluxError && outcome.type === 'jobs') return outcome;
    throw error;
  });
}

/** Whether a job that was found has ended unsent, because the call or the process that had ordered it has ended. */
function hasLostItsOrder(outcome: ToolOutcome): boolean {
  const isGone = ({ failure }: Job): boolean =>
    failure?.reason.code === 'order_cancelled' || failure?.reason.code === 'owner_ended';
  if (outcome.type === 'job') return outcome.duplicate === true && isGone(outcome.job);
  return outcome.type === 'jobs' && outcome.jobs.some((job) => outcome.duplicates.includes(job.id) && isGone(job));
}

async function placeOnce(
  orders: readonly Order[],
  { tool, isBatch, max_credits: accepted, wait_seconds: waitSeconds }: Call & { wait_seconds: number },
  context: ToolContext,
): Promise<ToolOutcome> {
  const { canAsk, answer, signal, redact } = context;
  const jobs = await context.jobs();
  const proposal = await jobs.propose(orders, { tool, isBatch, accepted, canAsk, answer, signal });
  if (proposal.type === 'refused') throw new FluxError(proposal.failure);
  if (proposal.type === 'ask') {
    const { added, estimate } = proposal;
    const budget = ofToday(await jobs.leftToday(), jobs.settings);
    return questionAbout(redactValues(added, redact), estimate, { budget, sandbox: context.sandbox });
  }
  const ordered = await jobs.commit(proposal, signal);
  try {
    const [first] = ordered;
    if (!isBatch && first !== undefined) return await waitForJob(first, waitSeconds, context);
    return await waitForAll(ordered, waitSeconds, context);
  } finally {
    // Nobody waits for them any more: orders that have not been sent yet are taken back.
    if (signal.aborted) {
      for (const { job, duplicate } of ordered) if (!duplicate) jobs.cancelUnsent(job.id);
      await jobs.noteGivenUp(ordered.map(({ job }) => job.id));
    }
  }
}

/** @param left of today's budget */
export function ofToday(left: number, { maxCreditsPerDay }: { maxCreditsPerDay: number }): string {
  const [rest, budget] = [left, maxCreditsPerDay].map((amount) => amount.toLocaleString('en-US'));
  return `${rest} of today's ${budget} credits are left.`;
}

const PROMPTS_SHOWN = 10;

export function questionAbout(
  added: readonly Order[],
  { min, max }: CreditRange,
  { budget, sandbox }: { budget: string; sandbox: boolean },
): Question {
  const count = added.length;
  const sizes = [...new Set(added.map(({ request }) => `${request.width} × ${request.height}`))];
  // A style, which stands behind each of several prompts, is not repeated in full.
  const prompts = added.slice(0, PROMPTS_SHOWN).map(({ request }) => fenced(request.prompt, count === 1 ? 200 : 60));
  const more = count > PROMPTS_SHOWN ? ` and ${count - PROMPTS_SHOWN} more` : '';
  const real = sandbox ? ' This is the sandbox: no real credits are spent.' : '';
  const question =
    `Order ${count === 1 ? 'one picture' : `${count} pictures`} (${sizes.join(', ')} pixels) from Flux Pro for ${min} to ${max} credits? ` +
    `Prompt${count === 1 ? '' : 's'}: ${prompts.join(', ')}${more}. ` +
    `${budget}${real}`;
  return { type: 'ask', question, yes: `Yes, spend up to ${max} credits`, upTo: max };
}

export async function waitForJob(ordered: Ordered, waitSeconds: number, context: ToolContext): Promise<SingleOutcome> {
  const { progress, signal, clock } = context;
  const jobs = await context.jobs();
  const began = clock.now();
  let etaNow: Progress['etaNow'] | undefined;
  const job = await jobs.waitFor(ordered.job.id, {
    waitMs: waitSeconds * 1_000,
    signal,
    async onTick({ job: current, elapsedMs, waitReason, etaNow: now }) {
      etaNow = now;
      if (progress === undefined) return;
      const eta = await now();
      const text = waitReason === undefined ? stageText(current, elapsedMs, eta) : reasonText(waitReason, clock.now());
      progress(eta.fraction, text);
    },
  });
  const eta = isFinishedRemotely(job) ? undefined : await etaNow?.();
  const { duplicate } = ordered;
  return { type: 'job', job, duplicate, waitedSeconds: secondsSince(began, clock.now()), eta };
}

export async function waitForAll(ordered: readonly Ordered[], waitSeconds: number, context: ToolContext) {
  const { progress, signal, clock } = context;
  const jobs = await context.jobs();
  const began = clock.now();
  const ids = ordered.map(({ job }) => job.id);
  const waited = await jobs.waitForAll(ids, {
    waitMs: waitSeconds * 1_000,
    signal,
    onTick:
      progress &&
      (({ fraction, done, total, leftMs }) => progress(fraction, `${done} of ${total}, ${about(leftMs)} left`)),
  });
  return {
    type: 'jobs' as const,
    batch: (ordered.find(({ duplicate }) => !duplicate) ?? ordered[0])?.job.batch,
    jobs: waited,
    duplicates: ordered.filter(({ duplicate }) => duplicate).map(({ job }) => job.id),
    waitedSeconds: secondsSince(began, clock.now()),
  };
}

/** Of a wait that is worth mentioning. */
function secondsSince(began: number, now: number): number | undefined {
  return Math.round((now - began) / 1_000) || undefined;
}

function reasonText({ reason, until }: WaitReason, now: number): string {
  const what = reason === 'slot' ? 'waiting for a free slot' : 'waiting until the rate limit allows the next request';
  return `${what}, ${about(until - now)}`;
}

function stageText({ state, remoteStatus }: Job, elapsedMs: number, { leftMs }: Eta): string {
  const soFar = `${Math.round(elapsedMs / 1_000)} s so far`;
  if (state === 'queued' || state === 'submitting') return `sending the request, ${soFar}`;
  if (state === 'unknown') return `asking what became of the order, ${soFar}`;
  if (state === 'completed') return `fetching the finished picture, ${soFar}`;
  const status = fenced(remoteStatus || 'processing', 40);
  return `the picture is being made (${status}), ${soFar}, ${about(leftMs)} left`;
}

const about = (ms: number): string => `about ${lasting(ms / 1_000)}`;
