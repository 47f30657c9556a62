/** Reads the status of jobs, many in one request, and finds out how this service wants to be asked; that is remembered. */
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { Reading } from '../core/image-provider.ts';
import { Mutex } from '../core/primitives.ts';
import type { ServiceReason } from '../core/reasons.ts';
import { type Answered, isPathAbsent } from './api-client.ts';
import { MUTATIONS, REST_PATH } from './dialects.ts';
import { answerDecision, type Decision, rowDecision } from './failures.ts';
import type { Try } from './retry.ts';
import { aliasOf, curedQuery, readStatusAnswer, statusDocument } from './schema/status-document.ts';
import { CANDIDATE_QUERIES, configuredQuery, findStatusQueries, type StatusQuery } from './schema/status-query.ts';
import type { Wire } from './wire.ts';
import { type Fields, remoteIdSchema } from './wire-values.ts';

const ATTEMPTS = 5;
/** More in one document is what services guard against, and what a plan never has under way. */
const JOBS_MAX = 25;
/** No service gives a job this id; it reads as an id everywhere. */
const NO_JOB = '00000000-0000-0000-0000-000000000000';
/** The same for a service that counts its jobs. */
const NO_NUMBERED_JOB = '0';
/** Refusals that may be about the number of jobs: with a single one they would not be met. */
const MAYBE_TOO_MANY: readonly Decision['row'][] = ['invalidRequest', 'tooLarge', 'notOffered', 'otherRefusal'];
/** The same, when they are still there after several tries. */
const LASTING: readonly Decision['row'][] = ['errorWithoutCode', 'unreadable'];
/** Beyond these a service that cannot be asked for one job cannot be asked for the next one either. */
const CONCERNS_ALL: readonly Failure['kind'][] = ['unreachable', 'rate_limited', 'bad_key'];

type StatusRead = StatusQuery | 'rest';
type Readings = Map<string, Reading>;

type Outcome =
  /** The query is there; no readings: it takes fewer jobs at a time. A single one that is a failure: no such job. */
  | { readings: Readings }
  /** The service does not have this query; nothing is known of the jobs then. `path`: there is nothing at all. */
  | { unfit: Decision; path: boolean };

type Found = { query: StatusRead; source: 'configured' | 'remembered' | 'schema' | 'tried'; readings: Readings };

/** The jobs to ask for; `undefined`: one that does not exist. */
type Ids = readonly string[] | undefined;
type Asked = { ids: Ids; signal: AbortSignal };

/** There is no query that could be asked: neither in the schema nor among the usual ones. */
export class NoJobQuery extends FluxError {
  constructor(reason: ServiceReason) {
    super(rowDecision('noJobQuery', 'read', { reason }).failure);
  }
}

export class JobReader {
  readonly #discovering = new Mutex();
  /** Queries that the service has refused; asked again when one that was known does not fit any more. */
  readonly #refused = new Set<string>();
  /** The configured query, without the fields that the service lacks; `undefined` when it is none. */
  #configured: StatusQuery | undefined;
  /** Lowered for good when the service refuses a larger number. */
  #jobsMax = JOBS_MAX;

  constructor(private readonly wire: Wire) {
    if (wire.jobQuery !== 'auto') this.#configured = configuredQuery(wire.jobQuery);
  }

  readonly readMany = async (remoteIds: readonly string[], signal: AbortSignal): Promise<Readings> => {
    const unavailable = this.wire.client.unavailable();
    if (unavailable !== undefined) return sameForAll(remoteIds, { ...unavailable, creditsSpent: 'maybe' });
    const readings = sameForAll(remoteIds, NO_ID);
    let left = [...readings.keys()].filter((id) => remoteIdSchema.safeParse(id).success);
    while (left.length > 0) {
      signal.throwIfAborted();
      const some = await this.#readSome(left, signal);
      left = left.filter((id) => !some.has(id));
      for (const [id, reading] of some) readings.set(id, reading);
      const hopeless = [...some.values()].find((one) => 'failure' in one && CONCERNS_ALL.includes(one.failure.kind));
      if (hopeless !== undefined) for (const id of left.splice(0)) readings.set(id, hopeless);
    }
    return readings;
  };

