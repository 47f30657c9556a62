/** The service's own schema, asked for once, when somebody needs it. */
import { FluxError } from '../core/failure.ts';
import { Mutex } from '../core/primitives.ts';
import type { ApiClient } from './api-client.ts';
import type { Retries, Try } from './retry.ts';
import { readSchema, SCHEMA_DOCUMENT, type SchemaModel } from './schema/introspection.ts';

const ATTEMPTS = 2;
const MAX_BYTES = 8_000_000;

export class ServiceSchema {
  readonly #client: ApiClient;
  readonly #retries: Retries;
  readonly #asking = new Mutex();
  /** `none`: introspection is off. */
  #known: SchemaModel | 'none' | undefined;

  constructor(client: ApiClient, retries: Retries) {
    this.#client = client;
    this.#retries = retries;
  }

  /**
   * The schema; `undefined` when introspection is off. Callers that come while it is being read share that answer.
   * @param mayWait whether to wait for a permit
   * @throws FluxError when the service cannot be asked now; rejects with `signal.reason` when that is aborted
   */
  async get(signal: AbortSignal, mayWait = true): Promise<SchemaModel | undefined> {
    const known = await this.#asking.run(async () => (this.#known ??= await this.#ask(signal, mayWait)), signal);
    return known === 'none' ? undefined : known;
  }

  /** The schema, if this process has read it; sends nothing. */
  get lastRead(): SchemaModel | undefined {
    return this.#known === 'none' ? undefined : this.#known;
  }

  /** What was read does not fit any more. */
  forget(): void {
    this.#known = undefined;
  }

  async #ask(signal: AbortSignal, mayWait: boolean): Promise<SchemaModel | 'none' | undefined> {
    const once = async (): Promise<Try<unknown>> => {
      const reply = await this.#client.read({
        body: { query: SCHEMA_DOCUMENT },
        maxBytes: MAX_BYTES,
        mayWait,
        signal,
      });
      if (reply.outcome === 'unanswered') return { decision: reply.decision };
      const { status, envelope, decision, reportedDelayMs } = reply;
      const refused = status < 500 && decision.row !== 'rateLimited' && decision.row !== 'unreadable';
      return envelope.data !== undefined || refused ? { value: envelope.data } : { decision, reportedDelayMs };
    };
    const tried = await this.#retries.run(once, { what: 'read the schema', attempts: ATTEMPTS, signal });
    if ('value' in tried) return readSchema(tried.value) ?? 'none';
    const { failure } = tried;
    // Some services answer introspection with 5xx, or with more than can be read: a later request may succeed,
    // and candidates may still work.
    const wasRead = failure.httpStatus !== undefined && failure.httpStatus < 300;
    if (failure.kind === 'service_error' || wasRead) return undefined;
    throw new FluxError(failure);
  }
}
