/** Reads a job's status, finding out first how this service wants to be asked; what was found is remembered. */
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { Mutex } from '../core/mutex.ts';
import type { Answered, ApiClient } from './api-client.ts';
import { CANDIDATE_QUERIES, isGraphqlName, type JobQuery } from './documents.ts';
import type { Envelope } from './envelope.ts';
import { type Decision, rowDecision } from './failures.ts';
import type { Retries, Try } from './retry.ts';
import { curedQuery, readStatusAnswer, statusDocument } from './schema/status-document.ts';
import { findStatusQueries, plainQuery, type StatusQuery } from './schema/status-query.ts';
import type { ServiceFacts } from './service-facts.ts';
import type { ServiceSchema } from './service-schema.ts';

/** Tries of one request for jobs. */
export const READ_ATTEMPTS = 5;
const GRAPHQL_PATH = '/graphql';
export const REST_PATH = '/v1/text_to_image';
/** No service gives a job this id; it reads as an id everywhere. */
const NO_JOB = '00000000-0000-0000-0000-000000000000';
/** The same for a service that counts its jobs. */
const NO_NUMBERED_JOB = '0';
const DOT_SEGMENT = /^\.{1,2}$/u;
const PATH_ABSENT: readonly number[] = [404, 405];
const HOW_TO_SET =
  'Ask the user to set DOITONG_JOB_QUERY to the query field and its argument that answer for a job, for example job(id), and to restart the server. The jobs are not lost.';

/** How jobs are asked for: by a query, or by GET at the REST endpoint. */
export type StatusRead = StatusQuery | 'rest';

type Answer =
  | { type: 'job'; envelope: Envelope }
  /** The query is there, and leads to no such job. */
  | { type: 'unknown'; decision: Decision }
  /** The service does not have this query; nothing is known of the job then. `path`: there is nothing at all. */
  | { type: 'unfit'; decision: Decision; path: boolean };

/** A query that the service has, where it was found, and what it answered. */
export type Found = {
  query: StatusRead;
  source: 'configured' | 'remembered' | 'schema' | 'tried';
  answer: Exclude<Answer, { type: 'unfit' }>;
};

export type JobReaderDeps = {
  client: ApiClient;
  schema: ServiceSchema;
  facts: ServiceFacts;
  retries: Retries;
  log: Log;
  configured: JobQuery | 'auto';
};

type IdFor = (query: StatusRead) => string;

/** There is no query that could be asked: neither in the schema nor among the usual ones. */
export class NoJobQuery extends FluxError {
  constructor(message: string) {
    super(rowDecision('noJobQuery', 'read', { message, remedy: HOW_TO_SET }).failure);
  }
}

export class JobReader {
  readonly #deps: JobReaderDeps;
  readonly #discovering = new Mutex();
  /** Queries that the service has refused; asked again when one that was known does not fit any more. */
  readonly #refused = new Set<string>();
  /** The configured query takes a number, as the service said. */
  #takesNumber = false;

  constructor(deps: JobReaderDeps) {
    this.#deps = deps;
  }

  /** The answer that holds the job. @throws FluxError */
  async read(remoteId: string, signal: AbortSignal): Promise<Envelope> {
    const { answer } = await this.#find(() => remoteId, signal, false);
    if (answer.type === 'job') return answer.envelope;
    throw new FluxError(answer.decision.failure);
  }

  /**
   * A query that the service has, found without a job: free, and the one question that needs both a key and the right
   * query. @throws FluxError
   */
  probe(signal: AbortSignal): Promise<Found> {
    const idFor = (query: StatusRead): string =>
      query !== 'rest' && query.takesNumber === true ? NO_NUMBERED_JOB : NO_JOB;
    return this.#find(idFor, signal, true);
  }

  /** The queries that the schema or the list of candidates offers, best first; asks for the schema if need be. */
  async queries(signal: AbortSignal): Promise<readonly StatusRead[]> {
    const { schema, facts } = this.#deps;
    const { dialect } = await facts.get();
    const reported = await schema.get(signal);
    const submitField = dialect === 'generate' || dialect === 'generateImage' ? { submitField: dialect } : {};
    const queries =
      reported === undefined
        ? CANDIDATE_QUERIES.map(({ field, argument }) => plainQuery(field, argument))
        : findStatusQueries(reported, submitField);
    return [...queries, 'rest'];
  }

