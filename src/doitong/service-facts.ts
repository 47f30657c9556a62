/** What is known of this service: its own schema, and what was found out and kept for the next process. */
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/ports.ts';
import { Mutex } from '../core/primitives.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import type { WireMemory } from '../core/wire-memory.ts';
import type { ApiClient } from './api-client.ts';
import { DIALECT_NAMES, type DialectName, DOCUMENTED_ENCODING, type Encoding } from './dialects.ts';
import type { Retries, Try } from './retry.ts';
import { graphqlName, readSchema, SCHEMA_DOCUMENT, type SchemaModel } from './schema/introspection.ts';
import { type StatusQuery, statusQuerySchema } from './schema/status-query.ts';

const fieldPath = z.string().max(200);
const names = z.array(fieldPath).max(20).catch([]);
/** Read from the disk: a type's name stands in a document. */
const factsSchema = z.object({
  dialect: z.enum(DIALECT_NAMES).optional().catch(undefined),
  leftOut: names,
  webhookInOptions: z.boolean().catch(false),
  unselected: names,
  values: z.record(fieldPath, z.record(fieldPath, fieldPath.nullable())).catch({}),
  typeName: graphqlName.optional().catch(undefined),
  reading: z
    .union([statusQuerySchema, z.literal('rest')])
    .optional()
    .catch(undefined),
});

/** The dialect that was found, how orders are encoded in it, and how jobs are asked for (`rest`: by GET). */
type Facts = Encoding & { dialect?: DialectName | undefined; reading?: StatusQuery | 'rest' | undefined };

export class ServiceFacts {
  #known: Facts | undefined;
  #recalled: Promise<unknown> | undefined;

  /** @param containsSecret names come from the service, which may repeat the key in one */
  constructor(
    private readonly memory: WireMemory,
    private readonly log: Log,
    private readonly containsSecret: ContainsSecret = () => false,
  ) {}

  async get(): Promise<Facts> {
    this.#recalled ??= this.memory.recall();
    const recalled = await this.#recalled;
    this.#known ??= factsSchema.safeParse(recalled).data ?? DOCUMENTED_ENCODING;
    return this.#known;
  }

  /** An order in this encoding was accepted. */
  async noteOrdering(dialect: DialectName, encoding: Encoding): Promise<void> {
    const { reading } = await this.get();
    await this.#change({ ...encoding, dialect, reading });
  }

  async noteReading(reading: StatusQuery | 'rest'): Promise<void> {
    await this.#change({ ...(await this.get()), reading });
  }

  /** The dialect is not offered any more, unless another one was found meanwhile; how jobs are read stays. */
  async forgetOrdering(dialect: DialectName): Promise<void> {
    const { reading, dialect: known } = await this.get();
    if (known !== dialect) return;
    this.log.info('The dialect of this service no longer works and is determined again');
    await this.#change({ ...DOCUMENTED_ENCODING, reading });
  }

  /** This status query does not fit any more. @returns false when another one was found meanwhile */
  async forgetReading(unfit: StatusQuery | 'rest'): Promise<boolean> {
    const { reading, ...rest } = await this.get();
    if (JSON.stringify(reading) !== JSON.stringify(unfit)) return false;
    await this.#change(rest);
    return true;
  }

  async #change(facts: Facts): Promise<void> {
    const before = JSON.stringify(this.#known);
    this.#known = facts;
    const text = JSON.stringify(facts);
    if (text !== before && !this.containsSecret(text)) await this.memory.remember(facts);
  }
}

export class ServiceSchema {
  readonly #asking = new Mutex();
  /** `none`: introspection is off. */
  #known: SchemaModel | 'none' | undefined;

  constructor(
    private readonly client: ApiClient,
    private readonly retries: Retries,
  ) {}

  /**
   * `undefined` when introspection is off. Callers that come while the schema is being read share that answer.
   * @throws FluxError when the service cannot be asked now; rejects with `signal.reason` when that is aborted
   */
  async get(signal: AbortSignal, mayWait = true): Promise<SchemaModel | undefined> {
    const known = await this.#asking.run(async () => (this.#known ??= await this.#ask(signal, mayWait)));
    return known === 'none' ? undefined : known;
  }

  /** The schema, if this process has read it; sends nothing. */
  get lastRead(): SchemaModel | undefined {
    return this.#known === 'none' ? undefined : this.#known;
  }

  forget(): void {
    this.#known = undefined;
  }

  async #ask(signal: AbortSignal, mayWait: boolean): Promise<SchemaModel | 'none' | undefined> {
    const once = async (): Promise<Try<unknown>> => {
      const reply = await this.client.read({ body: { query: SCHEMA_DOCUMENT }, maxBytes: 8_000_000, mayWait, signal });
      if (reply.outcome === 'unanswered') return reply;
      const { status, envelope, decision } = reply;
      const refused = status < 500 && decision.row !== 'rateLimited' && decision.row !== 'unreadable';
      return envelope.data !== undefined || refused ? { value: envelope.data } : reply;
    };
    const tried = await this.retries.run(once, { what: 'read the schema', attempts: 2, signal });
    if ('value' in tried) return readSchema(tried.value) ?? 'none';
    const { failure } = tried;
    // Some services answer introspection with 5xx, or with more than can be read: candidates may still work.
    const wasRead = failure.httpStatus !== undefined && failure.httpStatus < 300;
    if (failure.kind === 'service_error' || wasRead) return undefined;
    throw new FluxError(failure);
  }
}
