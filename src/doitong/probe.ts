/** Examines the service without ordering anything, by the very code that orders and reads. */
import { type Failure, FluxError } from '../core/failure.ts';
import type { OrderingFinding, ReadingFinding, ServiceReport } from '../core/image-provider.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { type Answered, isPathAbsent } from './api-client.ts';
import { REST_PATH } from './dialects.ts';
import { type Decision, rowDecision } from './failures.ts';
import { JobReader, NoJobQuery } from './job-reader.ts';
import { type DialectChoice, HEADERS_DOCUMENT, OrderSender } from './order-sender.ts';
import { clockDifference } from './rate-headers.ts';
import type { Try } from './retry.ts';
import { createWire, type Wire, type WireDeps } from './wire.ts';

/** A person waits. */
const ATTEMPTS = 2;
const PATIENCE_MS = 3_000;
const KNOWN_ROWS: readonly Decision['row'][] = ['badKey', 'notOffered'];

export async function probeService(deps: WireDeps, signal: AbortSignal): Promise<ServiceReport> {
  const { clock, apiKey, dialect } = deps;
  const limits = {};
  const wire = createWire({ ...deps, limiter: impatient(deps, limits), attemptsMax: ATTEMPTS });
  const started = clock.monotonic();
  const asked = await askForHeaders(wire, signal);
  if ('failure' in asked) return { reached: false, failure: ofProbe(asked.failure) };
  const { status, headers, decision } = asked.value;
  const answered: Extract<ServiceReport, { reached: true }> = {
    reached: true,
    tookMs: clock.monotonic() - started,
    ...(headers.date !== undefined && { clockAheadMs: clockDifference(headers.date, clock.now()) }),
    limits,
  };
  if (apiKey === undefined) return answered;
  if (decision.row === 'badKey') return { ...answered, keyRefused: decision.failure };
  if (await deps.facts.memory.keys.areIgnored()) answered.keysIgnored = true;
  const schema = await wire.schema.get(signal).catch(() => 'unknown' as const);
  const reading = await readingOf(wire, signal);
  if ('keyRefused' in reading) return { ...answered, ...reading };
  if (isPathAbsent(status))
    return { ...answered, schema: 'no_graphql', reading, ordering: orderingByRest(dialect, reading) };
  const ordering = orderingOf(await new OrderSender(wire).choose(signal), dialect);
  const isKnown = schema !== 'unknown';
  return { ...answered, ...(isKnown && { schema: schema ? 'readable' : 'withheld' }), ordering, reading };
}

export async function refreshLimits(wire: Wire, signal: AbortSignal): Promise<void> {
  const unavailable = wire.client.unavailable();
  if (unavailable !== undefined) throw new FluxError(unavailable);
  const asked = await askForHeaders(wire, signal);
  const { row, failure } = 'failure' in asked ? asked : asked.value.decision;
  if ('failure' in asked || row === 'badKey') throw new FluxError({ ...failure, creditsSpent: 'no' });
}

/** What answers is the API, or something that knows the key, or refuses the question itself. */
function askForHeaders({ client, retries }: Wire, signal: AbortSignal) {
  const once = async (): Promise<Try<Answered>> => {
    const reply = await client.read({ body: { query: HEADERS_DOCUMENT }, signal });
    if (reply.outcome === 'unanswered') return reply;
    const { status, envelope, problems, decision } = reply;
    const isApi = envelope.data !== undefined || problems !== undefined || KNOWN_ROWS.includes(decision.row);
    return isApi || isPathAbsent(status) ? { value: reply } : reply;
  };
  return retries.run(once, { what: 'ask for the headers', attempts: ATTEMPTS, signal });
}

/** What would have to wait for long for a permit fails. @param limits are filled with what each answer reports */
function impatient({ limiter, clock }: WireDeps, limits: object): RequestLimiter {
  return {
    learn: (reported) => {
      const { resetsAt: _, ...counts } = reported.window ?? {};
      Object.assign(limits, counts);
      return limiter.learn(reported);
    },
    permit: async (wanted) => {
      const answer = await limiter.permit(wanted);
      const waitMs = answer.granted ? 0 : answer.until - clock.now();
      if (waitMs <= PATIENCE_MS) return answer;
      const { failure } = rowDecision('paused', 'read');
      throw new FluxError({ ...failure, retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    },
  };
}

async function readingOf(wire: Wire, signal: AbortSignal): Promise<ReadingFinding | { keyRefused: Failure }> {
  try {
    const { query, source } = await new JobReader(wire).probe(signal);
    const text = query === 'rest' ? `GET ${REST_PATH}/{id}` : `${query.field}(${query.argument.join('.')})`;
    return { type: 'works', query: text, source };
  } catch (error) {
    if (!(error instanceof FluxError) && signal.aborted) return { type: 'open' };
    if (!(error instanceof FluxError)) throw error;
    const { failure } = error;
    if (failure.kind === 'bad_key') return { keyRefused: failure };
    return { type: error instanceof NoJobQuery ? 'none' : 'open', failure };
  }
}

function orderingOf(choice: DialectChoice, configured: WireDeps['dialect']): OrderingFinding {
  const { dialect, others = [], source, fitting } = choice;
  if (fitting?.type === 'absent') return { type: 'absent', dialects: [dialect, ...others] };
  if (fitting?.type === 'unserved') return { ...fitting, dialect };
  if (configured !== 'auto') return { type: 'settled', dialect, source: 'configured' };
  if (source === 'documented') return { type: 'open', dialects: [dialect, ...others] };
  return { type: 'settled', dialect, source: source === 'schema' && dialect === 'rest' ? 'only_one' : source };
}

/** There is no GraphQL: the answer to a request for a job shows whether there is anything else. */
function orderingByRest(configured: WireDeps['dialect'], reading: ReadingFinding): OrderingFinding {
  if (configured !== 'auto' && configured !== 'rest') return { type: 'absent', dialects: [configured] };
  if (configured === 'auto' && reading.type === 'none') return { type: 'absent', dialects: ['/graphql', REST_PATH] };
  return { type: 'settled', dialect: 'rest', source: configured === 'rest' ? 'configured' : 'only_one' };
}

/** No job depends on a lost answer here. */
function ofProbe(failure: Failure): Failure {
  const { reason } = failure;
  return reason?.code === 'answer_lost' ? { ...failure, reason: { ...reason, purpose: 'probe' } } : failure;
}
