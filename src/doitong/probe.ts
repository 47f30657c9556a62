/** Looks at the service without ordering anything: what it answers to free questions, and what that means for orders. */
import type { Clock } from '../core/clock.ts';
import { type Failure, FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import type { KeyFinding, Reach, ReadingFinding, ServiceReport, Stumble } from '../core/service-report.ts';
import type { RequestGate } from '../limits/limits.ts';
import { ApiClient, type Call, type Reply } from './api-client.ts';
import { HEADERS_DOCUMENT, type JobQuery } from './documents.ts';
import type { Quote, Verdict } from './failures.ts';
import { JobReader } from './job-reader.ts';
import { type ConfiguredDialect, findOrdering } from './probe-ordering.ts';
import { ProbeWire } from './probe-wire.ts';
import { createRetries, type Retries } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { curedQuery, statusDocument } from './schema/status-document.ts';
import { findStatusQueries, plainQuery, type StatusQuery } from './schema/status-query.ts';
import type { ServiceFacts } from './service-facts.ts';
import { ServiceSchema } from './service-schema.ts';
import type { Transport } from './transport.ts';

export type ProbeParts = {
  transport: Transport;
  gate: RequestGate;
  clock: Clock;
  log: Log;
  quote: Quote;
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
const REST_QUESTION = { door: 'rest', path: `${REST_PATH}/${NO_JOB}` } as const;
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
export async function probeService(parts: ProbeParts, signal: AbortSignal): Promise<ServiceReport> {
  return new Probe(parts, signal).look();
}

class Probe {
  readonly #parts: ProbeParts;
  readonly #wire: ProbeWire;
  readonly #signal: AbortSignal;
  readonly #client: ApiClient;
  readonly #retries: Retries;
  readonly #schema: ServiceSchema;

  constructor(parts: ProbeParts, signal: AbortSignal) {
    const { clock, log, quote, apiKey, userAgent } = parts;
    this.#parts = parts;
    this.#wire = new ProbeWire(parts);
    this.#signal = AbortSignal.any([signal, this.#wire.heldBack]);
    const { transport, gate } = this.#wire;
    this.#client = new ApiClient({ transport, gate, clock, quote, apiKey, userAgent });
    const retries = createRetries({ clock, log });
    this.#retries = {
      run: (once, terms) => retries.run(once, { ...terms, attempts: Math.min(ATTEMPTS, terms.attempts) }),
    };
    this.#schema = new ServiceSchema(this.#client, this.#retries);
  }

  async look(): Promise<ServiceReport> {
    const report = await this.#look();
    const { clockAheadMs, limits } = this.#wire.told();
    return { ...report, limits, ...(clockAheadMs === undefined ? {} : { clockAheadMs }) };
  }

  async #look(): Promise<ServiceReport> {
    const started = this.#parts.clock.monotonic();
    const { reply, stumble } = await this.#ask({
      door: 'graphql',
      path: GRAPHQL_PATH,
      body: { query: HEADERS_DOCUMENT },
    });
    const reached: Reach = {
      type: 'reached',
      tookMs: this.#parts.clock.monotonic() - started,
      ...(stumble === undefined ? {} : { stumble }),
    };
    if (reply.outcome === 'unanswered') return { ...NOTHING_KNOWN, reach: this.#unanswered(reply.verdict) };
    if (this.#parts.apiKey === undefined) return { ...NOTHING_KNOWN, reach: reached };
    const { failure, row } = free(reply.verdict);
    if (row === 'badKey') return { ...NOTHING_KNOWN, reach: reached, key: { type: 'refused', failure } };
    if (PATH_ABSENT.includes(reply.status)) return this.#lookAtRest(reached);
    if (row === 'rateLimited') return { ...NOTHING_KNOWN, reach: { type: 'refused', failure } };
    if (reply.envelope.data === undefined && reply.problems === undefined) {
      return { ...NOTHING_KNOWN, reach: { type: 'strange', ...this.#wire.described(failure) } };
    }
    return this.#lookAtGraphql(reached);
  }

  async #lookAtGraphql(reach: Reach): Promise<ServiceReport> {
    const { facts, dialect } = this.#parts;
    const told = await this.#askForSchema();
    const { reading, key } = await this.#read(told === 'unknown' ? undefined : told);
    const schema = told === 'unknown' ? 'unknown' : told === undefined ? 'withheld' : 'told';
    const ordering = findOrdering(told === 'unknown' ? undefined : told, await facts.get(), dialect);
    return { reach, limits: {}, key, schema, ordering, reading };
  }

  /** `undefined`: the service does not tell it; `unknown`: it could not be asked. */
  async #askForSchema(): Promise<SchemaModel | undefined | 'unknown'> {
    try {
      return await this.#schema.get(this.#signal);
    } catch (error) {
      if (error instanceof FluxError) return 'unknown';
      throw error;
    }
  }

  /** Asks for a job that does not exist: free, and the one question that needs both a key and the right query. */
  async #read(schema: SchemaModel | undefined): Promise<{ reading: ReadingFinding; key: KeyFinding }> {
    const ways = await this.#waysToRead(schema);
    const key: KeyFinding = { type: 'not_refused' };
    for (const [index, { way, source }] of ways.entries()) {
      const asked = await this.#tryWay(way);
      if (asked.type === 'refused') return { reading: { type: 'unknown' }, key: asked };
      if (asked.type === 'fits') {
        return { reading: { type: 'works', way: wayText(way), source }, key: { type: 'accepted' } };
      }
      if (asked.type === 'unsure') {
        return { reading: open(textsOf(ways.slice(index)), asked.failure), key };
      }
      if (source === 'configured') {
        return { reading: { type: 'unfit', way: wayText(way), offered: offeredBy(schema) }, key };
      }
    }
    return { reading: ways.length === 0 ? { type: 'unknown' } : { type: 'none' }, key };
  }

  /** In the order in which a job would be asked for. */
  async #waysToRead(schema: SchemaModel | undefined): Promise<readonly WayToTry[]> {
    const { facts, jobQuery, log } = this.#parts;
    if (jobQuery !== 'auto') return [{ way: plainQuery(jobQuery.field, jobQuery.argument), source: 'configured' }];
    const { reading } = await facts.get();
    const found = { client: this.#client, schema: this.#schema, facts, retries: this.#retries, log };
    const reader = new JobReader({ ...found, configured: jobQuery });
    const ways = await reader.ways(this.#signal).catch(() => []);
    const source = schema === undefined ? 'tried' : 'schema';
    return [
      ...(reading === undefined ? [] : [{ way: reading, source: 'remembered' as const }]),
      ...ways.map((way): WayToTry => ({ way, source })),
    ];
  }

  async #tryWay(wanted: Way): Promise<Asked> {
    for (let way = wanted; ; ) {
      const { reply } = await this.#ask(
        way === 'rest'
          ? REST_QUESTION
          : {
              door: 'graphql',
              path: GRAPHQL_PATH,
              body: { query: statusDocument(way, [way.takesNumber === true ? NO_NUMBERED_JOB : NO_JOB]) },
            },
      );
      if (reply.outcome === 'answered' && reply.problems !== undefined && way !== 'rest') {
        const cured = curedQuery(way, reply.problems);
        if (cured === undefined) return { type: 'unfit' };
        way = cured;
        continue;
      }
      return askedOf(reply, way === 'rest');
    }
  }

  /** There is no GraphQL: a job that does not exist is asked for at the other door. */
  async #lookAtRest(reach: Reach): Promise<ServiceReport> {
    const { dialect } = this.#parts;
    const { reply } = await this.#ask(REST_QUESTION);
    const rest = { ...NOTHING_KNOWN, reach, schema: 'no_graphql' } as const;
    if (reply.outcome === 'unanswered') return { ...rest, reach: this.#unanswered(reply.verdict) };
    const { failure, row } = free(reply.verdict);
    if (row === 'badKey') return { ...rest, key: { type: 'refused', failure } };
    const [way, isThere] = [wayText('rest'), askedOf(reply, true).type === 'fits'];
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
      reading: isThere ? { type: 'works', way, source: 'tried' } : open([way], failure),
    };
  }

  async #ask(what: Pick<Call, 'door' | 'path' | 'body'>): Promise<{ reply: Reply; stumble?: Stumble }> {
    const { clock } = this.#parts;
    const started = clock.monotonic();
    const call: Call = { ...what, purpose: 'read', signal: this.#signal };
    const first = await this.#client.send(call);
    const hasData = first.outcome === 'answered' && first.envelope.data !== undefined;
    const waits = first.outcome === 'answered' && first.toldDelayMs !== undefined;
    const { repeated, row } = first.verdict;
    const isWorthIt = repeated && row !== 'notSent' && row !== 'rateLimited' && !hasData && !waits;
    if (!isWorthIt || clock.monotonic() - started > PATIENCE_MS || this.#signal.aborted) return { reply: first };
    const stumble = this.#wire.described(free(first.verdict).failure);
    await clock.sleep(PAUSE_MS, this.#signal).catch(() => undefined);
    return { reply: await this.#client.send(call), stumble };
  }

  #unanswered(verdict: Verdict): Reach {
    const until = this.#wire.heldUntil();
    if (until !== undefined) return { type: 'held', until };
    const { failure, row } = free(verdict);
    // What the table says of a lost answer speaks of a job; here there is none.
    const message = row === 'lost' ? this.#wire.lostText() : failure.message;
    return { type: 'unreachable', stage: this.#wire.stage(), failure: { ...failure, message } };
  }
}

/** Questions of this file order nothing, so that no failure of them is of unknown cost. */
function free<V extends { failure: Failure }>(verdict: V): V {
  return { ...verdict, failure: { ...verdict.failure, creditsSpent: 'no' } };
}

type Way = StatusQuery | 'rest';
type WayToTry = { way: Way; source: (ReadingFinding & { type: 'works' })['source'] };
type Asked =
  /** It was understood and carried out; that there is no such job is the right answer. */
  { type: 'fits' } | { type: 'unfit' } | (KeyFinding & { type: 'refused' }) | { type: 'unsure'; failure: Failure };

function askedOf(reply: Reply, isRest: boolean): Asked {
  const { failure, row } = free(reply.verdict);
  if (reply.outcome === 'unanswered') return { type: 'unsure', failure };
  if (row === 'badKey') return { type: 'refused', failure };
  const isCarriedOut = isRest ? reply.envelope.job != null : reply.envelope.data !== undefined;
  if (isCarriedOut || row === 'unknownJob') return { type: 'fits' };
  return PATH_ABSENT.includes(reply.status) || row === 'notOffered' ? { type: 'unfit' } : { type: 'unsure', failure };
}

function wayText(way: Way): string {
  return way === 'rest' ? `GET ${REST_PATH}/{id}` : `${way.field}(${way.argument.join('.')})`;
}

const textsOf = (ways: readonly WayToTry[]): string[] => ways.map(({ way }) => wayText(way));

/** As DOITONG_JOB_QUERY can be set to; it has no words for nested arguments. */
function offeredBy(schema: SchemaModel | undefined): string[] {
  const queries = schema === undefined ? [] : findStatusQueries(schema);
  return queries.filter(({ argument, takesList }) => argument.length === 1 && !takesList).map(wayText);
}

function open(ways: readonly string[], failure: Failure | undefined): ReadingFinding {
  return { type: 'open', ways, ...(failure === undefined ? {} : { failure }) };
}
