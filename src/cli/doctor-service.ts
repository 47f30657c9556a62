/** What `doctor` says of the service: each finding as a line, with the remedy where there is one. */
import type { Config } from '../config/settings.ts';
import type { OrderingFinding, ReadingFinding, ServiceReport } from '../core/image-provider.ts';
import { PLAN_LIMITS } from '../limits/plan.ts';
import { planOf } from '../limits/rate-state.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { type Check, fail, ok, remedyFor, warn } from './remedies.ts';

/** What could not be looked into has no line: the line that says why comes first. */
export function serviceChecks(report: ServiceReport, { apiUrl, plan }: Pick<Config, 'apiUrl' | 'plan'>): Check[] {
  if (!report.reached) {
    const check = report.failure.kind === 'rate_limited' ? warn : fail;
    return [check('service', `${apiUrl}: ${saidOf(report.failure).what}`, remedyFor(report.failure))];
  }
  const { tookMs, keyRefused, schema, ordering, reading } = report;
  return [
    ok('service', `${apiUrl} answers (${Math.round(tookMs)} ms)`),
    clockCheck(report.clockAheadMs),
    planCheck(report.limits, plan),
    ...(keyRefused === undefined ? [] : [fail('authorization', saidOf(keyRefused).what, SET_KEY)]),
    ...(reading === undefined ? [] : [ok('authorization', reading.type === 'works' ? KEY_ACCEPTED : KEY_UNTRIED)]),
    ...(report.keysIgnored ? [warn('idempotency', KEYS_IGNORED, ASK_DOITONG)] : []),
    ...(schema === undefined ? [] : [ok('schema', SCHEMA_TEXTS[schema])]),
    ...(ordering === undefined ? [] : [orderingCheck(ordering)]),
    ...(reading === undefined ? [] : [readingCheck(reading)]),
  ];
}

const SET_KEY =
  'Set DOITONG_API_KEY or DOITONG_API_KEY_FILE to a valid key of this account, and restart the servers that use it.';
const KEYS_IGNORED =
  'the service has made two jobs from one order with one idempotency key: an order without an answer is not sent again';
const ASK_DOITONG =
  'Report it to Doitong. If the account lacks the picture, "flux-pro-mcp jobs resume" sends the order again.';
const KEY_ACCEPTED = 'the key is accepted: a status request was made with it';
const KEY_UNTRIED = 'the key is not refused; for jobs it could not be tried';

const SCHEMA_TEXTS = {
  readable: 'the service publishes its schema: orders are checked against it',
  withheld: 'the service does not publish its schema: the documented ways are tried in their order',
  no_graphql: 'there is no /graphql: the service is asked by REST',
} as const;

/** More than a slow network, so that somebody should know. */
const CLOCK_WARN_MS = 2 * 60_000;

function clockCheck(aheadMs: number | undefined): Check {
  if (aheadMs === undefined) return ok('clock', 'the service sends no time: this clock is taken to be right');
  if (aheadMs === 0) return ok('clock', 'the same as at the service');
  const size = Math.abs(aheadMs);
  const amount = size < CLOCK_WARN_MS ? `${Math.round(size / 1_000)} s` : `${Math.round(size / 60_000)} min`;
  const found = `the service's clock is ${amount} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one; times are corrected for that`;
  if (size <= CLOCK_WARN_MS) return ok('clock', found);
  return warn('clock', found, "If this machine's clock is the wrong one, set it by a time server.");
}

type Reached = Extract<ServiceReport, { reached: true }>;

function planCheck({ limit, remaining }: Reached['limits'], configured: Config['plan']): Check {
  const plan = planOf(configured, limit);
  const { requestsPerMinute, concurrentJobs } = PLAN_LIMITS[plan];
  const jobs = concurrentJobs === 1 ? '1 job' : `${concurrentJobs ?? 'any number of'} jobs`;
  const says = `${plan}: ${limit ?? requestsPerMinute ?? 'any number of'} requests a minute, ${jobs} at a time`;
  if (limit === undefined) {
    const found = `${says}, by the plan's table: the service reports no limit`;
    if (configured !== 'auto') return ok('plan', found);
    return warn('plan', found, 'Set DOITONG_PLAN to your plan if it is larger than free.');
  }
  const found = `${says}, as the service reports (${remaining ?? 'unknown'} left)`;
  const reported = planOf('auto', limit);
  if (configured === 'auto' || reported === configured || configured === 'enterprise') return ok('plan', found);
  return warn(
    'plan',
    `${found}; that is the limit of the plan ${reported}`,
    `Set DOITONG_PLAN to auto or ${reported}.`,
  );
}

const SOURCES = {
  configured: 'as set',
  remembered: 'as it worked within the last day',
  schema: 'found in the schema',
  tried: 'found by trying',
  only_one: 'the one documented way that is left',
} as const;

export function orderingCheck(ordering: OrderingFinding): Check {
  if (ordering.type === 'settled') return ok('dialect', `${ordering.dialect}, ${SOURCES[ordering.source]}`);
  if (ordering.type === 'open') {
    const names = ordering.dialects.join(', ');
    const free = 'a wrong guess carries nothing out and costs nothing';
    return ok('dialect', `found at the first order: ${names} are tried in turn; ${free}`);
  }
  if (ordering.type === 'absent') {
    const found = `the service offers none of ${ordering.dialects.join(', ')}`;
    const remedy = 'Check that DOITONG_API_URL is the address of the Doitong API, or set DOITONG_DIALECT to auto.';
    return fail('dialect', found, remedy);
  }
  const { dialect, missing, unknown } = ordering;
  const pieces = [
    missing.length > 0 && `it requires ${missing.join(', ')}, which this program does not know`,
    unknown.length > 0 && `it does not take ${unknown.join(', ')} as documented`,
  ];
  const remedy = 'Set DOITONG_DIALECT to another way to order, or update flux-pro-mcp.';
  return fail('dialect', `${dialect} has changed: ${pieces.filter(Boolean).join('; ')}`, remedy);
}

const HOW_TO_SET =
  'Set DOITONG_JOB_QUERY to auto, or to the query field and its argument that answer for a job, for example job(id).';

export function readingCheck(reading: ReadingFinding): Check {
  if (reading.type === 'works')
    return ok('job_query', `${reading.query}, ${SOURCES[reading.source]}; the service answers it`);
  const because = reading.failure === undefined ? '' : `: ${saidOf(reading.failure).what}`;
  if (reading.type === 'open')
    return warn('job_query', `not settled${because}`, `Run doctor again later. ${HOW_TO_SET}`);
  return fail('job_query', `pictures would not arrive${because}`, HOW_TO_SET);
}
