/** Reads several jobs in one request, cut to what the service takes; what goes wrong with one touches no other. */
import { type Failure, FluxError, failureOf } from '../core/failure.ts';
import type { Answered, ApiClient } from './api-client.ts';
import type { Envelope, WireError } from './envelope.ts';
import { answerDecision, type Decision, type Fence, rowDecision } from './failures.ts';
import { READ_ATTEMPTS } from './job-reader.ts';
import type { Retries, Try } from './retry.ts';
import { aliasOf, readStatusAnswer, statusDocument } from './schema/status-document.ts';
import type { StatusQuery } from './schema/status-query.ts';

/** More in one document is what services guard against, and what a plan never has under way. */
const JOBS_MAX = 25;
/** Refusals that may be about the number of jobs: with a single one they would not be met. */
const MAYBE_TOO_MANY: readonly Decision['row'][] = ['invalidRequest', 'tooLarge', 'notOffered', 'otherRefusal'];
/** The same, when they are still there after several tries. */
const LASTING: readonly Decision['row'][] = ['errorWithoutCode', 'unreadable'];
/** Beyond these a service that cannot be asked for one job cannot be asked for the next one either. */
const CONCERNS_ALL: readonly Failure['kind'][] = ['unreachable', 'rate_limited', 'bad_key'];

/** The answer for one job, as if it had been asked for alone. */
export type OneAnswer = { envelope: Envelope } | { failure: Failure };
export type Answers = Map<string, OneAnswer>;

export type BatchReaderDeps = {
  client: ApiClient;
  retries: Retries;
  fence: Fence;
  /** The query that has led to jobs before; `rest`: there is none, or none yet. */
  query: () => Promise<StatusQuery | 'rest' | undefined>;
  /** Reads one job, and finds out how if need be. @throws FluxError */
  readOne: (remoteId: string, signal: AbortSignal) => Promise<Envelope>;
};

/** `unfit`: the query does not fit any more. */
type Outcome = Answers | 'too_many' | 'unfit';

export class BatchReader {
  readonly #deps: BatchReaderDeps;
  /** Lowered for good when the service refuses a larger number. */
  #jobsMax = JOBS_MAX;

  constructor(deps: BatchReaderDeps) {
    this.#deps = deps;
  }

  /** How many jobs one request can ask for; at the REST endpoint a single one. */
  async atOnce(): Promise<number> {
    return (await this.#deps.query()) === 'rest' ? 1 : this.#jobsMax;
  }

  /** Never rejects but for an aborted signal; every id has an answer. */
  async read(remoteIds: readonly string[], signal: AbortSignal): Promise<Answers> {
    const ids = [...new Set(remoteIds)];
    const answers: Answers = new Map();
    let left = ids;
    while (left.length > 0) {
      signal.throwIfAborted();
      const query = await this.#deps.query();
      const isAlone = query === undefined || query === 'rest' || this.#jobsMax === 1 || left.length === 1;
      const asked = isAlone
        ? await this.#one(left, signal)
        : await this.#several(query, left.slice(0, this.#jobsMax), signal);
      for (const [id, answer] of asked) answers.set(id, answer);
      const hopeless = [...asked.values()].find(concernsAll);
      if (hopeless !== undefined) for (const id of left) if (!answers.has(id)) answers.set(id, hopeless);
      left = left.filter((id) => !answers.has(id));
    }
    return answers;
  }

  /** The answer for the first of these jobs. */
  async #one([id = '']: readonly string[], signal: AbortSignal): Promise<Answers> {
    try {
      return new Map([[id, { envelope: await this.#deps.readOne(id, signal) }]]);
    } catch (error) {
      if (signal.aborted || !(error instanceof FluxError)) throw error;
      return new Map([[id, { failure: error.failure }]]);
    }
  }

  /** @returns no answers when the same ids are to be requested differently */
  async #several(query: StatusQuery, ids: readonly string[], signal: AbortSignal): Promise<Answers> {
    const once = (): Promise<Try<Outcome>> => this.#ask(query, ids, signal);
    const tried = await this.#deps.retries.run(once, { what: 'read jobs', attempts: READ_ATTEMPTS, signal });
    signal.throwIfAborted();
    if ('failure' in tried) {
      const { failure, row } = tried;
      if (LASTING.includes(row)) return this.#fewer(ids.length);
      return new Map(ids.map((id) => [id, { failure }]));
    }
    const { value } = tried;
    if (value === 'too_many') return this.#fewer(ids.length);
    if (value !== 'unfit') return value;
    // Asked for alone it finds out what fits now; the others follow by that.
    return this.#one(ids, signal);
  }

  #fewer(count: number): Answers {
    this.#jobsMax = Math.min(this.#jobsMax, Math.max(1, Math.floor(count / 2)));
    return new Map();
  }

  async #ask(query: StatusQuery, ids: readonly string[], signal: AbortSignal): Promise<Try<Outcome>> {
    const reply = await this.#deps.client.read({
      endpoint: 'graphql',
      path: '/graphql',
      body: { query: statusDocument(query, ids) },
      fields: ids.length,
      signal,
    });
    if (reply.outcome === 'unanswered') return { decision: reply.decision };
    if (reply.problems !== undefined) return { value: 'unfit' };
    const reported = readStatusAnswer(query, reply.envelope.data, ids);
    if (reported.size > 0) return { value: this.#answersIn(reply, reported, ids) };
    if (MAYBE_TOO_MANY.includes(reply.decision.row)) return { value: 'too_many' };
    return { decision: reply.decision, reportedDelayMs: reply.reportedDelayMs };
  }

  #answersIn(
    { status, envelope }: Answered,
    reported: ReadonlyMap<string, Record<string, unknown> | null>,
    ids: readonly string[],
  ): Answers {
    return new Map(
      ids.map((id, index): [string, OneAnswer] => {
        const own = errorsOf(envelope.errors, index);
        const job = reported.get(id);
        if (job) return [id, { envelope: { job, data: envelope.data, errors: own } }];
        if (own.length > 0) {
          const { fence } = this.#deps;
          return [
            id,
            { failure: answerDecision(status, { job: null, data: undefined, errors: own }, 'read', fence).failure },
          ];
        }
        return [id, { failure: rowDecision(job === null ? 'unknownJob' : 'unreadable', 'read').failure }];
      }),
    );
  }
}

/** The errors that name this alias, or none: those may be about any. */
function errorsOf(errors: readonly WireError[], index: number): WireError[] {
  return errors.filter(({ path }) => path === undefined || path[0] === aliasOf(index));
}

function concernsAll(answer: OneAnswer): boolean {
  return 'failure' in answer && CONCERNS_ALL.includes(answer.failure.kind);
}

/** What nobody foresaw says nothing of the job. */
export function unforeseenReading(error: unknown): Failure {
  return failureOf(error, {
    message: 'Something unforeseen went wrong while the service was asked.',
    creditsSpent: 'maybe',
    retry: 'later',
  });
}
