/** What `doctor` reads in the state folder: the job records, the budget, and a pause that is in force. */
import type { Config } from '../config/settings.ts';
import { creditRange } from '../core/image-request.ts';
import { isSettled, type Job } from '../core/job.ts';
import { type LimitsReport, limitsReport } from '../limits/limits-report.ts';
import type { LimitsState } from '../limits/limits.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';
import { counted } from './terminal-text.ts';

const FIND_UNKNOWN =
  'Look for them in the account at Doitong (flux-pro-mcp jobs list --status unknown): they may be paid for.';
const CHECK_DAMAGED = 'Check the damaged records, which may belong to paid jobs, then remove them.';

/** @param now epoch milliseconds */
export function recordsCheck(
  jobs: readonly Job[],
  damaged: { folder: string; count: number },
  stalledAfterMs: number,
  now: number,
): Check {
  const open = jobs.filter((job) => !isSettled(job));
  const unknown = open.filter(({ state }) => state === 'unknown').length;
  const stalled = open.filter((job) => job.state !== 'unknown' && now - job.createdAt >= stalledAfterMs).length;
  const problems = [
    { count: stalled, what: 'of them for long', remedy: 'Resume the unfinished jobs with: flux-pro-mcp jobs resume.' },
    { count: unknown, what: 'of unknown outcome', remedy: FIND_UNKNOWN },
    { count: damaged.count, what: `damaged set aside in ${damaged.folder}`, remedy: CHECK_DAMAGED },
  ].filter(({ count }) => count > 0);
  const figures = [`${open.length - unknown} unfinished`, ...problems.map(({ count, what }) => `${count} ${what}`)];
  const found = `${counted(jobs.length, 'job')}, ${figures.join(', ')}`;
  if (problems.length === 0) return ok('records', found);
  return warn('records', found, problems.map(({ remedy }) => remedy).join(' '));
}

/** The smallest picture. */
const CHEAPEST = creditRange(256, 256);
const NEXT_DAY = 'Wait for the next day (UTC), or';

type Budget = Parameters<typeof limitsReport>[1] & Pick<Config, 'maxCreditsPerCall'>;

export function budgetChecks(state: LimitsState, budget: Budget, now: number): Check[] {
  const report = limitsReport(state, budget, now);
  return [budgetCheck(report, budget), ...balanceCheck(report)];
}

function budgetCheck({ credits, daily, images }: LimitsReport, { maxCreditsPerCall }: Budget): Check {
  const left = Math.max(0, credits.budgetPerDay - credits.spentToday - credits.reserved);
  const picturesLeft = Math.max(0, images.budgetPerDay - daily.used);
  const found =
    `${left} of ${credits.budgetPerDay} credits left today (UTC; ${credits.spentToday} spent, ${credits.reserved} ` +
    `reserved), ${picturesLeft} of ${images.budgetPerDay} pictures, ${maxCreditsPerCall} credits a call`;
  const price = `${found}; the smallest picture may cost ${CHEAPEST.max}`;
  if (left < CHEAPEST.max) return fail('budget', price, `${NEXT_DAY} raise FLUX_MAX_CREDITS_PER_DAY.`);
  if (picturesLeft === 0) return fail('budget', found, `${NEXT_DAY} raise FLUX_MAX_IMAGES_PER_DAY.`);
  if (maxCreditsPerCall < CHEAPEST.max) return fail('budget', price, 'Raise FLUX_MAX_CREDITS_PER_CALL.');
  if (daily.limit === null || daily.used < daily.limit) return ok('budget', found);
  const used = `the plan allows ${daily.limit} pictures a day, and ${daily.used} were ordered`;
  return fail('budget', used, `${NEXT_DAY} set DOITONG_PLAN if the plan is larger.`);
}

/** The service reports the balance with a refusal alone: it may have been topped up since. */
function balanceCheck({ credits: { lastKnownBalance: balance, low } }: LimitsReport): Check[] {
  if (balance === null) return [];
  const found = `${balance} credits at Doitong, as last reported`;
  return [
    low ? warn('balance', found, 'Top up the credits at Doitong, unless that was done since.') : ok('balance', found),
  ];
}
