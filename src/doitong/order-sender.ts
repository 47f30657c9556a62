/** Prepares an order in the dialect of this service, and sends it; another dialect is taken only when nothing was executed. */
import { FluxError, failureOf } from '../core/failure.ts';
import type { PrepareOptions, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { ImageRequest } from '../core/image-request.ts';
import { cleanWithout } from '../core/untrusted-text.ts';
import { type Answered, isPathAbsent } from './api-client.ts';
import type { DialectName, Encoding, GraphqlDialect, WireOrder } from './dialects.ts';
import { bodyOf, DIALECT_NAMES, DOCUMENTED_ENCODING, dialectOf, omittedFields, REST_PATH } from './dialects.ts';
import { type Fitting, fitToProblems, fitToSchema } from './encoding-fit.ts';
import { type Decision, rowDecision } from './failures.ts';
import type { FailedTry } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import type { ValidationProblem } from './validation-errors.ts';
import type { Wire } from './wire.ts';

export type DialectChoice = {
  dialect: DialectName;
  encoding: Encoding;
  /** Dialects to move on to; absent where the order is tied to this one, because it may have been carried out there. */
  others?: readonly DialectName[] | undefined;
  source: 'remembered' | 'schema' | 'documented';
  /** What the schema says of this dialect, where it was asked. */
  fitting?: Fitting;
};

/** An order as it leaves next, and what is left to try. Never changed: each refusal makes another one. */
export type Order = DialectChoice & { content: WireOrder; failedTries: number };

const ATTEMPTS = 3;
/** The smallest question there is. */
export const HEADERS_DOCUMENT = 'query { __typename }';
/** Refused before anything was done: the order may be encoded differently and sent again. */
const NOTHING_EXECUTED: readonly Decision['row'][] = ['invalidRequest', 'notOffered'];

export class OrderSender {
  readonly #warned = new Set<string>();
  /** For the time, once in a process: a service that does not tell it is not asked with each order. */
  #asked: Promise<unknown> | undefined;

  constructor(private readonly wire: Wire) {}

  readonly prepare = async (request: ImageRequest, { webhookUrl, dialect, signal }: PrepareOptions): Promise<Order> => {
    const { client } = this.wire;
    const unavailable = client.unavailable();
    if (unavailable !== undefined) throw new FluxError(unavailable);
    const choice = await this.choose(signal, dialect);
    // With the schema the service has told the time: an order keeps its age by it when this machine's clock is set.
    if (choice.source === 'remembered' && client.time.now() === undefined) {
      this.#asked ??= client.read({ body: { query: HEADERS_DOCUMENT }, mayWait: false, signal }).catch(() => undefined);
      await this.#asked;
    }
    return { ...choice, content: { ...request, webhookUrl }, failedTries: 0 };
  };

  readonly send = (order: Order, idempotencyKey: string, signal: AbortSignal): Promise<SendResult> =>
    this.#send(order, idempotencyKey, signal).catch((error: unknown) => {
      return { type: 'failed', failure: failureOf(error, 'order', { creditsSpent: 'maybe', retry: 'same_job' }) };
    });

  /** In which dialect an order would leave now. @param earlier the dialect in which it left before */
  async choose(signal: AbortSignal, earlier?: string): Promise<DialectChoice> {
    // An order that may have been carried out stays in its dialect: another one could make and charge a second picture.
    const tied = DIALECT_NAMES.find((name) => name === (earlier ?? this.wire.dialect));
    if (tied !== undefined) return { ...(await this.#firstOffered([tied], signal)), others: undefined };
    if (earlier !== undefined) {
      const reason = { code: 'dialect_unknown', dialect: earlier } as const;
      throw new FluxError({ kind: 'unsupported_service', reason, creditsSpent: 'maybe', retry: 'no' });
    }
    const { dialect: known = DIALECT_NAMES[0] } = await this.wire.facts.get();
    return this.#firstOffered([...new Set([known, ...DIALECT_NAMES])], signal);
  }

  async #send(order: Order, idempotencyKey: string, signal: AbortSignal): Promise<SendResult> {
    const { client, retries, facts, parser } = this.wire;
    const path = order.dialect === 'rest' ? REST_PATH : undefined;
    const reply = await client.send({ purpose: 'submit', path, body: bodyIn(order), idempotencyKey, signal });
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
  async #firstOffered(names: readonly DialectName[], signal: AbortSignal): Promise<DialectChoice> {
    const { dialect: known, reading: _, ...encoding } = await this.wire.facts.get();
    const [first = DIALECT_NAMES[0]] = names;
    const documented = { dialect: first, encoding: DOCUMENTED_ENCODING, others: names.slice(1) };
    const lastRead = this.wire.schema.known?.model;
    const isGone = lastRead !== undefined && fitToSchema(lastRead, dialectOf(first)).type === 'absent';
    if (first === known && !isGone) return { ...documented, encoding, source: 'remembered' };
    const schema = first === 'rest' ? undefined : await this.#schema(signal);
    if (schema === undefined) return { ...documented, source: 'documented' };
    const fittings = names.map((dialect) => ({ dialect, fitting: fitToSchema(schema, dialectOf(dialect)) }));
    const at = fittings.findIndex(({ fitting }) => fitting.type !== 'absent');
    const found = fittings[at];
    if (found === undefined) return { ...documented, source: 'schema', fitting: { type: 'absent' } };
    const fitted = found.fitting.type === 'encoding' ? found.fitting : documented;
    return { ...found, encoding: fitted.encoding, others: names.slice(at + 1), source: 'schema' };
  }

  /** An answer without a job: only what was refused before anything was executed leaves anything to try. */
  async #refused(order: Order, reply: Answered, signal: AbortSignal): Promise<SendResult> {
    const { problems, status, decision } = reply;
    const dialect = dialectOf(order.dialect);
    if (isEndpointAbsent(reply)) return this.#elsewhere(order, reply, signal);
    const executedNothing = problems !== undefined || NOTHING_EXECUTED.includes(decision.row);
    if (dialect.name === 'rest' || !executedNothing) return this.#failed(order, reply, signal);
    const fitting = await this.#fitAgain(order, dialect, problems ?? [], signal);
    if (fitting.type === 'absent') return this.#elsewhere(order, reply, signal);
    if (fitting.type === 'encoding') {
      const again: Order = { ...order, encoding: fitting.encoding };
      return isSame(again, order) ? this.#failed(order, reply, signal) : { type: 'again', order: again, afterMs: 0 };
    }
    const clean = (name: string): string => cleanWithout(this.wire.redact, name);
    const [missing, unknown] = [fitting.missing.map(clean), fitting.unknown.map(clean)];
    if (missing.length + unknown.length > 0) {
      const reason = { code: 'dialect_changed', dialect: order.dialect, missing, unknown } as const;
      return this.#failed(order, { decision: rowDecision('notOffered', 'submit', { status, reason }) }, signal);
    }
    // Otherwise it is the content that is refused.
    const isDialect = decision.row === 'notOffered';
    return this.#failed(order, isDialect ? this.#inOtherDialect(reply, 'auto') : reply, signal);
  }

  /** The schema may have changed since the order was encoded; where it says no more than it did then, the errors count. */
  async #fitAgain(order: Order, dialect: GraphqlDialect, problems: readonly ValidationProblem[], signal: AbortSignal) {
    const { encoding } = order;
    const schema = await this.#schema(signal);
    const fitting = schema && fitToSchema(schema, dialect, encoding);
    const isNews = fitting?.type !== 'encoding' || !isSame({ ...order, encoding: fitting.encoding }, order);
    if (fitting !== undefined && isNews) return fitting;
    if (schema !== undefined && problems.length > 0) this.wire.schema.forget();
    return fitToProblems(dialect, encoding, problems);
  }

  /** The dialect is not offered: the next one, if any is left. */
  async #elsewhere(order: Order, reply: Answered, signal: AbortSignal): Promise<SendResult> {
    const { facts, log, dialect: configured } = this.wire;
    const { dialect, content, failedTries } = order;
    await facts.forgetOrdering(dialect);
    // Where there is nothing at all, there is no other GraphQL dialect either.
    const isSameEndpoint = (name: DialectName): boolean => (name === 'rest') === (dialect === 'rest');
    const others = order.others?.filter((name) => !(isEndpointAbsent(reply) && isSameEndpoint(name)));
    log.info('The service does not offer this way to order', { dialect, next: others?.[0] });
    if (others?.[0] !== undefined) {
      const again: Order = { ...(await this.#firstOffered(others, signal)), content, failedTries };
      return { type: 'again', order: again, afterMs: 0 };
    }
    if (others !== undefined) {
      const reason = { code: 'no_dialect_offered', dialects: DIALECT_NAMES } as const;
      const { status } = reply;
      return this.#failed(order, { decision: rowDecision('notOffered', 'submit', { status, reason }) }, signal);
    }
    return this.#failed(order, configured === 'auto' ? reply : this.#inOtherDialect(reply, configured), signal);
  }

  /** The answer, for an order that would need another dialect than is set. */
  #inOtherDialect({ status, envelope, decision }: Answered, dialect: string): FailedTry {
    return { decision: rowDecision(decision.row, 'submit', { status, errors: envelope.errors, dialect }) };
  }

  #failed(order: Order, { decision, reportedDelayMs }: FailedTry, signal: AbortSignal): SendResult {
    const failedTries = order.failedTries + 1;
    const options = { what: 'submit', attempts: ATTEMPTS, signal };
    const { failure, delayMs } = this.wire.retries.after({ decision, reportedDelayMs }, failedTries, options);
    if (delayMs === undefined) return { type: 'failed', failure };
    const others = failure.creditsSpent === 'no' ? order.others : undefined;
    const again: Order = { ...order, others, failedTries };
    return { type: 'again', order: again, afterMs: delayMs, failure };
  }

  #withLeftOut(job: RemoteJob, { dialect, content, encoding }: Order): RemoteJob {
    const leftOut = omittedFields(dialectOf(dialect), content, encoding);
    for (const part of leftOut.filter((name) => !this.#warned.has(name))) {
      this.#warned.add(part);
      this.wire.log.warn('The service does not take this part of an order: it was left out', { part });
    }
    return leftOut.length === 0 ? job : { ...job, leftOut };
  }

  /** Without the schema an order is sent as documented: where the wait for a permit is reported, and not here. */
  async #schema(signal: AbortSignal): Promise<SchemaModel | undefined> {
    return this.wire.schema.get(signal, false).catch(() => undefined);
  }
}

const bodyIn = ({ dialect, content, encoding }: Order): object => bodyOf(dialectOf(dialect), content, encoding);

const isEndpointAbsent = ({ status, problems, decision }: Answered): boolean =>
  isPathAbsent(status) && problems === undefined && decision.row === 'notOffered';

const isSame = (one: Order, other: Order): boolean => JSON.stringify(bodyIn(one)) === JSON.stringify(bodyIn(other));
