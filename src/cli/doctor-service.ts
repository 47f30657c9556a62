/** What `doctor` says of the service: each finding as a line, with the remedy where there is one. */
import type { Config } from '../config/settings.ts';
import type { Failure } from '../core/failure.ts';
import type { Reach, ReachStage, ReportedLimits, ResetForm, ServiceReport } from '../core/service-report.ts';
import { PLAN_LIMITS, planOfRequestLimit } from '../limits/plan.ts';
import { planOf } from '../limits/rate-state.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';
import { orderingChecks, readingCheck } from './doctor-wire.ts';
import { remedyFor } from './failure-words.ts';

export type ServiceOptions = Pick<Config, 'apiUrl' | 'plan' | 'webhookUrl'> & { now: number };

/** What could not be looked into has no line: the line that says why comes first. */
export function serviceChecks(report: ServiceReport, options: ServiceOptions): Check[] {
  const { reach, key, schema } = report;
  const checks = [reachCheck(reach, options)];
  if (reach.type === 'unreachable' || reach.type === 'paused') return checks;
  checks.push(...clockChecks(report.clockAheadMs));
  if (reach.type === 'strange') return checks;
  checks.push(planCheck(report.limits, options));
  if (reach.type === 'refused') return checks;
  if (key.type === 'refused') checks.push(refusedKey(key.failure));
  else if (key.type !== 'unknown') checks.push(ok('authorization', KEY_TEXTS[key.type]));
  if (schema !== 'unknown') checks.push(ok('schema', SCHEMA_TEXTS[schema]));
  checks.push(...orderingChecks(report.ordering, options.webhookUrl !== undefined), ...readingCheck(report.reading));
  return checks;
}

const KEY_TEXTS = {
  accepted: 'the key is accepted: a job was asked for with it',
  not_refused: 'the key is not refused; for jobs it could not be tried',
} as const;

const SCHEMA_TEXTS = {
  told: 'the service tells its schema: orders are checked against it',
  withheld: 'the service does not tell its schema: the documented ways are tried in their order',
  no_graphql: 'there is no /graphql: the service is asked by REST',
} as const;

const CHECK_URL = 'check that DOITONG_API_URL is the address of the Doitong API';

const REMEDIES: Readonly<Record<ReachStage, string>> = {
  name: `Check the network connection and its name service, and ${CHECK_URL}.`,
  connection: `Check the network connection and the firewall, and ${CHECK_URL}.`,
  encryption: `Check that no program on the way replaces certificates (NODE_EXTRA_CA_CERTS names one that you trust) and that this machine's date is right, and ${CHECK_URL}.`,
  time: 'Check the network connection and the firewall, and the status of the Doitong service; then run doctor again.',
  other: `Check the network connection, and ${CHECK_URL}.`,
};

function reachCheck(reach: Reach, { apiUrl, now }: ServiceOptions): Check {
  switch (reach.type) {
    case 'reached': {
      const found = `${apiUrl} answers (${Math.round(reach.tookMs)} ms)`;
      const { firstFailure } = reach;
      if (firstFailure === undefined) return ok('service', found);
      const remedy =
        'If this happens again, check what stands between this machine and the service (a proxy, a gateway).';
      return warn(
        'service',
        `${found}, but only to the second try. The first: ${saidOf(firstFailure.failure).what}${kindOf(firstFailure.mediaType)}`,
        remedy,
      );
    }
    case 'unreachable':
      return fail(
        'service',
        `${apiUrl} (${reach.stage === 'other' ? 'connection' : reach.stage}): ${saidOf(reach.failure).what}`,
        REMEDIES[reach.stage],
      );
    case 'strange':
      return fail(
        'service',
        `${apiUrl}: ${saidOf(reach.failure).what}${kindOf(reach.mediaType)}`,
        strangeRemedy(reach),
      );
    case 'refused':
      return warn(
        'service',
        `${apiUrl}: ${saidOf(reach.failure).what}`,
        `${waitText(reach.failure)}, then run doctor again.`,
      );
    case 'paused': {
      const seconds = Math.ceil(Math.max(0, reach.until - now) / 1_000);
      const found = `${apiUrl} was not asked: no request may leave for ${seconds} s, by the limit or by the service's wish`;
      return warn('service', found, `Wait ${seconds} s, then run doctor again.`);
    }
    default:
      return reach satisfies never;
  }
}

