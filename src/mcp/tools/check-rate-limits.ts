/** The tool that tells plan, limits, budget and credits; it asks the service only when told to. */
import * as z from 'zod';
import { creditRange } from '../../core/credits.ts';
import { SIDE_MIN_PX } from '../../core/image-request.ts';
import { PLANS } from '../../core/plan.ts';
import type { LimitsReport } from '../../jobs/limits-report.ts';
import { defineTool } from '../tool.ts';

const limit = z.int().nullable().describe('null: the plan sets none');

const output = z.strictObject({
  plan: z.enum(PLANS),
  requests: z.strictObject({
    limit,
    remaining: z.int().optional().describe('that may leave now; absent: no limit is known'),
    resets_at: z.string().optional().describe('ISO 8601; absent: not told by the service yet'),
    source: z.enum(['headers', 'plan']),
  }),
  concurrent: z.strictObject({ limit, in_use: z.int() }),
  daily: z.strictObject({ limit, used: z.int() }),
  credits: z.strictObject({
    spent_today: z.number(),
    budget_per_day: z.number(),
    reserved: z.number().describe('for jobs whose exact price is not known yet'),
    last_known_balance: z.number().optional().describe('absent: not told by the service yet'),
    low: z.boolean().describe('the last known balance is below the alert'),
  }),
  next_request_at: z.string().describe('ISO 8601'),
  advice: z.string(),
});

export const checkRateLimits = defineTool({
  name: 'check_rate_limits',
  title: 'Check rate limits and credits',
  description:
    'Tells the plan, its limits (requests per minute, jobs at a time, jobs per day), how much of them is in use, the ' +
    'credits spent and reserved with this key from this machine today, the budget, and when the next request may ' +
    'leave. Use it before ordering several pictures, or after a rate_limited, over_budget or no_credits error. Costs ' +
    "no credits. It answers from what the service's last answers told, and from the plan's table until then, and " +
    'sends nothing; with refresh it sends one request for the newest figures.',
  effect: 'read',
  input: z.strictObject({
    refresh: z
      .boolean()
      .default(false)
      .describe('Ask the service for the newest figures first: one request, no credits.'),
  }),
  output,
  async handle(args, context) {
    const report = await (await context.jobs()).limits(args.refresh ? context.signal : undefined);
    const value = limitsView(report, context.now());
    return { type: 'value', value, text: text(value, context.sandbox) };
  },
});

type LimitsView = z.output<typeof output>;

/** Times in ISO 8601, UTC; absent values are absent. */
export function limitsView(report: LimitsReport, now: number): LimitsView {
  const { requests, credits } = report;
  return {
    plan: report.plan,
    requests: {
      limit: requests.limit,
      ...(requests.remaining === null ? {} : { remaining: requests.remaining }),
      ...(requests.resetsAt === null ? {} : { resets_at: iso(requests.resetsAt) }),
      source: requests.source,
    },
    concurrent: { limit: report.concurrent.limit, in_use: report.concurrent.inUse },
    daily: report.daily,
    credits: {
      spent_today: credits.spentToday,
      budget_per_day: credits.budgetPerDay,
      reserved: credits.reserved,
      ...(credits.lastKnownBalance === null ? {} : { last_known_balance: credits.lastKnownBalance }),
      low: credits.low,
    },
    next_request_at: iso(report.nextRequestAt),
    advice: advice(report, now),
  };
}

function text(value: LimitsView, sandbox: boolean): string {
  const { requests, concurrent, daily, credits } = value;
  const left = requests.remaining === undefined ? '' : `, ${requests.remaining} left`;
  const reset = requests.resets_at === undefined ? '' : `, resets at ${requests.resets_at}`;
  const balance = credits.last_known_balance === undefined ? 'not known' : `${credits.last_known_balance} credits`;
  return [
    `Plan: ${value.plan}; its request limit ${requests.source === 'headers' ? 'was told by the service' : "is from the plan's table"}.`,
    `Requests per minute: ${figure(requests.limit)}${left}${reset}.`,
    `Jobs at a time: ${figure(concurrent.limit)}, ${concurrent.in_use} in use from this machine.`,
    `Jobs per day: ${figure(daily.limit)}, ${daily.used} used from this machine today (UTC).`,
    `Credits: ${credits.spent_today} spent from this machine today (UTC), ${credits.reserved} reserved for running jobs, of a budget of ${credits.budget_per_day} a day.`,
    `Last known balance: ${balance}${credits.low ? ' (low)' : ''}.`,
    `Next request: from ${value.next_request_at} on.`,
    ...(sandbox ? ['Sandbox: these are test limits and test credits; no real credits are spent.'] : []),
    `Next: ${value.advice}`,
  ].join('\n');
}

/** The cheapest picture by the price list. */
const CHEAPEST_MAX_CREDITS = creditRange(SIDE_MIN_PX, SIDE_MIN_PX).max;

function advice(report: LimitsReport, now: number): string {
  const { concurrent, daily, credits, images } = report;
  const left = credits.budgetPerDay - credits.spentToday - credits.reserved;
  if (left < CHEAPEST_MAX_CREDITS)
    return `Today's budget has ${Math.max(0, left)} credits left, less than a picture may cost; ask the user to raise FLUX_MAX_CREDITS_PER_DAY, or order more tomorrow (UTC).`;
  if (daily.used >= images.budgetPerDay)
    return "Today's pictures are used up; ask the user to raise FLUX_MAX_IMAGES_PER_DAY, or order more tomorrow (UTC).";
  if (daily.limit !== null && daily.used >= daily.limit)
    return "The plan's daily jobs are used up; order more tomorrow.";
  if (report.nextRequestAt > now) return `Wait until ${iso(report.nextRequestAt)}: no request may leave before.`;
  if (concurrent.limit !== null && concurrent.inUse >= concurrent.limit)
    return 'A picture can be ordered; it is sent when a running job has finished.';
  return credits.low
    ? 'A picture can be ordered now. Tell the user that credits run low.'
    : 'A picture can be ordered now.';
}

const figure = (value: number | null): string => (value === null ? 'no fixed limit' : String(value));
const iso = (epochMs: number): string => new Date(epochMs).toISOString();
