/** Prepares an order in the dialect of this service, and sends it; another dialect is taken only when nothing was executed. */
import type { PrepareOptions, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient } from './api-client.ts';
import {
  bodyOf,
  type Dialect,
  DIALECT_NAMES,
  type DialectName,
  dialectOf,
  DOCUMENTED_ENCODING,
  type Encoding,
  type GraphqlDialect,
  type InputObject,
  omittedParts,
  type WireOrder,
} from './dialects.ts';
import { type Fitting, fitToProblems, fitToSchema, fittingOf } from './encoding-fit.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import type { JobParser } from './job-parser.ts';
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

/** The dialect in which an order leaves, and how it is encoded there. */
export type Placement = {
  dialect: DialectName;
  encoding: Encoding;
  /** Dialects to move on to; none as soon as the order may have been carried out in this one. */
  others: readonly DialectName[];
  /** Dialects that the service does not offer. */
  absent: readonly DialectName[];
  source: 'remembered' | 'schema' | 'documented';
  /** What the schema says of this dialect, where it was asked. */
  fitting?: Fitting;
};

/** An order as it leaves next, and what is left to try. Never changed: each refusal makes another one. */
export type Order = Pick<Placement, 'dialect' | 'encoding' | 'others' | 'absent'> & {
  content: WireOrder;
  body: InputObject;
  /** Tries that failed. */
  failedTries: number;
};

const ATTEMPTS = 3;
const PATH_ABSENT: readonly number[] = [404, 405];
/** Refused before anything was done: the order may be encoded differently and sent again. */
const NOTHING_EXECUTED: readonly Decision['row'][] = ['invalidRequest', 'notOffered'];

export class OrderSender {
  readonly #deps: OrderSenderDeps;
  readonly #warned = new Set<string>();

  constructor(deps: OrderSenderDeps) {
    this.#deps = deps;
  }

  async prepare(content: WireOrder, { dialect, signal }: Omit<PrepareOptions, 'webhookUrl'>): Promise<Order> {
    return placed(content, await this.plan(signal, dialect), 0);
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
    const { client, retries, facts, parser } = this.#deps;
    const dialect = dialectOf(order.dialect);
    const { body } = order;
    const path = dialect.kind === 'rest' ? { path: dialect.path } : {};
    const reply = await client.send({ purpose: 'submit', ...path, body, idempotencyKey, signal });
    if (reply.outcome === 'unanswered') return this.#failed(order, reply, signal);
    if (!reply.envelope.job) return this.#refused(order, reply, signal);
    await facts.noteOrdering(order.dialect, order.encoding);
    const job = parser.take(reply.envelope);
    // A job without a usable id exists all the same: no code next to it may call the order refused.
    if (job === undefined) {
      const decision = rowDecision('unreadable', 'submit', { status: reply.status });
      return this.#failed(order, { ...reply, decision }, signal);
    }
    retries.succeeded();
    return { type: 'accepted', job: this.#withLeftOut(job, order) };
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
    const fittings = names.map((dialect) => ({ dialect, fitting: fittingOf(schema, dialect) }));
    const at = fittings.findIndex(({ fitting }) => fitting.type !== 'absent');
    const found = fittings[at];
    if (found === undefined) return { ...documented, source: 'schema', fitting: { type: 'absent' } };
    const encoding = found.fitting.type === 'encoding' ? found.fitting.encoding : DOCUMENTED_ENCODING;
    return { ...found, encoding, others: names.slice(at + 1), absent: names.slice(0, at), source: 'schema' };
  }

  /** An answer without a job: only what was refused before anything was executed leaves anything to try. */
  async #refused(order: Order, reply: Answered, signal: AbortSignal): Promise<SendResult> {
    const { problems, status, decision } = reply;
    const dialect = dialectOf(order.dialect);
    const isPathAbsent = PATH_ABSENT.includes(status) && problems === undefined && decision.row === 'notOffered';
    if (isPathAbsent) return this.#elsewhere(order, reply, signal, dialect.kind);
    const executedNothing = problems !== undefined || NOTHING_EXECUTED.includes(decision.row);
    if (dialect.kind === 'rest' || !executedNothing) return this.#failed(order, reply, signal);
    const fitting = await this.#fitAgain(order, dialect, reply, signal);
    if (fitting.type === 'absent') return this.#elsewhere(order, reply, signal);
    if (fitting.type === 'unserved') {
      return this.#failed(order, { ...reply, decision: this.#unserved(fitting, dialect, reply) }, signal);
    }
    const body = bodyOf(dialect, order.content, fitting.encoding);
    if (isSame(body, order.body)) return this.#failed(order, reply, signal);
    const again: Order = { ...order, encoding: fitting.encoding, body };
    return { type: 'again', order: again, afterMs: 0 };
  }

