/** Prepares an order in the dialect of this service, and sends it; another dialect is taken only when nothing was executed. */
import type { PrepareOptions, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient } from './api-client.ts';
import {
  DIALECT_NAMES,
  type Dialect,
  type DialectName,
  dialectOf,
  type GraphqlDialect,
  type WireOrder,
} from './dialects.ts';
import { withoutUnknownFields } from './discovery.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import type { JobParser } from './job-parser.ts';
import {
  DOCUMENTED_ENCODING,
  type Encoding,
  encoded,
  type Fitting,
  fitToSchema,
  omittedFields,
  optionalPaths,
  withoutFields,
} from './order-encoding.ts';
import type { Retries } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { pathsToLeaveOut, type UnfitNames, unfitNames } from './schema/unfit-input.ts';
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
export type Placement = Pick<Order, 'dialect' | 'encoding' | 'others' | 'absent'> & {
  source: 'remembered' | 'schema' | 'documented';
  /** What the schema says of this dialect, where it was asked. */
  fitting?: Fitting;
};

/** An order as it leaves next, and what is left to try. Never changed: each refusal makes another one. */
export type Order = {
  dialect: DialectName;
  content: WireOrder;
  encoding: Encoding;
  /** `input` is inside the body. */
  input: Record<string, unknown>;
  body: unknown;
  /** Dialects to move on to; none as soon as the order may have been carried out in this one. */
  others: readonly DialectName[];
  /** Dialects that the service does not offer. */
  absent: readonly DialectName[];
  /** How often it was refused for its encoding. */
  refusals: number;
  /** Tries that failed. */
  failedTries: number;
};

/** Every refusal drops something or moves on; more than this is a service that contradicts itself. */
const REFUSALS_MAX = 12;
const ATTEMPTS = 3;
const PATH_ABSENT: readonly number[] = [404, 405];
/** Refused before anything was done: the order may be encoded differently and sent again. */
const NOTHING_EXECUTED: readonly Decision['row'][] = ['invalidRequest', 'notOffered'];
const OTHER_DIALECT = 'Ask the user to set DOITONG_DIALECT to another way to order, or to update flux-pro-mcp.';

type Next =
  | { type: 'final'; decision: Decision }
  | { type: 'encoding'; encoding: Encoding }
  /** `path`: nothing else is at this address either. */
  | { type: 'absent'; path: boolean };

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
    const next = await this.#next(order, reply, signal);
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
    const { told } = this.#deps.schema;
    const isGone = told !== undefined && fittingOf(told, first).type === 'absent';
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

  /** What an answer without a job leaves to try. Only refusals that executed nothing leave anything. */
  async #next(order: Order, reply: Answered, signal: AbortSignal): Promise<Next> {
    const dialect = dialectOf(order.dialect);
    const { problems, status, decision } = reply;
    if (PATH_ABSENT.includes(status) && problems === undefined && decision.row === 'notOffered') {
      return { type: 'absent', path: true };
    }
    const executedNothing = problems !== undefined || NOTHING_EXECUTED.includes(decision.row);
    if (dialect.kind === 'rest' || !executedNothing) return { type: 'final', decision };
    return (await this.#nextBySchema(order, dialect, reply, signal)) ?? this.#nextByMessages(order, dialect, reply);
  }

  /** The schema may have changed since the order was encoded; `undefined` when it says no more than it did then. */
  async #nextBySchema(
    order: Order,
    dialect: GraphqlDialect,
    reply: Answered,
    signal: AbortSignal,
  ): Promise<Next | undefined> {
    const schema = await this.#schema(signal);
    if (schema === undefined) return undefined;
    const fitting = fitToSchema(schema, dialect, order.encoding);
    if (fitting.type === 'absent') return { type: 'absent', path: false };
    if (fitting.type === 'unserved') return this.#finalBy(dialect, fitting, reply);
    const { body } = encoded(dialect, order.content, fitting.encoding);
    if (JSON.stringify(body) !== JSON.stringify(order.body)) return fitting;
    if (reply.problems !== undefined) this.#deps.schema.forget();
    return undefined;
  }

  #nextByMessages({ encoding, input }: Order, dialect: GraphqlDialect, reply: Answered): Next {
    const { problems = [], envelope } = reply;
    const said = envelope.errors.map(({ message }) => message);
    const refused = pathsToLeaveOut(said, input, optionalPaths(dialect));
    if (refused !== undefined) return { type: 'encoding', encoding: withoutFields(dialect, encoding, refused) };
    const fields = dialect.fields.filter((field) => !encoding.unselected.includes(field));
    const left = withoutUnknownFields(fields, ['id'], dialect.rootField, problems);
    if (left !== undefined) {
      const unselected = dialect.fields.filter((field) => !left.includes(field));
      return { type: 'encoding', encoding: { ...encoding, unselected } };
    }
    const { rootField, inputType } = dialect;
    // No selected field goes by the name of a root field.
    const isAbsent = problems.some(
      (item) =>
        item.problem === 'no_mutations' ||
        (item.problem === 'unknown_field' && item.field === rootField) ||
        (item.problem === 'unknown_type' && item.type === (encoding.typeName ?? inputType)),
    );
    if (isAbsent) return { type: 'absent', path: false };
    return this.#finalBy(dialect, unfitNames(said, input, optionalPaths(dialect)), reply);
  }

  /** The end of it, with the names of what stands in the way where they are known. */
  #finalBy({ name }: Dialect, { missing, unknown }: UnfitNames, reply: Answered): Next {
    const { status, decision, problems } = reply;
    if (missing.length + unknown.length === 0) {
      return problems === undefined || decision.row !== 'notOffered'
        ? { type: 'final', decision }
        : withRemedy(decision, OTHER_DIALECT);
    }
    const { fence } = this.#deps;
    const pieces = [
      ...(missing.length === 0 ? [] : [`it requires ${fence(missing.join(', '))}, which this program does not know`]),
      ...(unknown.length === 0 ? [] : [`it does not take ${fence(unknown.join(', '))} as documented`]),
    ];
    const message = `The service's ${name} has changed: ${pieces.join('; ')}. Nothing was executed.`;
    return { type: 'final', decision: rowDecision('notOffered', 'submit', { status, message, remedy: OTHER_DIALECT }) };
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

function withRemedy(decision: Decision, remedy: string): Next {
  return { type: 'final', decision: { ...decision, failure: { ...decision.failure, remedy } } };
}
