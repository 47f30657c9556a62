/** The tool that reports plan, limits, budget and credits; it asks the service only on request. */
import * as z from 'zod';
import type { CreditRange } from '../../core/image-request.ts';
import { type Limit, type LimitsReport, PRICES } from '../../limits/limits-report.ts';
import { PLANS } from '../../limits/plan.ts';
import { iso, joined, present } from '../job-view.ts';
import { defineTool } from '../tool.ts';
import { grouped } from '../words/times.ts';

const limit = z.int().optional();

const output = z.strictObject({
  plan: z.enum(PLANS),
  plan_known: z.boolean(),
  can_order: z.strictObject({ standard: z.int(), large: z.int(), limited_by: z.string() }),
  requests: z.strictObject({
    limit,
    remaining: z.int().optional(),
    resets_at: z.string().optional(),
    source: z.enum(['headers', 'plan']),
  }),
  concurrent: z.strictObject({ limit, in_use: z.int() }),
  daily: z.strictObject({ limit, used: z.int() }),
  images_today: z.strictObject({ limit: z.int(), used: z.int() }),
  credits: z.strictObject({
    spent_today: z.number(),
    budget_per_day: z.number(),
    reserved: z.number(),
    max_per_call: z.number(),
    confirm_above: z.number(),
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
    'Returns how many pictures can be ordered now, the plan, its limits and their use, credits spent and reserved ' +
    'today, the budget, the last known balance, and when the next request may be sent. Use it before you order several ' +
    'pictures, or after a rate_limited, over_budget or no_credits error. Costs nothing. What is not known or not ' +
    'limited is absent.',
  effect: 'read',
  input: z.strictObject({
    refresh: z.boolean().default(false).describe('Ask the service first: one request, no credits. Default: false.'),
  }),
  output,
  async handle(args, context) {
    const report = await (await context.jobs()).limits(args.refresh ? context.signal : undefined);
    const value = limitsView(report);
    return { type: 'value', value, text: text(value, context.sandbox) };
  },
});

type LimitsView = z.output<typeof output>;

/** Times in ISO 8601, UTC; absent values are absent. */
export function limitsView(report: LimitsReport): LimitsView {
  const { plan, planKnown, canOrder, requests, concurrent, daily, images, credits, nextRequestAt } = report;
  const { resetsAt, ...requestLimit } = requests;
  return present<LimitsView>({
    plan,
    plan_known: planKnown,
    can_order: { standard: canOrder.standard, large: canOrder.large, limited_by: canOrder.limitedBy },
    requests: { ...requestLimit, resets_at: resetsAt === null ? null : iso(resetsAt) },
    concurrent: { limit: concurrent.limit, in_use: concurrent.inUse },
    daily,
    images_today: images,
    credits: {
      spent_today: credits.spentToday,
      budget_per_day: credits.budgetPerDay,
      reserved: credits.reserved,
      max_per_call: credits.maxPerCall,
      confirm_above: credits.confirmAbove,
      last_known_balance: credits.lastKnownBalance,
      low: credits.low,
    },
    next_request_at: iso(nextRequestAt),
    advice: advice(report),
  });
}

function text(view: LimitsView, sandbox: boolean): string {
  const { requests, concurrent, daily, images_today: images, credits } = view;
  const left = requests.remaining === undefined ? '' : `, ${requests.remaining} left`;
  const reset = requests.resets_at === undefined ? '' : `, resets at ${requests.resets_at}`;
  const balance = credits.last_known_balance === undefined ? 'not known' : `${credits.last_known_balance} credits`;
  return joined(
    '\n',
    `Plan: ${view.plan}${view.plan_known ? '' : ', assumed until the service reports its request limit; the user can set DOITONG_PLAN'}.`,
    `Requests per minute: ${figure(requests.limit)}${requests.source === 'headers' ? ' (reported by the service)' : ''}${left}${reset}.`,
    `Jobs at a time: ${figure(concurrent.limit)}, ${concurrent.in_use} in use by this machine.`,
    `Jobs per day: ${figure(daily.limit)} by the plan, ${images.limit} by FLUX_MAX_IMAGES_PER_DAY, ${images.used} used by this machine today (UTC).`,
    `Credits: ${credits.spent_today} spent by this machine today (UTC) and ${credits.reserved} reserved for running jobs, of a budget of ${grouped(credits.budget_per_day)} a day; at most ${grouped(credits.max_per_call)} a call; calls above ${grouped(credits.confirm_above)} are confirmed first.`,
    `Last known balance: ${balance}${credits.low ? ' (low)' : ''}.`,
    `Earliest next request: ${view.next_request_at}.`,
    sandbox && 'Sandbox: these are test limits and test credits; no real credits are spent.',
    `Next: ${view.advice}`,
  );
}

/** What each limit is called, and what helps when it allows no picture at all. */
const LIMITS: Readonly<Record<Limit, readonly [name: string, remedy: string]>> = {
  requests: ['a pause that the service demands', ''],
  budget_per_day: [
    "today's budget",
    'Ask the user to raise FLUX_MAX_CREDITS_PER_DAY and restart the server, or order more tomorrow (UTC).',
  ],
  images_today: [
    'FLUX_MAX_IMAGES_PER_DAY',
    'Ask the user to raise FLUX_MAX_IMAGES_PER_DAY and restart the server, or order more tomorrow (UTC).',
  ],
  daily: [
    "the plan's jobs per day",
    'Ask the user to set DOITONG_PLAN if the plan is larger and restart the server, or order tomorrow (UTC).',
  ],
  last_known_balance: [
    'the last known balance',
    'Ask the user to top up at Doitong; only an order shows the new balance.',
  ],
  max_per_call: [
    'FLUX_MAX_CREDITS_PER_CALL',
    'Ask the user to raise FLUX_MAX_CREDITS_PER_CALL and restart the server.',
  ],
};

function advice({ canOrder, canOrderToday: today, credits, nextRequestAt }: LimitsReport): string {
  const { standard, large } = PRICES;
  const [name, remedy] = LIMITS[canOrder.limitedBy];
  if (canOrder.limitedBy === 'requests') return `Wait until ${iso(nextRequestAt)} before you send another request.`;
  if (canOrder.standard === 0)
    return `No picture can be ordered now, at up to ${standard.max} credits: the limit is ${name}. ${remedy}`;
  return joined(
    ' ',
    `${counts(today)} can still be ordered today, at ${range(standard)} or ${range(large)} credits each, counted at the higher price; the limit is ${LIMITS[today.limitedBy][0]}.`,
    counts(canOrder) !== counts(today) && `One call can order ${counts(canOrder)}.`,
    credits.low && 'Tell the user that the credits are running low.',
  );
}

const range = ({ min, max }: CreditRange): string => `${min}–${max}`;

const counts = ({ standard, large }: LimitsReport['canOrder']): string =>
  `${standard} standard or ${large} large pictures`;

const figure = (value: number | undefined): string => (value === undefined ? 'no fixed limit' : String(value));
