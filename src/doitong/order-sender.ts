/** Prepares an order in the dialect of this service, and sends it; another dialect is taken only when nothing was executed. */
import type { PrepareOptions, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient } from './api-client.ts';
import { DIALECT_NAMES, type DialectName, dialectOf, type WireOrder } from './dialects.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import type { JobParser } from './job-parser.ts';
import {
  DOCUMENTED_ENCODING,
  encoded,
  type Fitting,
  fitToSchema,
  type Order,
  omittedFields,
  type Placement,
} from './order-encoding.ts';
import { type Next, nextAfter } from './order-refusal.ts';
import type { Retries } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import type { ServiceFacts } from './service-facts.ts';
import type { ServiceSchema } from './service-schema.ts';

export type OrderSenderDeps = {
  client: ApiClient;
  schema: ServiceSchema;
  facts: ServiceFacts;
  parser: JobParser;
  retries: Retries;
  fence: Fence;
  log: Log;
  configured: DialectName | 'auto';
};

/** Every refusal drops something or moves on; more than this is a service that contradicts itself. */
const REFUSALS_MAX = 12;
const ATTEMPTS = 3;

export class OrderSender {
  readonly #deps: OrderSenderDeps;
  readonly #warned = new Set<string>();

  constructor(deps: OrderSenderDeps) {
    this.#deps = deps;
  }

  async prepare(content: WireOrder, { dialect, signal }: Omit<PrepareOptions, 'webhookUrl'>): Promise<Order> {
    const order = { content, refusals: 0, failedTries: 0 };
    return this.#placed(order, await this.plan(signal, dialect));
  }

  /** How an order would leave now. @param earlier the dialect in which it left before */
  async plan(signal: AbortSignal, earlier?: string): Promise<Placement> {
    const { facts, configured } = this.#deps;
    const { dialect: known } = await facts.get();
    // An order that may have been carried out stays in its dialect: another one could make and charge a second picture.
    const tied = DIALECT_NAMES.find((name) => name === earlier) ?? (configured === 'auto' ? undefined : configured);
    const names = tied === undefined ? [...(known === undefined ? [] : [known]), ...DIALECT_NAMES] : [tied];
    return this.#placement([...new Set(names)], signal);
  }

