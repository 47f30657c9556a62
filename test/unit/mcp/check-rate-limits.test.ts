/** What an agent reads of the limits: whether it can order, how many, and what to ask its user for. */
import { describe, expect, it } from 'vitest';
import type { ImageJobs } from '../../../src/jobs/image-jobs.ts';
import type { Job } from '../../../src/core/job.ts';
import { limitsReport } from '../../../src/limits/limits-report.ts';
import { emptyRateState, REQUEST_WINDOW, type RateWindow } from '../../../src/limits/rate-state.ts';
import { reservationsOfJobs } from '../../../src/limits/reservations.ts';
import type { ToolContext } from '../../../src/mcp/tool.ts';
import { checkRateLimits } from '../../../src/mcp/tools/check-rate-limits.ts';
import { defaultConfig } from '../../support/default-config.ts';
import { createManualClock, MANUAL_CLOCK_START as NOW } from '../../support/manual-clock.ts';
import { sampleJob } from '../core/sample-jobs.ts';

type Known = { budget?: object; balance?: number; window?: RateWindow; jobs?: Job[]; plan?: 'pro' };

async function answered({ budget, balance, window = {}, jobs: ordered = [], plan }: Known = {}) {
  const state = {
    plan: plan ?? ('free' as const),
    planKnown: plan !== undefined,
    requestLimit: window.limit ?? 10,
    reads: { left: null, perWindow: null, refillMs: 0 },
    counting: REQUEST_WINDOW,
    rateState: {
      ...emptyRateState(NOW),
      window,
      ...(balance !== undefined && { balance: { credits: balance, at: NOW } }),
    },
    reservations: reservationsOfJobs(ordered, ({ id }) => id, NOW),
  };
  const jobs = {
    limits: async () => limitsReport(state, { ...defaultConfig(), ...budget }, NOW),
  } as unknown as ImageJobs;
  const context = { jobs: async () => jobs, clock: createManualClock(), sandbox: false };
  const outcome = await checkRateLimits.handle({ refresh: false }, context as unknown as ToolContext);
  if (outcome.type !== 'value') throw new Error('no value');
  expect(checkRateLimits.output?.safeParse(outcome.value).error).toBeUndefined();
  expect(outcome.text.split('\n').at(-1)).toBe(`Next: ${outcome.value.advice}`);
  return { text: outcome.text, value: outcome.value as { advice: string; can_order: { standard: number } } };
}

const spent = (count: number, exact: number): Job[] =>
  Array.from({ length: count }, (_, n) =>
    sampleJob({ id: `j${n}`, state: 'saved', createdAt: NOW, completedAt: NOW, credits: { min: 10, max: 20, exact } }),
  );

it('before anything was ordered, all is there: how many today, how many in a call, and that the plan is assumed', async () => {
  const { text, value } = await answered();
  expect(text.split('\n')).toEqual([
    'Plan: free, assumed until the service reports its request limit; the user can set DOITONG_PLAN.',
    'Requests per minute: 10, 10 left.',
    'Jobs at a time: 1, 0 in use by this machine.',
    'Jobs per day: 100 by the plan, 100 by FLUX_MAX_IMAGES_PER_DAY, 0 used by this machine today (UTC).',
    'Credits: 0 spent by this machine today (UTC) and 0 reserved for running jobs, of a budget of 1,000 a day; at most 500 a call; calls above 100 are confirmed first.',
    'Last known balance: not known.',
    'Earliest next request: 2026-11-01T00:00:00.000Z.',
    "Next: 50 standard or 20 large pictures can still be ordered today, at 10–20 or 10–50 credits each, counted at the higher price; the limit is today's budget. One call can order 25 standard or 10 large pictures.",
  ]);
  expect(value).toEqual({
    plan: 'free',
    plan_known: false,
    can_order: { standard: 25, large: 10, limited_by: 'max_per_call' },
    requests: { limit: 10, remaining: 10, source: 'plan' },
    concurrent: { limit: 1, in_use: 0 },
    daily: { limit: 100, used: 0 },
    images_today: { limit: 100, used: 0 },
    credits: { spent_today: 0, budget_per_day: 1_000, reserved: 0, max_per_call: 500, confirm_above: 100, low: false },
    next_request_at: '2026-11-01T00:00:00.000Z',
    advice: expect.stringContaining('50 standard or 20 large'),
  });
});

it('of a plan that is known says nothing of an assumption', async () => {
  const { text } = await answered({ plan: 'pro', window: { limit: 60, remaining: 59, resetsAt: NOW + 60_000 } });
  expect(text).toMatch(/^Plan: pro\.\nRequests per minute: 60 \(reported by the service\), 59 left, resets at /u);
});

describe('when nothing can be ordered', () => {
  it.each<[string, Known, string, string]>([
    ['the budget is used up', { jobs: spent(50, 19.8) }, "today's budget", 'raise FLUX_MAX_CREDITS_PER_DAY'],
    [
      'the pictures of the day are',
      { jobs: spent(3, 10), budget: { maxImagesPerDay: 3 } },
      'FLUX_MAX_IMAGES_PER_DAY',
      'raise FLUX_MAX_IMAGES_PER_DAY',
    ],
    [
      "the plan's day is",
      { jobs: spent(100, 1), budget: { maxImagesPerDay: 1_000 } },
      "the plan's jobs per day",
      'set DOITONG_PLAN if the plan is larger',
    ],
    [
      'the balance is nothing',
      { balance: 0 },
      'the last known balance',
      'top up at Doitong; only an order shows the new balance.',
    ],
    [
      'a call may cost too little',
      { budget: { maxCreditsPerCall: 19 } },
      'FLUX_MAX_CREDITS_PER_CALL',
      'FLUX_MAX_CREDITS_PER_CALL',
    ],
  ])('because %s, that is said with what the user can do', async (_, known, limit, remedy) => {
    const { text, value } = await answered(known);
    expect(value.can_order.standard).toBe(0);
    expect(value.advice).toContain(
      `No picture can be ordered now, at up to 20 credits: the limit is ${limit}. Ask the user to `,
    );
    expect(value.advice).toContain(remedy);
    expect(text).not.toMatch(/can still be ordered|can be ordered now[^,]/u);
  });

  it('because the service demands a pause, that is said with its end', async () => {
    const { value } = await answered({ window: { pausedUntil: NOW + 600_000 } });
    expect(value.advice).toBe('Wait until 2026-11-01T00:10:00.000Z before you send another request.');
  });
});

describe('what can be ordered', () => {
  it('comes with a warning when the balance is low', async () => {
    const { text, value } = await answered({ balance: 60 });
    expect(value.advice).toBe(
      '3 standard or 1 large pictures can still be ordered today, at 10–20 or 10–50 credits each, counted at the higher price; the limit is the last known balance. Tell the user that the credits are running low.',
    );
    expect(text).toContain('Last known balance: 60 credits (low).');
  });
});
