/** The tool that reports plan, limits, budget and credits; it asks the service only on request. */
import * as z from 'zod';
import { creditRange, SIDE_PX } from '../../core/image-request.ts';
import type { LimitsReport } from '../../limits/limits-report.ts';
import { PLANS } from '../../limits/plan.ts';
import { iso, joined, present } from '../job-view.ts';
import { defineTool } from '../tool.ts';

const limit = z.int().optional();

const output = z.strictObject({
  plan: z.enum(PLANS),
  requests: z.strictObject({
    limit,
    remaining: z.int().optional(),
    resets_at: z.string().optional(),
    source: z.enum(['headers', 'plan']),
  }),
  concurrent: z.strictObject({ limit, in_use: z.int() }),
  daily: z.strictObject({ limit, used: z.int() }),
  credits: z.strictObject({
    spent_today: z.number(),
    budget_per_day: z.number(),
    reserved: z.number(),
    last_known_balance: z.number().optional(),
    low: z.boolean(),
  }),
  next_request_at: z.string(),
  advice: z.string(),
});

export const checkRateLimits = defineTool({
  name: 'check_rate_limits',
  title: 'Check rate limits and credits',
  description:
    'Returns the plan, its limits and their use, credits spent and reserved today, the budget, the last known balance, ' +
    'and when the next request may be sent. Use it before you order several pictures, or after a rate_limited, ' +
    'over_budget or no_credits error. Costs nothing; sends nothing to the service unless refresh is true. What is not ' +
    'known or not limited is absent.',
  effect: 'read',
  input: z.strictObject({
    refresh: z
      .boolean()
      .default(false)
      .describe('Ask the service for current figures first: one request, no credits. Default: false.'),
  }),
  output,
  async handle(args, context) {
    const report = await (await context.jobs()).limits(args.refresh ? context.signal : undefined);
    const value = limitsView(report, context.clock.now());
    return { type: 'value', value, text: text(value, context.sandbox) };
  },
});

type LimitsView = z.output<typeof output>;

/** Times in ISO 8601, UTC; absent values are absent. */
export function limitsView(report: LimitsReport, now: number): LimitsView {
  const { plan, requests, concurrent, daily, credits, nextRequestAt } = report;
  const { resetsAt, ...requestLimit } = requests;
  return present<LimitsView>({
    plan,
    requests: { ...requestLimit, resets_at: resetsAt === null ? null : iso(resetsAt) },
    concurrent: { limit: concurrent.limit, in_use: concurrent.inUse },
    daily,
    credits: {
      spent_today: credits.spentToday,
      budget_per_day: credits.budgetPerDay,
      reserved: credits.reserved,
      last_known_balance: credits.lastKnownBalance,
      low: credits.low,
    },
    next_request_at: iso(nextRequestAt),
    advice: advice(report, now),
  });
}

function text({ plan, requests, concurrent, daily, credits, ...value }: LimitsView, sandbox: boolean): string {
  const left = requests.remaining === undefined ? '' : `, ${requests.remaining} left`;
  const reset = requests.resets_at === undefined ? '' : `, resets at ${requests.resets_at}`;
  const balance = credits.last_known_balance === undefined ? 'not known' : `${credits.last_known_balance} credits`;
  return joined(
    '\n',
    `Plan: ${plan}; its request limit ${requests.source === 'headers' ? 'was reported by the service' : 'comes from the table of the plan'}.`,
    `Requests per minute: ${figure(requests.limit)}${left}${reset}.`,
    `Jobs at a time: ${figure(concurrent.limit)}, ${concurrent.in_use} in use by this machine.`,
    `Jobs per day: ${figure(daily.limit)}, ${daily.used} used by this machine today (UTC).`,
    `Credits: ${credits.spent_today} spent by this machine today (UTC) and ${credits.reserved} reserved for running jobs, of a budget of ${credits.budget_per_day} a day.`,
    `Last known balance: ${balance}${credits.low ? ' (low)' : ''}.`,
    `Next request: not before ${value.next_request_at}.`,
    sandbox && 'Sandbox: these are test limits and test credits; no real credits are spent.',
    `Next: ${value.advice}`,
  );
}

function advice(report: LimitsReport, now: number): string {
  const { concurrent, daily, credits, images } = report;
  const left = credits.budgetPerDay - credits.spentToday - credits.reserved;
  if (left < creditRange(SIDE_PX.min, SIDE_PX.min).max)
    return `Today's budget has ${Math.max(0, left)} credits left, less than a picture may cost. Ask the user to raise FLUX_MAX_CREDITS_PER_DAY, or order more tomorrow (UTC).`;
  if (daily.used >= images.budgetPerDay)
    return "All pictures that today's limit allows are used up. Ask the user to raise FLUX_MAX_IMAGES_PER_DAY, or order more tomorrow (UTC).";
  if (daily.limit !== null && daily.used >= daily.limit)
    return 'All jobs that the plan allows per day are used up. Order more tomorrow.';
  if (report.nextRequestAt > now) return `Wait until ${iso(report.nextRequestAt)}: no request may be sent before.`;
  if (concurrent.limit !== null && concurrent.inUse >= concurrent.limit)
    return 'A picture can be ordered; it will be sent when a running job has finished.';
  return credits.low
    ? 'A picture can be ordered now. Tell the user that the credits are running low.'
    : 'A picture can be ordered now.';
}

const figure = (value: number | undefined): string => (value === undefined ? 'no fixed limit' : String(value));
