/** What `doctor` reads in the state folder: the job records, the budget, and a pause that is in force. */
import { OBEYED_DELAY_MAX_MS } from '../core/back-off.ts';
import { creditRange } from '../core/credits.ts';
import { isSettled, type Job } from '../core/job.ts';
import { type LimitsReport, limitsReport } from '../limits/limits-report.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

export type Damaged = { folder: string; count: number };

/** @param now epoch milliseconds */
export function recordsCheck(jobs: readonly Job[], damaged: Damaged, stalledAfterMs: number, now: number): Check {
  const count = (fits: (job: Job) => boolean): number => jobs.filter(fits).length;
  const unknown = count(({ state }) => state === 'unknown');
  const unfinished = count((job) => !isSettled(job)) - unknown;
  const stalled = count((job) => !isSettled(job) && job.state !== 'unknown' && now - job.createdAt >= stalledAfterMs);
  const found = [
    jobs.length === 1 ? '1 job' : `${jobs.length} jobs`,
    `${unfinished} unfinished${stalled === 0 ? '' : ` (${stalled} for long)`}`,
    ...(unknown === 0 ? [] : [`${unknown} of unknown outcome`]),
    ...(damaged.count === 0 ? [] : [`${damaged.count} damaged set aside in ${damaged.folder}`]),
  ].join(', ');
  const remedies = [
    ...(stalled === 0 ? [] : ['Resume the unfinished jobs with: flux-pro-mcp jobs resume.']),
    ...(unknown === 0
      ? []
      : ['Look for them in the account at Doitong (flux-pro-mcp jobs list --status unknown): they may be paid for.']),
    ...(damaged.count === 0 ? [] : ['Check the damaged records, which may belong to paid jobs, then remove them.']),
  ];
  return remedies.length === 0 ? ok('records', found) : warn('records', found, remedies.join(' '));
}

/** The smallest picture. */
const CHEAPEST = creditRange(256, 256);

export type BudgetOptions = Parameters<typeof limitsReport>[1];

export function budgetChecks(state: Parameters<typeof limitsReport>[0], budget: BudgetOptions, now: number): Check[] {
  const report = limitsReport(state, budget, now);
  return [budgetCheck(report, budget), ...balanceCheck(report, state.rateState.balance?.at), pauseCheck(report, now)];
}

function budgetCheck({ credits, daily, images }: LimitsReport, { maxCreditsPerCall }: BudgetOptions): Check {
  const left = Math.max(0, credits.budgetPerDay - credits.spentToday - credits.reserved);
  const picturesLeft = Math.max(0, images.budgetPerDay - daily.used);
  const found =
    `${left} of ${credits.budgetPerDay} credits left today (UTC; ${credits.spentToday} spent, ${credits.reserved} ` +
    `reserved), ${picturesLeft} of ${images.budgetPerDay} pictures, ${maxCreditsPerCall} credits a call`;
  const next = 'Wait for the next day (UTC), or raise';
  if (left < CHEAPEST.max) {
    return fail(
      'budget',
      `${found}; the smallest picture may cost ${CHEAPEST.max}`,
      `${next} FLUX_MAX_CREDITS_PER_DAY.`,
    );
  }
  if (picturesLeft === 0) return fail('budget', found, `${next} FLUX_MAX_IMAGES_PER_DAY.`);
  if (maxCreditsPerCall < CHEAPEST.max) {
    const refused = `${found}; the smallest picture may cost ${CHEAPEST.max}`;
    return fail('budget', refused, 'Raise FLUX_MAX_CREDITS_PER_CALL.');
  }
  if (daily.limit !== null && daily.used >= daily.limit) {
    const used = `the plan allows ${daily.limit} pictures a day, and ${daily.used} were ordered`;
    return fail('budget', used, 'Wait for the next day (UTC), or set DOITONG_PLAN if the plan is larger.');
  }
  return ok('budget', found);
}

/** The service reports the balance with a refusal alone: it may have been topped up since. */
function balanceCheck({ credits }: LimitsReport, at: number | undefined): Check[] {
  const { lastKnownBalance: balance, low } = credits;
  if (balance === null) return [];
  const found = `${balance} credits at Doitong, as last told${at === undefined ? '' : ` at ${new Date(at).toISOString()}`}`;
  if (!low) return [ok('balance', found)];
  const little = balance < CHEAPEST.min ? ', too few for any picture' : '';
  return [warn('balance', `${found}${little}`, 'Top up the credits at Doitong, unless that was done since.')];
}

function pauseCheck({ concurrent, nextRequestAt, requests }: LimitsReport, now: number): Check {
  const slots = `${concurrent.inUse} of ${concurrent.limit ?? 'any number of'} places for jobs in use`;
  const waitMs = nextRequestAt - now;
  if (waitMs > 0) {
    const found = `${slots}; no request may leave for ${Math.ceil(waitMs / 1_000)} s`;
    const remedy = `Wait until ${new Date(nextRequestAt).toISOString()}: the service asked for it, or the limit is used up.`;
    return waitMs > OBEYED_DELAY_MAX_MS ? fail('limits', found, remedy) : warn('limits', found, remedy);
  }
  const left = requests.remaining === null ? '' : `, ${requests.remaining} requests may leave now`;
  if (concurrent.limit !== null && concurrent.inUse >= concurrent.limit) {
    return warn(
      'limits',
      `${slots}${left}`,
      'The next order waits for a place: flux-pro-mcp jobs list shows the jobs.',
    );
  }
  return ok('limits', `${slots}${left}`);
}