  readonly readsAtOnce = async (): Promise<number> => ((await this.#known()) === 'rest' ? 1 : this.#jobsMax);

  /** A query that the service has, found without a job: free. @throws FluxError */
  probe(signal: AbortSignal): Promise<Found> {
    return this.#find({ ids: undefined, signal });
  }

  /** Reads as many of these as fit into one request, at least one; none when fewer have to be asked for. */
  async #readSome(ids: readonly string[], signal: AbortSignal): Promise<Readings> {
    const known = await this.#known();
    const some = ids.slice(0, known === undefined || known === 'rest' ? 1 : this.#jobsMax);
    try {
      return (await this.#find({ ids: some, signal })).readings;
    } catch (error) {
      signal.throwIfAborted();
      return sameForAll(some, failureOf(error, 'read', { creditsSpent: 'maybe', retry: 'later' }));
    }
  }

  async #known(): Promise<StatusRead | undefined> {
    return this.wire.jobQuery === 'auto' ? (await this.wire.facts.get()).reading : this.#configured;
  }

  async #find(asked: Asked): Promise<Found> {
    const found = await this.#askKnown(asked);
    if (found !== undefined) return found;
    // Readers that come while the query is looked for wait for the first one instead of asking the same.
    return this.#discovering.run(async () => (await this.#askKnown(asked)) ?? this.#discover(asked));
  }

  /** @returns `undefined` when none is known, or the known one does not fit any more */
  async #askKnown(asked: Asked): Promise<Found | undefined> {
    const { jobQuery: configured, facts, schema } = this.wire;
    const query = await this.#known();
    if (query === undefined && configured === 'auto') return undefined;
    if (query === undefined) throw new NoJobQuery({ code: 'status_query_malformed' });
    const outcome = await this.#ask(query, asked, true);
    if ('readings' in outcome)
      return { query, source: configured === 'auto' ? 'remembered' : 'configured', readings: outcome.readings };
    if (configured !== 'auto') {
      const { reason } = outcome.unfit.failure;
      const { httpStatus, said } = reason.code === 'service_answered' ? reason : {};
      const name = `${configured.field}(${configured.argument})`;
      throw new NoJobQuery({ code: 'status_query_refused', query: name, httpStatus, said });
    }
    if (await facts.forgetReading(query)) {
      this.#refused.clear();
      schema.forget();
    }
    return undefined;
  }

  /** Asks for the first of the jobs, until a query leads to it. */
  async #discover({ ids, signal }: Asked): Promise<Found> {
    const { log, schema, facts } = this.wire;
    const { dialect } = await facts.get();
    const reported = await schema.get(signal);
    const mutations = dialect === undefined || dialect === 'rest' ? MUTATIONS : [dialect];
    const queries = reported === undefined ? CANDIDATE_QUERIES : findStatusQueries(reported, mutations);
    const source = reported === undefined ? 'tried' : 'schema';
    let graphqlIsAbsent = false;
    let unknown: Found | undefined;
    for (const query of [...queries, 'rest' as const]) {
      if (query !== 'rest' && (graphqlIsAbsent || this.#refused.has(JSON.stringify(query)))) continue;
      const outcome = await this.#ask(query, { ids: ids?.slice(0, 1), signal }, false);
      if ('readings' in outcome) {
        const found: Found = { query, source, readings: outcome.readings };
        if ([...outcome.readings.values()].some((reading) => 'job' in reading)) {
          log.info('The way to read jobs is settled', { query: query === 'rest' ? 'rest' : query.field });
          return found;
        }
        // It may lead to something else than jobs: only a job settles the query.
        unknown ??= found;
        if (ids === undefined) break;
      } else if (query === 'rest') {
        // It is the only endpoint: what it says is about the key, or about this question.
        if (graphqlIsAbsent && !outcome.path) throw new FluxError(outcome.unfit.failure);
      } else if (outcome.path) graphqlIsAbsent = true;
      else this.#refused.add(JSON.stringify(query));
    }
    if (unknown !== undefined) return unknown;
    throw new NoJobQuery({ code: 'no_status_query' });
  }

  /** @param proven the query has led to jobs before, or the user says so */
  async #ask(query: StatusRead, { ids, signal }: Asked, proven: boolean): Promise<Outcome> {
    const once = (): Promise<Try<Outcome>> =>
      query === 'rest' ? this.#askRest(ids?.[0] ?? NO_JOB, signal, proven) : this.#askQuery(query, ids, signal, proven);
    const tried = await this.wire.retries.run(once, { what: 'read jobs', attempts: ATTEMPTS, signal });
    if ('value' in tried) return tried.value;
    const count = ids?.length ?? 1;
    if (count > 1 && !signal.aborted && LASTING.includes(tried.row)) return this.#fewer(count);
    throw new FluxError(tried.failure);
  }

