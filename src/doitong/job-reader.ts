/** Reads a job's status, finding out first how this service wants to be asked; what was found is remembered. */
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient } from './api-client.ts';
import { CANDIDATE_QUERIES } from './discovery.ts';
import { isGraphqlName, type JobQuery } from './documents.ts';
import type { Envelope } from './envelope.ts';
import { faultVerdict, rowVerdict, type Verdict } from './failures.ts';
import { createTurns } from './in-turn.ts';
import type { Retries, Try } from './retry.ts';
import { curedQuery, readStatusAnswer, statusDocument } from './schema/status-document.ts';
import { findStatusQueries, plainQuery, type StatusQuery } from './schema/status-query.ts';
import type { ServiceFacts } from './service-facts.ts';
import type { ServiceSchema } from './service-schema.ts';

/** Tries of one request for jobs. */
export const READ_ATTEMPTS = 5;
const GRAPHQL_PATH = '/graphql';
const REST_PATH = '/v1/text_to_image';
const DOT_SEGMENT = /^\.{1,2}$/u;
const PATH_ABSENT: readonly number[] = [404, 405];
const HOW_TO_SET =
  'Ask the user to set DOITONG_JOB_QUERY to the query field and its argument that answer for a job, for example job(id), and to restart the server. The jobs are not lost.';

/** How jobs are asked for: by a query, or by GET at the REST door. */
type Way = StatusQuery | 'rest';

type Answer =
  | { type: 'job'; envelope: Envelope }
  /** The way is there, and leads to no such job. */
  | { type: 'unknown'; verdict: Verdict }
  /** The service does not have this way; nothing is known of the job then. `path`: there is nothing at all. */
  | { type: 'unfit'; verdict: Verdict; path: boolean };

export type JobReaderParts = {
  client: ApiClient;
  schema: ServiceSchema;
  facts: ServiceFacts;
  retries: Retries;
  log: Log;
  configured: JobQuery | 'auto';
};

export class JobReader {
  readonly #parts: JobReaderParts;
  readonly #inTurn = createTurns();
  /** Queries that the service has refused; asked for again when one that was known does not fit any more. */
  readonly #refused = new Set<string>();
  /** The configured query takes a number, as the service said. */
  #takesNumber = false;

  constructor(parts: JobReaderParts) {
    this.#parts = parts;
  }

  /** The answer that holds the job. @throws FluxError */
  async read(remoteId: string, signal: AbortSignal): Promise<Envelope> {
    const { configured, facts } = this.#parts;
    if (configured !== 'auto') return this.#readConfigured(configured, remoteId, signal);
    const { reading } = await facts.get();
    if (reading !== undefined) {
      const answer = await this.#ask(reading, remoteId, signal, true);
      if (answer.type !== 'unfit') return jobIn(answer);
      await this.#forget(reading);
    }
    // Readers that come while the way is looked for wait for the first one instead of asking the same.
    const envelope = await this.#inTurn(() => this.#discover(remoteId, signal), signal);
    if (envelope === undefined) throw new FluxError(faultVerdict(false, { cause: 'caller' }, 'read').failure);
    return envelope;
  }

  /** The ways that the schema or the list of candidates offers, best first; asks for the schema if need be. */
  async ways(signal: AbortSignal): Promise<readonly Way[]> {
    const { schema, facts } = this.#parts;
    const { dialect } = await facts.get();
    const told = await schema.get(signal);
    const submitField = dialect === 'generate' || dialect === 'generateImage' ? { submitField: dialect } : {};
    const queries =
      told === undefined
        ? CANDIDATE_QUERIES.map(({ field, argument }) => plainQuery(field, argument))
        : findStatusQueries(told, submitField);
    return [...queries, 'rest'];
  }

  /** The query by which several jobs can be asked for at once; `undefined` as long as none is known. */
  async knownWay(): Promise<Way | undefined> {
    const { configured, facts } = this.#parts;
    if (configured === 'auto') return (await facts.get()).reading;
    const { field, argument } = configured;
    return isGraphqlName(field) && isGraphqlName(argument) ? this.#configuredQuery(field, argument) : undefined;
  }

