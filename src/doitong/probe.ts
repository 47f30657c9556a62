/** Examines the service without ordering anything, by the very code that orders and reads. */
import { type Failure, FluxError } from '../core/failure.ts';
import type {
  FirstFailure,
  KeyFinding,
  OrderingFinding,
  Reach,
  ReachStage,
  ReadingFinding,
  ResetForm,
  ServiceReport,
} from '../core/service-report.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import type { Reply, Unanswered } from './api-client.ts';
import { DIALECT_NAMES, dialectOf } from './dialects.ts';
import { HEADERS_DOCUMENT } from './documents.ts';
import { fittingOf } from './encoding-fit.ts';
import { rowDecision } from './failures.ts';
import { NoJobQuery, REST_PATH, type StatusRead } from './job-reader.ts';
import { FULL_ORDER, omittedParts } from './order-encoding.ts';
import type { Placement } from './order-sender.ts';
import { clockDifference, readRateHeaders, readReset } from './rate-headers.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { findStatusQueries } from './schema/status-query.ts';
import type { NetworkFault, Transport } from './transport.ts';
import { createWire, type Wire, type WireDeps } from './wire.ts';

const QUESTION = { endpoint: 'graphql', path: '/graphql', body: { query: HEADERS_DOCUMENT } } as const;
const PATH_ABSENT: readonly number[] = [404, 405];
/** A person waits: what fails is tried once more, and only if that was soon. */
const ATTEMPTS = 2;
const PATIENCE_MS = 3_000;
const PAUSE_MS = 250;
const MEDIA_TYPE_CHARACTERS = 60;

const NOTHING_KNOWN = {
  limits: {},
  key: { type: 'unknown' },
  schema: 'unknown',
  ordering: { type: 'unknown' },
  reading: { type: 'unknown' },
} as const satisfies Omit<ServiceReport, 'reach'>;

/** Never rejects for what the service does; ends with what is known when `signal` is aborted. */
export async function probeService(deps: WireDeps, signal: AbortSignal): Promise<ServiceReport> {
  const answers: HeardAnswer[] = [];
  const transport: Transport = {
    exchange: async (request) => {
      const exchange = await deps.transport.exchange(request);
      if (exchange.outcome === 'answered') answers.push({ headers: exchange.headers, at: deps.clock.now() });
      return exchange;
    },
    close: async () => undefined,
  };
  const report = await probe({ ...deps, transport }, signal);
  return { ...report, ...limitsAndClock(answers) };
}

async function probe(deps: WireDeps, signal: AbortSignal): Promise<ServiceReport> {
  const { clock, apiKey, dialect, jobQuery } = deps;
  let pausedUntil: number | undefined;
  const limiter: RequestLimiter = {
    /** Lets nobody wait for a permit for long: what would have to wait fails. */
    permit: async (ask) => {
      const answer = await deps.limiter.permit(ask);
      if (answer.granted || answer.until - clock.now() <= PATIENCE_MS) return answer;
      pausedUntil = answer.until;
      throw new FluxError(rowDecision('paused', 'submit').failure);
    },
    learn: (reported) => deps.limiter.learn(reported),
  };
  const wire = createWire({ ...deps, limiter, attemptsMax: ATTEMPTS });
  const started = clock.monotonic();
  const { reply, firstFailure } = await askFirst(wire, deps, signal);
  if (reply.outcome === 'unanswered') {
    const reach: Reach = pausedUntil === undefined ? unreachable(reply) : { type: 'paused', until: pausedUntil };
    return { ...NOTHING_KNOWN, reach };
  }
  const { status, envelope, problems, decision } = reply;
  const reach: Reach = { type: 'reached', tookMs: clock.monotonic() - started, ...(firstFailure && { firstFailure }) };
  const failure = free(decision.failure);
  if (apiKey === undefined) return { ...NOTHING_KNOWN, reach };
  if (decision.row === 'badKey') return { ...NOTHING_KNOWN, reach, key: { type: 'refused', failure } };
  if (decision.row === 'rateLimited') return { ...NOTHING_KNOWN, reach: { type: 'refused', failure } };
  const hasGraphql = !PATH_ABSENT.includes(status);
  if (hasGraphql && envelope.data === undefined && problems === undefined) {
    return { ...NOTHING_KNOWN, reach: { type: 'strange', ...described(reply) } };
  }
  const schema = await wire.schema.get(signal).catch(() => 'unknown' as const);
  const model = schema === 'unknown' ? undefined : schema;
  const found = { ...NOTHING_KNOWN, reach, ...(await probeReading(wire, model, jobQuery, signal)) };
  if (!hasGraphql) return { ...found, schema: 'no_graphql', ordering: orderingByRest(dialect, found) };
  const ordering = orderingOf(await wire.orders.plan(signal), model, dialect);
  return { ...found, schema: schema === 'unknown' ? schema : model ? 'told' : 'withheld', ordering };
}