const kindOf = (mediaType: string | undefined): string =>
  mediaType === undefined || mediaType.includes('json') ? '' : ` It came as ${mediaType}, not as JSON.`;

function strangeRemedy({ failure, mediaType }: Reach & { type: 'strange' }): string {
  if (mediaType?.includes('html')) {
    return `A proxy, a gateway or a sign-in page answers in place of the API: check what stands between this machine and the service, and ${CHECK_URL}.`;
  }
  if (failure.kind === 'service_error') {
    return 'Check the status of the Doitong service and run doctor again later.';
  }
  return remedyFor(failure);
}

const waitText = ({ retryAfterSeconds: seconds }: Failure): string =>
  seconds === undefined ? 'Wait a minute' : `Wait ${seconds} s`;

function refusedKey(failure: Failure): Check {
  const remedy =
    'Set DOITONG_API_KEY or DOITONG_API_KEY_FILE to a valid key of this account, and restart the servers that use it.';
  return fail('authorization', saidOf(failure).what, remedy);
}

/** More than a slow network, so that somebody should know. */
const CLOCK_WARN_MS = 2 * 60_000;

function clockChecks(aheadMs: number | undefined): Check[] {
  if (aheadMs === undefined) return [ok('clock', 'the service tells no time: this clock is taken for right')];
  if (aheadMs === 0) return [ok('clock', 'the same as at the service')];
  const size = Math.abs(aheadMs);
  const amount = size < 120_000 ? `${Math.round(size / 1_000)} s` : `${Math.round(size / 60_000)} min`;
  const found = `the service's clock is ${amount} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one; times are corrected for that`;
  if (size <= CLOCK_WARN_MS) return [ok('clock', found)];
  return [warn('clock', found, "Set this machine's clock by a time server, if it is the wrong one of the two.")];
}

const FORMS: Readonly<Record<ResetForm, string>> = {
  epoch_seconds: 'reset in epoch seconds',
  epoch_milliseconds: 'reset in epoch milliseconds',
  seconds_from_now: 'reset in seconds from now',
  date: 'reset as a date',
  unreadable: 'reset in a form that is not understood, so that this program counts by itself',
};

const slotsText = (jobs: number | null): string => (jobs === 1 ? '1 job' : `${jobs ?? 'any number of'} jobs`);

function planCheck({ limit, remaining, resetForm }: ReportedLimits, { plan: configured }: ServiceOptions): Check {
  const plan = planOf(configured, limit);
  const { requestsPerMinute, concurrentJobs } = PLAN_LIMITS[plan];
  const says = `${plan}: ${limit ?? requestsPerMinute ?? 'any number of'} requests a minute, ${slotsText(concurrentJobs)} at a time`;
  if (limit === undefined) {
    const found = `${says}, by the plan's table: the answers tell no limit`;
    if (configured !== 'auto') return ok('plan', found);
    return warn('plan', found, 'Set DOITONG_PLAN to your plan if it is larger than free.');
  }
  const form = resetForm === undefined ? 'no reset told' : FORMS[resetForm];
  const found = `${says}, as the answers tell (${remaining ?? 'unknown'} left; ${form})`;
  const reported = planOfRequestLimit(limit);
  if (configured === 'auto' || reported === configured || configured === 'enterprise') return ok('plan', found);
  return warn('plan', `${found}; that limit is of the plan ${reported}`, `Set DOITONG_PLAN to auto or ${reported}.`);
}