  async #readConfigured({ field, argument }: JobQuery, remoteId: string, signal: AbortSignal): Promise<Envelope> {
    if (!isGraphqlName(field) || !isGraphqlName(argument))
      throw noJobQuery('The configured status query is no GraphQL field with an argument.');
    const answer = await this.#ask(this.#configuredQuery(field, argument), remoteId, signal, true);
    if (answer.type !== 'unfit') return jobIn(answer);
    throw noJobQuery(
      `The service does not offer the status query ${field}(${argument}). ${answer.verdict.failure.message}`,
    );
  }

  #configuredQuery(field: string, argument: string): StatusQuery {
    return { ...plainQuery(field, argument), ...(this.#takesNumber ? { takesNumber: true } : {}) };
  }

  async #discover(remoteId: string, signal: AbortSignal): Promise<Envelope> {
    const { facts, log } = this.#parts;
    // Whoever had the turn before may have found it.
    const { reading } = await facts.get();
    const ways = reading === undefined ? await this.ways(signal) : [reading];
    let graphqlIsAbsent = false;
    let unknown: (Answer & { type: 'unknown' }) | undefined;
    for (const way of ways) {
      if (way !== 'rest' && (graphqlIsAbsent || this.#refused.has(JSON.stringify(way)))) continue;
      const answer = await this.#ask(way, remoteId, signal, way === reading);
      if (answer.type === 'job') {
        log.info('The way to read jobs is settled', { way: way === 'rest' ? 'rest' : way.field });
        return answer.envelope;
      }
      // It may lead to something else than jobs: only a job settles the way.
      if (answer.type === 'unknown') unknown ??= answer;
      else if (way === 'rest') {
        // It is the only door: what it says is about the key, or about this question.
        if (graphqlIsAbsent && !answer.path) throw new FluxError(answer.verdict.failure);
      } else if (answer.path) graphqlIsAbsent = true;
      else this.#refused.add(JSON.stringify(way));
    }
    if (unknown !== undefined) return jobIn(unknown);
    throw noJobQuery('No query was found by which this service tells the status of a job.');
  }

  async #forget(reading: Way): Promise<void> {
    if (!(await this.#parts.facts.forgetReading(reading))) return;
    this.#refused.clear();
    this.#parts.schema.forget();
  }

  /** @param proven the way has led to jobs before, or the user says so */
  async #ask(way: Way, remoteId: string, signal: AbortSignal, proven: boolean): Promise<Answer> {
    const once = (): Promise<Try<Answer>> =>
      way === 'rest' ? this.#askRest(remoteId, signal, proven) : this.#askQuery(way, remoteId, signal, proven);
    const tried = await this.#parts.retries.run(once, { what: 'read a job', attempts: READ_ATTEMPTS, signal });
    if ('value' in tried) return tried.value;
    throw new FluxError(tried.failures.at(-1) ?? tried.failures[0]);
  }

  async #askQuery(wanted: StatusQuery, remoteId: string, signal: AbortSignal, proven: boolean): Promise<Try<Answer>> {
    for (let query = wanted; ; ) {
      const reply = await this.#parts.client.send({
        purpose: 'read',
        door: 'graphql',
        path: GRAPHQL_PATH,
        body: { query: statusDocument(query, [remoteId]) },
        signal,
      });
      if (reply.outcome === 'unanswered') return { verdict: reply.verdict };
      const { envelope, problems, verdict, toldDelayMs } = reply;
      if (problems !== undefined) {
        const cured = curedQuery(query, problems);
        if (cured === undefined) return { value: { type: 'unfit', verdict, path: false } };
        query = cured;
        continue;
      }
      const job = readStatusAnswer(query, envelope.data, [remoteId]).get(remoteId);
      if (job) {
        if (this.#parts.configured === 'auto') await this.#parts.facts.noteReading(query);
        else this.#takesNumber = query.takesNumber === true;
        return { value: { type: 'job', envelope: { ...envelope, job } } };
      }
      if (isPathAbsent(reply) && !(proven && verdict.row === 'unknownJob')) {
        return { value: unfit(verdict) };
      }
      const unknown = job === null && envelope.errors.length === 0 && reply.status < 400;
      if (unknown) return { value: { type: 'unknown', verdict: rowVerdict('unknownJob', 'read') } };
      return { verdict, toldDelayMs };
    }
  }

  async #askRest(remoteId: string, signal: AbortSignal, proven: boolean): Promise<Try<Answer>> {
    // Resolved as a step of the path it would lead to another address, with the key.
    if (DOT_SEGMENT.test(remoteId)) return { value: { type: 'unknown', verdict: rowVerdict('unknownJob', 'read') } };
    const reply = await this.#parts.client.send({
      purpose: 'read',
      door: 'rest',
      path: `${REST_PATH}/${encodeURIComponent(remoteId)}`,
      signal,
    });
    if (reply.outcome === 'unanswered') return { verdict: reply.verdict };
    const { status, envelope, verdict, toldDelayMs } = reply;
    if (envelope.job) {
      await this.#parts.facts.noteReading('rest');
      return { value: { type: 'job', envelope } };
    }
    if (!isPathAbsent(reply)) {
      const mayBeNoDoor = !proven && status < 500 && verdict.row !== 'rateLimited';
      return mayBeNoDoor ? { value: { type: 'unfit', verdict, path: false } } : { verdict, toldDelayMs };
    }
    // The address of a job that does not exist is answered like one that leads nowhere; a page is no answer of the API.
    const speaks = proven && status === 404 && envelope.data !== undefined;
    return { value: speaks ? { type: 'unknown', verdict: rowVerdict('unknownJob', 'read') } : unfit(verdict) };
  }
}

const unfit = (verdict: Verdict): Answer => ({ type: 'unfit', verdict, path: true });

/** Nothing is at this address, whatever is asked there. */
function isPathAbsent({ status }: Answered): boolean {
  return PATH_ABSENT.includes(status);
}

/** @throws FluxError when the service knows no such job */
function jobIn(answer: Exclude<Answer, { type: 'unfit' }>): Envelope {
  if (answer.type === 'job') return answer.envelope;
  throw new FluxError(answer.verdict.failure);
}

function noJobQuery(message: string): FluxError {
  return new FluxError(rowVerdict('noJobQuery', 'read', { message, remedy: HOW_TO_SET }).failure);
}
