/** Reads a job's status, finding out first how this service wants to be asked; what was found is remembered. */
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { CANDIDATE_QUERIES, readSchema } from './discovery.ts';
import {
  ESSENTIAL_STATUS_FIELDS,
  INTROSPECTION_DOCUMENT,
  isGraphqlName,
  type JobQuery,
  jobDocument,
  STATUS_FIELDS,
} from './documents.ts';
import type { Envelope } from './envelope.ts';
import { faultVerdict, rowVerdict, type Verdict } from './failures.ts';
import type { GraphqlClient } from './graphql-client.ts';
import { createTurns } from './in-turn.ts';
import type { Retries, Try } from './retry.ts';

const READ_ATTEMPTS = 5;
const INTROSPECTION_ATTEMPTS = 2;
const HOW_TO_SET =
  'Set DOITONG_JOB_QUERY to the query field and its argument that answer for a job, for example job(id), and restart the server. The jobs are not lost.';

/** A query that is asked, and the fields that are left of its selection. */
type Known = { query: JobQuery; selection: { fields: readonly string[] } };

/** `unfit`: the service does not have this query; nothing is known of the job then. */
type Answer = { type: 'job'; envelope: Envelope } | { type: 'unfit'; verdict: Verdict };

export class JobReader {
  private known: Known | undefined;
  private introspected = false;
  private candidates: readonly JobQuery[] = CANDIDATE_QUERIES;
  private readonly inTurn = createTurns();

  constructor(
    private readonly client: GraphqlClient,
    private readonly retries: Retries,
    private readonly log: Log,
    private readonly configured: JobQuery | 'auto',
  ) {
    if (configured !== 'auto') this.known = asKnown(configured);
  }

  /** The answer that holds the job. @throws FluxError */
  async read(remoteId: string, signal: AbortSignal): Promise<Envelope> {
    if (this.known) return this.readKnown(this.known, remoteId, signal);
    // Readers that come while the query is looked for wait for the first one instead of asking the same.
    const envelope = await this.inTurn(() => this.discoverAndRead(remoteId, signal), signal);
    if (envelope === undefined) throw new FluxError(faultVerdict(false, { cause: 'caller' }, 'read').failure);
    return envelope;
  }

  private async readKnown(known: Known, remoteId: string, signal: AbortSignal): Promise<Envelope> {
    const answer = await this.ask(known, remoteId, signal);
    if (answer.type === 'job') return answer.envelope;
    const { field, argument } = known.query;
    if (this.configured === 'auto') this.forget();
    throw noJobQuery(
      `The service does not offer the status query ${field}(${argument}). ${answer.verdict.failure.message}`,
    );
  }

  private async discoverAndRead(remoteId: string, signal: AbortSignal): Promise<Envelope> {
    if (!this.known && !this.introspected) await this.introspect(signal);
    if (this.known) return this.readKnown(this.known, remoteId, signal);
    while (this.candidates[0] !== undefined) {
      const candidate = asKnown(this.candidates[0]);
      const answer = await this.ask(candidate, remoteId, signal);
      if (answer.type === 'job') {
        this.remember(candidate);
        return answer.envelope;
      }
      this.candidates = this.candidates.slice(1);
    }
    throw noJobQuery('No query was found by which this service tells the status of a job.');
  }

  private async ask(known: Known, remoteId: string, signal: AbortSignal): Promise<Answer> {
    const { query, selection } = known;
    if (!isGraphqlName(query.field) || !isGraphqlName(query.argument)) {
      throw noJobQuery('The configured status query is no GraphQL field with an argument.');
    }
    const once = async (): Promise<Try<Answer>> => {
      const reply = await this.client.select({
        purpose: 'read',
        rootField: query.field,
        document: (fields) => jobDocument(query, remoteId, fields),
        selection,
        essential: ESSENTIAL_STATUS_FIELDS,
        signal,
      });
      if (reply.outcome === 'unanswered') return { verdict: reply.verdict };
      const { envelope, problems, verdict, toldDelayMs } = reply;
      if (problems !== undefined) return { value: { type: 'unfit', verdict } };
      if (envelope.job) return { value: { type: 'job', envelope } };
      // An answer with `data` was executed: the query exists, whatever became of the job.
      if (envelope.data !== undefined) this.remember(known);
      const unknown = envelope.job === null && envelope.errors.length === 0 && reply.status < 400;
      return { verdict: unknown ? rowVerdict('unknownJob', 'read') : verdict, toldDelayMs };
    };
    const tried = await this.retries.run(once, { what: 'read a job', attempts: READ_ATTEMPTS, signal });
    if ('value' in tried) return tried.value;
    throw new FluxError(tried.failures.at(-1) ?? tried.failures[0]);
  }

  /** Sets `known`, or narrows the candidates, or leaves everything as it is when the service refuses to tell. */
  private async introspect(signal: AbortSignal): Promise<void> {
    const once = async (): Promise<Try<unknown>> => {
      const reply = await this.client.send({ purpose: 'read', document: INTROSPECTION_DOCUMENT, signal });
      if (reply.outcome === 'unanswered') return { verdict: reply.verdict };
      const { status, envelope, verdict, toldDelayMs } = reply;
      const refused = status < 500 && verdict.row !== 'rateLimited';
      return envelope.data !== undefined || refused ? { value: envelope.data } : { verdict, toldDelayMs };
    };
    const terms = { what: 'read the schema', attempts: INTROSPECTION_ATTEMPTS, signal };
    const tried = await this.retries.run(once, terms);
    if ('failures' in tried) {
      const failure = tried.failures.at(-1) ?? tried.failures[0];
      // Some services answer a question for their schema with 5xx: the candidates may still work.
      if (failure.kind === 'service_error') return;
      throw new FluxError(failure);
    }
    this.introspected = true;
    const schema = readSchema(tried.value);
    if (schema === undefined) return;
    this.candidates = CANDIDATE_QUERIES.filter(({ field }) => schema.rootFields.has(field));
    if (schema.query) this.remember({ query: schema.query, selection: { fields: schema.fields } });
  }

  private remember(known: Known): void {
    if (this.known?.query.field === known.query.field) return;
    this.known = known;
    this.log.info('The status query is settled', { field: known.query.field, argument: known.query.argument });
  }

  private forget(): void {
    this.known = undefined;
    this.introspected = false;
    this.candidates = CANDIDATE_QUERIES;
  }
}

function asKnown(query: JobQuery): Known {
  return { query, selection: { fields: STATUS_FIELDS } };
}

function noJobQuery(message: string): FluxError {
  return new FluxError(rowVerdict('noJobQuery', 'read', { message, remedy: HOW_TO_SET }).failure);
}