  async send(order: Order, idempotencyKey: string, signal: AbortSignal): Promise<SendResult> {
    const { client, retries, facts } = this.#deps;
    const { kind, path } = dialectOf(order.dialect);
    const { body } = order;
    const endpoint = kind === 'rest' ? 'rest' : 'graphql';
    const reply = await client.send({ purpose: 'submit', endpoint, path, body, idempotencyKey, signal });
    if (reply.outcome === 'unanswered') return this.#failed(order, reply, signal);
    if (reply.envelope.job) {
      await facts.noteOrdering(order.dialect, order.encoding);
      const job = this.#deps.parser.take(reply.envelope);
      // A job without a usable id exists all the same: no code next to it may call the order refused.
      if (job === undefined) {
        const decision = rowDecision('unreadable', 'submit', { status: reply.status });
        return this.#failed(order, { ...reply, decision }, signal);
      }
      retries.succeeded();
      return { type: 'accepted', job: this.#withLeftOut(job, order) };
    }
    const next = await nextAfter(order, reply, {
      fence: this.#deps.fence,
      readSchema: () => this.#schema(signal),
      forgetSchema: () => this.#deps.schema.forget(),
    });
    if (next.type === 'final') return this.#failed(order, { ...reply, decision: next.decision }, signal);
    const again = await this.#again(order, next, signal);
    if (again !== undefined) return { type: 'again', order: again, afterMs: 0 };
    return this.#failed(order, { ...reply, decision: this.#notOffered(order, reply) }, signal);
  }

  async #again(order: Order, next: Exclude<Next, { type: 'final' }>, signal: AbortSignal): Promise<Order | undefined> {
    const { facts, log } = this.#deps;
    const { dialect, content } = order;
    const refusals = order.refusals + 1;
    if (refusals === REFUSALS_MAX) return undefined;
    if (next.type === 'encoding') {
      return { ...order, ...next, ...encoded(dialectOf(dialect), content, next.encoding), refusals };
    }
    await facts.forgetOrdering(dialect);
    const others = order.others.filter((name) => !next.path || dialectOf(name).path !== dialectOf(dialect).path);
    log.info('The service does not offer this way to order', { dialect, next: others[0] });
    if (others.length === 0) return undefined;
    const placement = await this.#placement(others, signal);
    return this.#placed(
      { ...order, refusals },
      { ...placement, absent: [...order.absent, dialect, ...placement.absent] },
    );
  }

  /** The first of these dialects that the schema offers; the first, as documented, where nobody can say. */
  async #placement(names: readonly DialectName[], signal: AbortSignal): Promise<Placement> {
    const known = await this.#deps.facts.get();
    const [first = DIALECT_NAMES[0]] = names;
    const documented = { dialect: first, encoding: DOCUMENTED_ENCODING, others: names.slice(1), absent: [] };
    const { lastRead } = this.#deps.schema;
    const isGone = lastRead !== undefined && fittingOf(lastRead, first).type === 'absent';
    if (first === known.dialect && !isGone) return { ...documented, encoding: known.encoding, source: 'remembered' };
    const schema = first === 'rest' ? undefined : await this.#schema(signal);
    if (schema === undefined) return { ...documented, source: 'documented' };
    const fittings = names.map((name) => ({ name, fitting: fittingOf(schema, name) }));
    const at = fittings.findIndex(({ fitting }) => fitting.type !== 'absent');
    const found = fittings[at];
    if (found === undefined) return { ...documented, source: 'schema', fitting: { type: 'absent' } };
    const { name, fitting } = found;
    return {
      dialect: name,
      encoding: fitting.type === 'encoding' ? fitting.encoding : DOCUMENTED_ENCODING,
      others: names.slice(at + 1),
      absent: names.slice(0, at),
      source: 'schema',
      fitting,
    };
  }

  #placed(
    order: Pick<Order, 'content' | 'refusals' | 'failedTries'>,
    { dialect, encoding, others, absent }: Placement,
  ): Order {
    const { content } = order;
    return { ...order, dialect, encoding, others, absent, ...encoded(dialectOf(dialect), content, encoding) };
  }

  #failed(
    order: Order,
    result: { decision: Decision; reportedDelayMs?: number | undefined },
    signal: AbortSignal,
  ): SendResult {
    const failedTries = order.failedTries + 1;
    const options = { what: 'submit', attempts: ATTEMPTS, signal };
    const { failure, delayMs } = this.#deps.retries.after(result, failedTries, options);
    if (delayMs === undefined) return { type: 'failed', failure };
    const again: Order = { ...order, failedTries, others: failure.creditsSpent === 'no' ? order.others : [] };
    return { type: 'again', order: again, afterMs: delayMs, failure };
  }

  #withLeftOut(job: RemoteJob, { dialect, content, input }: Order): RemoteJob {
    const leftOut = omittedFields(dialectOf(dialect), content, input);
    for (const part of leftOut.filter((name) => !this.#warned.has(name))) {
      this.#warned.add(part);
      this.#deps.log.warn('The service does not take this part of an order: it was left out', { part });
    }
    return leftOut.length === 0 ? job : { ...job, leftOut };
  }

  /** Without the schema an order is sent as documented: where the wait for a permit is reported, and not here. */
  async #schema(signal: AbortSignal): Promise<SchemaModel | undefined> {
    return this.#deps.schema.get(signal, false).catch(() => undefined);
  }

  #notOffered(order: Order, { status, decision }: Answered): Decision {
    const absent = [...order.absent, order.dialect];
    const { configured } = this.#deps;
    if (configured !== 'auto') {
      const remedy = `Ask the user to set DOITONG_DIALECT to auto (it is ${configured}), and to check that DOITONG_API_URL is the address of the Doitong API.`;
      return { ...decision, failure: { ...decision.failure, remedy } };
    }
    if (absent.length < 2) return decision;
    return rowDecision('notOffered', 'submit', {
      status,
      message: `The service offers none of the documented ways to order a picture (${absent.join(', ')} were tried). Nothing was executed.`,
    });
  }
}

/** What the schema says of a dialect; it does not speak of REST. */
export function fittingOf(schema: SchemaModel, name: DialectName): Fitting {
  const dialect = dialectOf(name);
  if (dialect.kind === 'rest') return { type: 'encoding', encoding: DOCUMENTED_ENCODING };
  return fitToSchema(schema, dialect, DOCUMENTED_ENCODING);
}