  /** The schema may have changed since the order was encoded; where it says no more than it did then, the errors count. */
  async #fitAgain(
    { encoding, content, body }: Order,
    dialect: GraphqlDialect,
    { problems = [] }: Answered,
    signal: AbortSignal,
  ): Promise<Fitting> {
    const schema = await this.#schema(signal);
    if (schema !== undefined) {
      const fitting = fitToSchema(schema, dialect, encoding);
      if (fitting.type !== 'encoding' || !isSame(bodyOf(dialect, content, fitting.encoding), body)) return fitting;
      if (problems.length > 0) this.#deps.schema.forget();
    }
    return fitToProblems(dialect, encoding, problems);
  }

  /** The dialect is not offered: the next one, if any is left. @param absent the endpoint, where nothing is there at all */
  async #elsewhere(order: Order, reply: Answered, signal: AbortSignal, absent?: Dialect['kind']): Promise<SendResult> {
    const { facts, log } = this.#deps;
    const { dialect, content, failedTries } = order;
    await facts.forgetOrdering(dialect);
    const others = order.others.filter((name) => dialectOf(name).kind !== absent);
    log.info('The service does not offer this way to order', { dialect, next: others[0] });
    if (others.length === 0) return this.#failed(order, { ...reply, decision: this.#notOffered(order, reply) }, signal);
    const placement = await this.#placement(others, signal);
    const notOffered = [...order.absent, dialect, ...placement.absent];
    const again = placed(content, { ...placement, absent: notOffered }, failedTries);
    return { type: 'again', order: again, afterMs: 0 };
  }

  #failed(
    order: Order,
    result: { decision: Decision; reportedDelayMs?: number | undefined },
    signal: AbortSignal,
  ): SendResult {
    const failedTries = order.failedTries + 1;
    const { failure, delayMs } = this.#deps.retries.after(result, failedTries, {
      what: 'submit',
      attempts: ATTEMPTS,
      signal,
    });
    if (delayMs === undefined) return { type: 'failed', failure };
    const again: Order = { ...order, failedTries, others: failure.creditsSpent === 'no' ? order.others : [] };
    return { type: 'again', order: again, afterMs: delayMs, failure };
  }

  #withLeftOut(job: RemoteJob, { dialect, content, encoding }: Order): RemoteJob {
    const leftOut = omittedParts(dialectOf(dialect), content, encoding);
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

  /** The dialect is there and cannot be served; names what does not fit, where that is known. */
  #unserved(
    { missing, unknown }: Fitting & { type: 'unserved' },
    { name }: GraphqlDialect,
    { status, decision, envelope }: Answered,
  ): Decision {
    const { fence } = this.#deps;
    if (missing.length + unknown.length === 0) {
      if (decision.row !== 'notOffered') return decision;
      return rowDecision('notOffered', 'submit', { status, errors: envelope.errors, fence, dialect: 'auto' });
    }
    const reason = {
      code: 'dialect_changed',
      dialect: name,
      missing: missing.map(fence),
      unknown: unknown.map(fence),
    } as const;
    return rowDecision('notOffered', 'submit', { status, reason });
  }

  #notOffered(order: Order, { status, decision, envelope }: Answered): Decision {
    const tried = [...order.absent, order.dialect];
    const { configured, fence } = this.#deps;
    if (configured !== 'auto') {
      return rowDecision(decision.row, 'submit', { status, errors: envelope.errors, fence, dialect: configured });
    }
    if (tried.length < 2) return decision;
    return rowDecision('notOffered', 'submit', { status, reason: { code: 'no_dialect_offered', tried } });
  }
}

function placed(content: WireOrder, placement: Placement, failedTries: number): Order {
  const { dialect, encoding, others, absent } = placement;
  return {
    dialect,
    encoding,
    others,
    absent,
    content,
    failedTries,
    body: bodyOf(dialectOf(dialect), content, encoding),
  };
}

const isSame = (one: InputObject, other: InputObject): boolean => JSON.stringify(one) === JSON.stringify(other);