  #fewer(count: number): Outcome {
    this.#jobsMax = Math.min(this.#jobsMax, Math.floor(count / 2));
    return { readings: new Map() };
  }

  async #askQuery(query: StatusQuery, asked: Ids, signal: AbortSignal, proven: boolean): Promise<Try<Outcome>> {
    const ids = asked ?? [query.takesNumber === true ? NO_NUMBERED_JOB : NO_JOB];
    const body = { query: statusDocument(query, ids) };
    const reply = await this.wire.client.read({ body, fields: ids.length, signal });
    if (reply.outcome === 'unanswered') return reply;
    const { status, envelope, problems, decision } = reply;
    const cured = problems && curedQuery(query, problems);
    if (cured !== undefined) return this.#askQuery(cured, asked, signal, proven);
    if (problems !== undefined) return { value: { unfit: decision, path: false } };
    const jobs = readStatusAnswer(envelope.data, ids);
    const hasJob = [...jobs.values()].some((job) => job !== null);
    const saysNone = jobs.size > 0 && (ids.length > 1 || (envelope.errors.length === 0 && status < 400));
    if (hasJob && this.wire.jobQuery !== 'auto') this.#configured = query;
    else if (hasJob) await this.wire.facts.noteReading(query);
    if (hasJob || saysNone) return { value: { readings: this.#readingsOf(reply, jobs, ids) } };
    if (ids.length > 1 && MAYBE_TOO_MANY.includes(decision.row)) return { value: this.#fewer(ids.length) };
    const isAbsent = isPathAbsent(status) && !(proven && decision.row === 'unknownJob');
    return isAbsent ? { value: { unfit: decision, path: true } } : reply;
  }

  #readingsOf({ status, envelope }: Answered, jobs: Map<string, Fields | null>, ids: readonly string[]): Readings {
    const readings = ids.map((id, index): [string, Reading] => {
      const raw = jobs.get(id);
      // Errors that name another alias are about another job; those that name none may be about any.
      const alias = aliasOf(index, ids.length);
      const errors = envelope.errors.filter(({ path }) => ids.length === 1 || path === undefined || path[0] === alias);
      const job = this.wire.parser.take({ job: raw, errors }, id);
      if (job !== undefined) return [id, { job }];
      if (errors.length === 0) return [id, noReading(raw === null ? 'unknownJob' : 'unreadable')];
      return [id, { failure: answerDecision(status, errors, 'read').failure }];
    });
    return new Map(readings);
  }

  async #askRest(remoteId: string, signal: AbortSignal, proven: boolean): Promise<Try<Outcome>> {
    const { client, parser, facts } = this.wire;
    const read = (reading: Reading): Try<Outcome> => ({ value: { readings: new Map([[remoteId, reading]]) } });
    // Resolved as a step of the path it would lead to another address, with the key.
    if (remoteId === '.' || remoteId === '..') return read(noReading('unknownJob'));
    const path = `${REST_PATH}/${encodeURIComponent(remoteId)}`;
    const reply = await client.read({ path, signal });
    if (reply.outcome === 'unanswered') return reply;
    const { status, envelope, decision } = reply;
    const job = parser.take(envelope, remoteId);
    if (job !== undefined) {
      await facts.noteReading('rest');
      return read({ job });
    }
    if (!isPathAbsent(status)) {
      const mayBeNoEndpoint = !proven && status < 500 && decision.row !== 'rateLimited';
      return mayBeNoEndpoint ? { value: { unfit: decision, path: false } } : reply;
    }
    // The address of a job that does not exist is answered like one that leads nowhere, unless the answer itself says so.
    const isSpoken = decision.row === 'unknownJob' || (proven && status === 404 && envelope.data !== undefined);
    return isSpoken ? read(noReading('unknownJob')) : { value: { unfit: decision, path: true } };
  }
}

const NO_ID: Failure = { kind: 'bad_input', reason: { code: 'no_such_job_id' }, creditsSpent: 'maybe', retry: 'no' };

const sameForAll = (ids: readonly string[], failure: Failure): Readings => new Map(ids.map((id) => [id, { failure }]));

const noReading = (row: 'unknownJob' | 'unreadable'): Reading => ({ failure: rowDecision(row, 'read').failure });