  /** The query by which several jobs can be asked for at once; `undefined` as long as none is known. */
  async knownQuery(): Promise<StatusRead | undefined> {
    const { configured, facts } = this.#deps;
    if (configured === 'auto') return (await facts.get()).reading;
    const { field, argument } = configured;
    if (!isGraphqlName(field) || !isGraphqlName(argument)) return undefined;
    return { ...plainQuery(field, argument), ...(this.#takesNumber ? { takesNumber: true } : {}) };
  }

  async #find(idFor: IdFor, signal: AbortSignal, isProbe: boolean): Promise<Found> {
    const { configured } = this.#deps;
    const known = await this.knownQuery();
    if (known !== undefined) {
      const answer = await this.#ask(known, idFor, signal, true);
      const source = configured === 'auto' ? 'remembered' : 'configured';
      if (answer.type !== 'unfit') return { query: known, source, answer };
      if (configured !== 'auto') {
        const query = `${configured.field}(${configured.argument})`;
        throw new NoJobQuery(
          `The service does not offer the status query ${query}. ${answer.decision.failure.message}`,
        );
      }
      await this.#forget(known);
    }
    if (configured !== 'auto')
      throw new NoJobQuery('The configured status query is no GraphQL field with an argument.');
    // Readers that come while the query is looked for wait for the first one instead of asking the same.
    return this.#discovering.run(() => this.#discover(idFor, signal, isProbe), signal);
  }

  async #discover(idFor: IdFor, signal: AbortSignal, isProbe: boolean): Promise<Found> {
    const { facts, log, schema } = this.#deps;
    // Whoever had the turn before may have found it.
    const { reading } = await facts.get();
    const queries = reading === undefined ? await this.queries(signal) : [reading];
    const source = (await schema.get(signal)) === undefined ? 'tried' : 'schema';
    let graphqlIsAbsent = false;
    let unknown: Found | undefined;
    for (const query of queries) {
      if (query !== 'rest' && (graphqlIsAbsent || this.#refused.has(JSON.stringify(query)))) continue;
      const answer = await this.#ask(query, idFor, signal, query === reading);
      if (answer.type === 'job') {
        log.info('The way to read jobs is settled', { query: query === 'rest' ? 'rest' : query.field });
        return { query, source, answer };
      }
      if (answer.type === 'unknown') {
        // It may lead to something else than jobs: only a job settles the query.
        unknown ??= { query, source, answer };
        if (isProbe) break;
      } else if (query === 'rest') {
        // It is the only endpoint: what it says is about the key, or about this question.
        if (graphqlIsAbsent && !answer.path) throw new FluxError(answer.decision.failure);
      } else if (answer.path) graphqlIsAbsent = true;
      else this.#refused.add(JSON.stringify(query));
    }
    if (unknown !== undefined) return unknown;
    throw new NoJobQuery('No query was found by which this service tells the status of a job.');
  }

  async #forget(reading: StatusRead): Promise<void> {
    if (!(await this.#deps.facts.forgetReading(reading))) return;
    this.#refused.clear();
    this.#deps.schema.forget();
  }

  /** @param proven the query has led to jobs before, or the user says so */
  async #ask(query: StatusRead, idFor: IdFor, signal: AbortSignal, proven: boolean): Promise<Answer> {
    const once = (): Promise<Try<Answer>> =>
      query === 'rest' ? this.#askRest(idFor(query), signal, proven) : this.#askQuery(query, idFor, signal, proven);
    const tried = await this.#deps.retries.run(once, { what: 'read a job', attempts: READ_ATTEMPTS, signal });
    if ('value' in tried) return tried.value;
    throw new FluxError(tried.failure);
  }

  async #askQuery(wanted: StatusQuery, idFor: IdFor, signal: AbortSignal, proven: boolean): Promise<Try<Answer>> {
    for (let query = wanted; ; ) {
      const remoteId = idFor(query);
      const reply = await this.#deps.client.read({
        endpoint: 'graphql',
        path: GRAPHQL_PATH,
        body: { query: statusDocument(query, [remoteId]) },
        signal,
      });
      if (reply.outcome === 'unanswered') return { decision: reply.decision };
      const { envelope, problems, decision, reportedDelayMs } = reply;
      if (problems !== undefined) {
        const cured = curedQuery(query, problems);
        if (cured === undefined) return { value: { type: 'unfit', decision, path: false } };
        query = cured;
        continue;
      }
      const job = readStatusAnswer(query, envelope.data, [remoteId]).get(remoteId);
      if (job) {
        if (this.#deps.configured === 'auto') await this.#deps.facts.noteReading(query);
        else this.#takesNumber = query.takesNumber === true;
        return { value: { type: 'job', envelope: { ...envelope, job } } };
      }
      if (isPathAbsent(reply) && !(proven && decision.row === 'unknownJob')) {
        return { value: unfit(decision) };
      }
      const unknown = job === null && envelope.errors.length === 0 && reply.status < 400;
      if (unknown) return { value: { type: 'unknown', decision: rowDecision('unknownJob', 'read') } };
      return { decision, reportedDelayMs };
    }
  }

  async #askRest(remoteId: string, signal: AbortSignal, proven: boolean): Promise<Try<Answer>> {
    // Resolved as a step of the path it would lead to another address, with the key.
    if (DOT_SEGMENT.test(remoteId)) return { value: { type: 'unknown', decision: rowDecision('unknownJob', 'read') } };
    const reply = await this.#deps.client.read({
      endpoint: 'rest',
      path: `${REST_PATH}/${encodeURIComponent(remoteId)}`,
      signal,
    });
    if (reply.outcome === 'unanswered') return { decision: reply.decision };
    const { status, envelope, decision, reportedDelayMs } = reply;
    if (envelope.job) {
      await this.#deps.facts.noteReading('rest');
      return { value: { type: 'job', envelope } };
    }
    if (!isPathAbsent(reply)) {
      const mayBeNoEndpoint = !proven && status < 500 && decision.row !== 'rateLimited';
      return mayBeNoEndpoint ? { value: { type: 'unfit', decision, path: false } } : { decision, reportedDelayMs };
    }
    // The address of a job that does not exist is answered like one that leads nowhere, unless the answer says so itself; a
    // page is no answer of the API.
    const speaks = decision.row === 'unknownJob' || (proven && status === 404 && envelope.data !== undefined);
    return { value: speaks ? { type: 'unknown', decision: rowDecision('unknownJob', 'read') } : unfit(decision) };
  }
}

const unfit = (decision: Decision): Answer => ({ type: 'unfit', decision, path: true });

/** Nothing is at this address, whatever is asked there. */
function isPathAbsent({ status }: Answered): boolean {
  return PATH_ABSENT.includes(status);
}
