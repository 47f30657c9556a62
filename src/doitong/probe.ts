/** Looks at the service without ordering anything: what it answers to free questions, and what that means for orders. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import type { FirstFailure, KeyFinding, Reach, ReadingFinding, ServiceReport } from '../core/service-report.ts';
import type { RequestLimiter } from '../limits/limits.ts';
import { ApiClient, type Call, type Reply } from './api-client.ts';
import { HEADERS_DOCUMENT, type JobQuery } from './documents.ts';
import type { Decision, Fence } from './failures.ts';
import { JobReader } from './job-reader.ts';
import { type ConfiguredDialect, findOrdering } from './probe-ordering.ts';
import { ProbeWire } from './probe-wire.ts';
import { Retries, type RetryOptions, type Tried, type Try } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { curedQuery, statusDocument } from './schema/status-document.ts';
import { findStatusQueries, plainQuery, type StatusQuery } from './schema/status-query.ts';
import type { ServiceFacts } from './service-facts.ts';
import { ServiceSchema } from './service-schema.ts';
import type { Transport } from './transport.ts';

export type ProbeDeps = {
  transport: Transport;
  limiter: RequestLimiter;
  clock: Clock;
  log: Log;
  fence: Fence;
  apiKey: string | undefined;
  userAgent: string;
  facts: ServiceFacts;
  dialect: ConfiguredDialect;
  jobQuery: JobQuery | 'auto';
};

/** No service gives a job this id; it reads as an id everywhere. */
const NO_JOB = '00000000-0000-0000-0000-000000000000';
/** The same for a service that counts its jobs. */
const NO_NUMBERED_JOB = '0';
const GRAPHQL_PATH = '/graphql';
const REST_PATH = '/v1/text_to_image';
const REST_QUESTION = { endpoint: 'rest', path: `${REST_PATH}/${NO_JOB}` } as const;
const PATH_ABSENT: readonly number[] = [404, 405];
/** A person waits: what fails is tried once more, and only if that was soon. */
const ATTEMPTS = 2;
const PATIENCE_MS = 3_000;
const PAUSE_MS = 250;

const NOTHING_KNOWN = {
  limits: {},
  key: { type: 'unknown' },
  schema: 'unknown',
  ordering: { type: 'unknown' },
  reading: { type: 'unknown' },
} as const satisfies Omit<ServiceReport, 'reach'>;

/** Never rejects for what the service does; ends with what is known when `signal` is aborted. */
export async function probeService(deps: ProbeDeps, signal: AbortSignal): Promise<ServiceReport> {
  return new Probe(deps, signal).run();
}

class FewRetries extends Retries {
  override run<T>(once: () => Promise<Try<T>>, options: RetryOptions): Promise<Tried<T>> {
    return super.run(once, { ...options, attempts: Math.min(ATTEMPTS, options.attempts) });
  }
}

class Probe {
  readonly #deps: ProbeDeps;
  readonly #wire: ProbeWire;
  readonly #signal: AbortSignal;
  readonly #client: ApiClient;
  readonly #retries: Retries;
  readonly #schema: ServiceSchema;

  constructor(deps: ProbeDeps, signal: AbortSignal) {
    const { clock, log, fence, apiKey, userAgent } = deps;
    this.#deps = deps;
    this.#wire = new ProbeWire(deps);
    this.#signal = AbortSignal.any([signal, this.#wire.deferred]);
    const { transport, limiter } = this.#wire;
    this.#client = new ApiClient({ transport, limiter, clock, fence, apiKey, userAgent });
    this.#retries = new FewRetries({ clock, log });
    this.#schema = new ServiceSchema(this.#client, this.#retries);
  }

  async run(): Promise<ServiceReport> {
    const report = await this.#run();
    const { clockAheadMs, limits } = this.#wire.reported();
    return { ...report, limits, ...(clockAheadMs === undefined ? {} : { clockAheadMs }) };
  }