async function askFirst(
  { client }: Wire,
  { clock }: WireDeps,
  signal: AbortSignal,
): Promise<{ reply: Reply; firstFailure?: FirstFailure }> {
  const started = clock.monotonic();
  const reply = await client.read({ ...QUESTION, signal });
  const { repeated, row } = reply.decision;
  const isAnswer = reply.outcome === 'answered' && (reply.envelope.data ?? reply.reportedDelayMs) !== undefined;
  const isWorthIt = repeated && row !== 'notSent' && row !== 'rateLimited' && !isAnswer;
  if (!isWorthIt || clock.monotonic() - started > PATIENCE_MS || signal.aborted) return { reply };
  await clock.sleep(PAUSE_MS, signal).catch(() => undefined);
  return { reply: await client.read({ ...QUESTION, signal }), firstFailure: described(reply) };
}

async function probeReading(
  { reader }: Wire,
  schema: SchemaModel | undefined,
  configured: WireDeps['jobQuery'],
  signal: AbortSignal,
): Promise<{ reading: ReadingFinding; key: KeyFinding }> {
  try {
    const { query, source } = await reader.probe(signal);
    return { reading: { type: 'works', query: queryText(query), source }, key: { type: 'accepted' } };
  } catch (error) {
    if (!(error instanceof FluxError) && !signal.aborted) throw error;
    const failure = error instanceof FluxError ? free(error.failure) : undefined;
    if (failure?.kind === 'bad_key') return { reading: { type: 'unknown' }, key: { type: 'refused', failure } };
    const key: KeyFinding = { type: 'not_refused' };
    if (error instanceof NoJobQuery) {
      if (configured === 'auto') return { reading: { type: 'none' }, key };
      const query = `${configured.field}(${configured.argument})`;
      return { reading: { type: 'unfit', query, offered: offeredBy(schema) }, key };
    }
    const queries = configured === 'auto' ? await reader.queries(signal).catch(() => []) : [];
    return { reading: { type: 'open', queries: queries.map(queryText), ...(failure && { failure }) }, key };
  }
}

function orderingOf(
  { dialect: name, encoding, others, source, fitting }: Placement,
  schema: SchemaModel | undefined,
  configured: WireDeps['dialect'],
): OrderingFinding {
  const other = schema && DIALECT_NAMES.find((one) => one !== name && fittingOf(schema, one).type === 'encoding');
  const instead = other === undefined ? {} : { instead: other };
  if (fitting?.type === 'absent') return { type: 'absent', dialects: [name, ...others], ...instead };
  if (fitting?.type === 'unserved') return { ...fitting, dialect: name, ...instead };
  if (source === 'documented' && configured === 'auto') return { type: 'open', dialects: [name, ...others] };
  return {
    type: 'settled',
    dialect: name,
    source:
      configured !== 'auto' ? 'configured' : source === 'remembered' ? source : name === 'rest' ? 'only_one' : 'schema',
    checked: fitting !== undefined && name !== 'rest',
    leftOut: omittedParts(dialectOf(name), FULL_ORDER, encoding),
  };
}