  async #run(): Promise<ServiceReport> {
    const started = this.#deps.clock.monotonic();
    const { reply, firstFailure } = await this.#ask({
      endpoint: 'graphql',
      path: GRAPHQL_PATH,
      body: { query: HEADERS_DOCUMENT },
    });
    const reached: Reach = {
      type: 'reached',
      tookMs: this.#deps.clock.monotonic() - started,
      ...(firstFailure === undefined ? {} : { firstFailure }),
    };
    if (reply.outcome === 'unanswered') return { ...NOTHING_KNOWN, reach: this.#unanswered(reply.decision) };
    if (this.#deps.apiKey === undefined) return { ...NOTHING_KNOWN, reach: reached };
    const { failure, row } = free(reply.decision);
    if (row === 'badKey') return { ...NOTHING_KNOWN, reach: reached, key: { type: 'refused', failure } };
    if (PATH_ABSENT.includes(reply.status)) return this.#probeRest(reached);
    if (row === 'rateLimited') return { ...NOTHING_KNOWN, reach: { type: 'refused', failure } };
    if (reply.envelope.data === undefined && reply.problems === undefined) {
      return { ...NOTHING_KNOWN, reach: { type: 'strange', ...this.#wire.described(failure) } };
    }
    return this.#probeGraphql(reached);
  }

  async #probeGraphql(reach: Reach): Promise<ServiceReport> {
    const { facts, dialect } = this.#deps;
    const reported = await this.#fetchSchema();
    const { reading, key } = await this.#read(reported === 'unknown' ? undefined : reported);
    const schema = reported === 'unknown' ? 'unknown' : reported === undefined ? 'withheld' : 'told';
    const ordering = findOrdering(reported === 'unknown' ? undefined : reported, await facts.get(), dialect);
    return { reach, limits: {}, key, schema, ordering, reading };
  }

  /** `undefined`: the service does not tell it; `unknown`: it could not be asked. */
  async #fetchSchema(): Promise<SchemaModel | undefined | 'unknown'> {
    try {
      return await this.#schema.get(this.#signal);
    } catch (error) {
      if (error instanceof FluxError) return 'unknown';
      throw error;
    }
  }

  /** Asks for a job that does not exist: free, and the one question that needs both a key and the right query. */
  async #read(schema: SchemaModel | undefined): Promise<{ reading: ReadingFinding; key: KeyFinding }> {
    const queries = await this.#queriesToTry(schema);
    const key: KeyFinding = { type: 'not_refused' };
    for (const [index, { query, source }] of queries.entries()) {
      const asked = await this.#tryQuery(query);
      if (asked.type === 'refused') return { reading: { type: 'unknown' }, key: asked };
      if (asked.type === 'fits') {
        return { reading: { type: 'works', query: queryText(query), source }, key: { type: 'accepted' } };
      }
      if (asked.type === 'unsure') {
        return { reading: open(textsOf(queries.slice(index)), asked.failure), key };
      }
      if (source === 'configured') {
        return { reading: { type: 'unfit', query: queryText(query), offered: offeredBy(schema) }, key };
      }
    }
    return { reading: queries.length === 0 ? { type: 'unknown' } : { type: 'none' }, key };
  }

  /** In the order in which a job would be asked for. */
  async #queriesToTry(schema: SchemaModel | undefined): Promise<readonly QueryToTry[]> {
    const { facts, jobQuery, log } = this.#deps;
    if (jobQuery !== 'auto') return [{ query: plainQuery(jobQuery.field, jobQuery.argument), source: 'configured' }];
    const { reading } = await facts.get();
    const found = { client: this.#client, schema: this.#schema, facts, retries: this.#retries, log };
    const reader = new JobReader({ ...found, configured: jobQuery });
    const queries = await reader.queries(this.#signal).catch(() => []);
    const source = schema === undefined ? 'tried' : 'schema';
    return [
      ...(reading === undefined ? [] : [{ query: reading, source: 'remembered' as const }]),
      ...queries.map((query): QueryToTry => ({ query, source })),
    ];
  }

  async #tryQuery(wanted: StatusRead): Promise<Asked> {
    for (let query = wanted; ; ) {
      const { reply } = await this.#ask(
        query === 'rest'
          ? REST_QUESTION
          : {
              endpoint: 'graphql',
              path: GRAPHQL_PATH,
              body: { query: statusDocument(query, [query.takesNumber === true ? NO_NUMBERED_JOB : NO_JOB]) },
            },
      );
      if (reply.outcome === 'answered' && reply.problems !== undefined && query !== 'rest') {
        const cured = curedQuery(query, reply.problems);
        if (cured === undefined) return { type: 'unfit' };
        query = cured;
        continue;
      }
      return askedOf(reply, query === 'rest');
    }
  }

  /** There is no GraphQL: a job that does not exist is asked for at the other door. */
  async #probeRest(reach: Reach): Promise<ServiceReport> {
    const { dialect } = this.#deps;
    const { reply } = await this.#ask(REST_QUESTION);
    const rest = { ...NOTHING_KNOWN, reach, schema: 'no_graphql' } as const;
    if (reply.outcome === 'unanswered') return { ...rest, reach: this.#unanswered(reply.decision) };
    const { failure, row } = free(reply.decision);
    if (row === 'badKey') return { ...rest, key: { type: 'refused', failure } };
    const [query, isThere] = [queryText('rest'), askedOf(reply, true).type === 'fits'];
    // The page shows no way to read a job there, so that a bare "not found" says nothing of orders.
    if (!isThere && PATH_ABSENT.includes(reply.status) && dialect !== 'rest') {
      return { ...rest, ordering: { type: 'absent', dialects: ['/graphql', REST_PATH] } };
    }
    if (dialect !== 'auto' && dialect !== 'rest') {
      return { ...rest, ordering: { type: 'absent', dialects: [dialect], instead: 'rest' } };
    }
    const source = dialect === 'rest' ? 'configured' : 'only_one';
    return {
      ...rest,
      key: { type: isThere ? 'accepted' : 'not_refused' },
      ordering: { type: 'settled', dialect: 'rest', source, checked: false, leftOut: ['quality'] },
      reading: isThere ? { type: 'works', query, source: 'tried' } : open([query], failure),
    };
  }

  async #ask(what: Pick<Call, 'endpoint' | 'path' | 'body'>): Promise<{ reply: Reply; firstFailure?: FirstFailure }> {
    const { clock } = this.#deps;
    const started = clock.monotonic();
    const call = { ...what, signal: this.#signal };
    const first = await this.#client.read(call);
    const hasData = first.outcome === 'answered' && first.envelope.data !== undefined;
    const waits = first.outcome === 'answered' && first.reportedDelayMs !== undefined;
    const { repeated, row } = first.decision;
    const isWorthIt = repeated && row !== 'notSent' && row !== 'rateLimited' && !hasData && !waits;
    if (!isWorthIt || clock.monotonic() - started > PATIENCE_MS || this.#signal.aborted) return { reply: first };
    const firstFailure = this.#wire.described(free(first.decision).failure);
    await clock.sleep(PAUSE_MS, this.#signal).catch(() => undefined);
    return { reply: await this.#client.read(call), firstFailure };
  }

  #unanswered(decision: Decision): Reach {
    const until = this.#wire.pausedUntil();
    if (until !== undefined) return { type: 'paused', until };
    const { failure, row } = free(decision);
    // What the table says of a lost answer speaks of a job; here there is none.
    const message = row === 'lost' ? this.#wire.lostText() : failure.message;
    return { type: 'unreachable', stage: this.#wire.stage(), failure: { ...failure, message } };
  }
}

/** Questions of this file order nothing, so that no failure of them is of unknown cost. */
function free<V extends { failure: Failure }>(decision: V): V {
  return { ...decision, failure: { ...decision.failure, creditsSpent: 'no' } };
}

type StatusRead = StatusQuery | 'rest';
type QueryToTry = { query: StatusRead; source: (ReadingFinding & { type: 'works' })['source'] };
type Asked =
  /** It was understood and carried out; that there is no such job is the right answer. */
  { type: 'fits' } | { type: 'unfit' } | (KeyFinding & { type: 'refused' }) | { type: 'unsure'; failure: Failure };

function askedOf(reply: Reply, isRest: boolean): Asked {
  const { failure, row } = free(reply.decision);
  if (reply.outcome === 'unanswered') return { type: 'unsure', failure };
  if (row === 'badKey') return { type: 'refused', failure };
  const isCarriedOut = isRest ? reply.envelope.job != null : reply.envelope.data !== undefined;
  if (isCarriedOut || row === 'unknownJob') return { type: 'fits' };
  return PATH_ABSENT.includes(reply.status) || row === 'notOffered' ? { type: 'unfit' } : { type: 'unsure', failure };
}

function queryText(query: StatusRead): string {
  return query === 'rest' ? `GET ${REST_PATH}/{id}` : `${query.field}(${query.argument.join('.')})`;
}

const textsOf = (queries: readonly QueryToTry[]): string[] => queries.map(({ query }) => queryText(query));

/** As DOITONG_JOB_QUERY can be set to; it has no words for nested arguments. */
function offeredBy(schema: SchemaModel | undefined): string[] {
  const queries = schema === undefined ? [] : findStatusQueries(schema);
  return queries.filter(({ argument, takesList }) => argument.length === 1 && !takesList).map(queryText);
}

function open(queries: readonly string[], failure: Failure | undefined): ReadingFinding {
  return { type: 'open', queries, ...(failure === undefined ? {} : { failure }) };
}