/** There is no GraphQL: the answer to a request for a job shows whether there is anything else. */
function orderingByRest(
  configured: WireDeps['dialect'],
  { reading, key }: Pick<ServiceReport, 'reading' | 'key'>,
): OrderingFinding {
  if (key.type === 'refused') return { type: 'unknown' };
  if (reading.type === 'none' && configured !== 'rest') return { type: 'absent', dialects: ['/graphql', REST_PATH] };
  if (configured !== 'auto' && configured !== 'rest')
    return { type: 'absent', dialects: [configured], instead: 'rest' };
  const source = configured === 'rest' ? 'configured' : 'only_one';
  return { type: 'settled', dialect: 'rest', source, checked: false, leftOut: ['quality'] };
}

/** Nothing here orders anything, so that no failure is of unknown cost. */
const free = (failure: Failure): Failure => ({ ...failure, creditsSpent: 'no' });

/** The failure that an answer was taken for, and what kind of answer it was. */
function described(reply: Reply): FirstFailure {
  const header = reply.outcome === 'answered' ? reply.headers['content-type'] : undefined;
  const type = header?.split(';')[0]?.trim().toLowerCase();
  return {
    failure: free(reply.decision.failure),
    ...(type === undefined ? {} : { mediaType: cleanLine(type, MEDIA_TYPE_CHARACTERS) }),
  };
}

function queryText(query: StatusRead): string {
  return query === 'rest' ? `GET ${REST_PATH}/{id}` : `${query.field}(${query.argument.join('.')})`;
}

/** As DOITONG_JOB_QUERY can be set to; it has no words for nested arguments. */
function offeredBy(schema: SchemaModel | undefined): string[] {
  const queries = schema === undefined ? [] : findStatusQueries(schema);
  return queries.filter(({ argument }) => argument.length === 1).map(queryText);
}

function unreachable({ decision, fault }: Unanswered): Reach {
  const stage = fault === undefined ? 'other' : stageOf(fault);
  const failure = free(decision.failure);
  const { reason } = failure;
  if (reason?.code !== 'answer_lost') return { type: 'unreachable', stage, failure };
  const how = stage === 'time' ? 'too_late' : reason.how;
  return { type: 'unreachable', stage, failure: { ...failure, reason: { ...reason, purpose: 'probe', how } } };
}

const NAME = /^(?:ENOTFOUND|EAI_)/u;
const TIME = /TIMEOUT|ETIMEDOUT/u;
const ENCRYPTION = /CERT|TLS|SSL|EPROTO|SIGNATURE|ISSUER/u;
const CONNECTION = /^(?:ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ECONNRESET|EADDRNOTAVAIL|ENETDOWN)/u;

function stageOf({ cause, code = '' }: NetworkFault): ReachStage {
  // The caller is a deadline.
  if (cause !== 'network' || TIME.test(code)) return 'time';
  if (NAME.test(code)) return 'name';
  if (CONNECTION.test(code)) return 'connection';
  return ENCRYPTION.test(code) ? 'encryption' : 'other';
}

type HeardAnswer = { headers: Readonly<Record<string, string>>; at: number };

/** The limits in the last answer that has any, and how far the clocks differ. */
function limitsAndClock(answers: readonly HeardAnswer[]): Pick<ServiceReport, 'limits' | 'clockAheadMs'> {
  const dated = answers.findLast(({ headers }) => headers.date !== undefined);
  const clock = dated === undefined ? {} : { clockAheadMs: clockDifference(dated.headers.date, dated.at) };
  const rated = answers.findLast(({ headers }) => Object.keys(headers).some((name) => name.startsWith('x-ratelimit-')));
  if (rated === undefined) return { ...clock, limits: {} };
  const { headers, at } = rated;
  const { retryAfterMs: _, ...window } = readRateHeaders(headers, at);
  const resetForm = formOf(headers['x-ratelimit-reset'], at + clockDifference(headers.date, at));
  return { ...clock, limits: { ...window, ...(resetForm && { resetForm }) } };
}

/** Told by what was made of it: the page does not say which form it has. */
function formOf(header: string | undefined, now: number): ResetForm | undefined {
  if (header === undefined) return undefined;
  const at = readReset(header, now);
  if (at === undefined) return 'unreadable';
  const value = Number(header.split(/[;,]/u, 1)[0]);
  if (Number.isNaN(value)) return 'date';
  if (at === value * 1_000) return 'epoch_seconds';
  return at === value ? 'epoch_milliseconds' : 'seconds_from_now';
}
