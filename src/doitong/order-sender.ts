/** Prepares an order in the dialect of this service, and sends it; another dialect is taken only when nothing was executed. */
import type { PrepareOptions, RemoteJob, SendResult } from '../core/image-provider.ts';
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient } from './api-client.ts';
import {
  DIALECT_NAMES,
  DIALECTS,
  type Dialect,
  type DialectName,
  dialectOf,
  type GraphqlDialect,
  orderDocument,
  type WireOrder,
} from './dialects.ts';
import { withoutUnknownFields } from './discovery.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import type { JobParser } from './job-parser.ts';
import {
  DOCUMENTED_ENCODING,
  type Encoding,
  fitToSchema,
  inputOf,
  omittedFields,
  optionalPaths,
  withoutFields,
} from './order-encoding.ts';
import type { Retries } from './retry.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { complainsOfValues, pathsToLeaveOut, type UnfitNames, unfitNames } from './schema/unfit-input.ts';
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
const OTHER_DIALECT = 'Ask the user to set DOITONG_DIALECT to another way to order, or to update flux-pro-mcp.';

type Next =
  | { type: 'final'; decision?: Decision }
  | { type: 'encoding'; encoding: Encoding }
  /** `path`: nothing else is at this address either. */
  | { type: 'absent'; path: boolean };

export class OrderSender {
  readonly #deps: OrderSenderDeps;
  readonly #warned = new Set<string>();

  constructor(deps: OrderSenderDeps) {
    this.#deps = deps;
  }

  async prepare(content: WireOrder, { dialect: earlier, signal }: Omit<PrepareOptions, 'webhookUrl'>): Promise<Order> {
    const { facts, configured } = this.#deps;
    const known = await facts.get();
    // An order that may have been carried out stays in its dialect: another one could make and charge a second picture.
    const tied = DIALECT_NAMES.find((name) => name === earlier) ?? (configured === 'auto' ? undefined : configured);
    const dialect = tied ?? known.dialect ?? DIALECTS[0].name;
    return this.#encoded(
      {
        dialect,
        content,
        encoding: known.dialect === dialect ? known.encoding : DOCUMENTED_ENCODING,
        others: tied === undefined ? DIALECT_NAMES.filter((name) => name !== dialect) : [],
        absent: [],
        refusals: 0,
        failedTries: 0,
      },
      signal,
    );
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
    if (next.type === 'final') return this.#failed(order, { ...reply, ...next }, signal);
    const refusals = order.refusals + 1;
    const absent = next.type === 'absent' ? [...order.absent, order.dialect] : order.absent;
    const moved = next.type === 'encoding' ? { encoding: next.encoding } : await this.#movedOn(order, next.path);
    if (moved === undefined || refusals === REFUSALS_MAX)
      return this.#failed(order, { ...reply, decision: this.#notOffered(absent, reply) }, signal);
    return { type: 'again', order: await this.#encoded({ ...order, ...moved, absent, refusals }, signal), afterMs: 0 };
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

  /** The order in the next dialect, when the service lacks this one; `undefined` when none is left. */
  async #movedOn(order: Order, wholePath: boolean): Promise<Partial<Order> | undefined> {
    const { facts, log } = this.#deps;
    await facts.forgetOrdering(order.dialect);
    const { path } = dialectOf(order.dialect);
    const [dialect, ...others] = order.others.filter((name) => !wholePath || dialectOf(name).path !== path);
    log.info('The service does not offer this way to order', { dialect: order.dialect, next: dialect });
    if (dialect === undefined) return undefined;
    return { dialect, others, encoding: DOCUMENTED_ENCODING };
  }

  async #encoded(order: Omit<Order, 'input' | 'body'>, signal: AbortSignal): Promise<Order> {
    const schema = order.encoding.bySchema ? await this.#schema(signal) : undefined;
    return { ...order, ...messageOf(order, schema) };
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
    const { encoding, input } = order;
    const dialect = dialectOf(order.dialect);
    const { problems } = reply;
    if (PATH_ABSENT.includes(reply.status) && problems === undefined && reply.decision.row === 'notOffered') {
      return { type: 'absent', path: true };
    }
    if (dialect.kind === 'rest' || !executedNothing(reply)) return { type: 'final' };
    const said = reply.envelope.errors.map((error) => error.message);
    const complaints = pathsToLeaveOut(said, input, optionalPaths(dialect));
    if (complaints !== undefined) {
      // The schema may tell how a value is spelled there.
      const reported = complainsOfValues(said) ? await this.#schema(signal) : undefined;
      const next = reported && this.#nextBySchema(reported, order, dialect, reply);
      return next?.type === 'encoding'
        ? next
        : { type: 'encoding', encoding: withoutFields(dialect, encoding, complaints) };
    }
    if (problems !== undefined) {
      const fields = dialect.fields.filter((field) => !encoding.unselected.includes(field));
      const left = withoutUnknownFields(fields, ['id'], dialect.rootField, problems);
      if (left !== undefined) {
        const unselected = dialect.fields.filter((field) => !left.includes(field));
        return { type: 'encoding', encoding: { ...encoding, unselected } };
      }
      // No selected field goes by the name of a root field.
      const rootIsAbsent = problems.some(
        (item) =>
          item.problem === 'no_mutations' || (item.problem === 'unknown_field' && item.field === dialect.rootField),
      );
      if (rootIsAbsent) return { type: 'absent', path: false };
    }
    const schema = await this.#schema(signal);
    if (schema !== undefined) return this.#nextBySchema(schema, order, dialect, reply);
    const inputType = encoding.typeName ?? dialect.inputType;
    const typeIsAbsent = problems?.some((item) => item.problem === 'unknown_type' && item.type === inputType);
    if (typeIsAbsent === true) return { type: 'absent', path: false };
    return this.#finalBy(dialect, unfitNames(said, input, optionalPaths(dialect)), reply);
  }

  #nextBySchema(schema: SchemaModel, order: Order, dialect: GraphqlDialect, reply: Answered): Next {
    const { content, encoding, input } = order;
    const fitting = fitToSchema(schema, dialect, content, encoding);
    if (fitting.type === 'absent') return { type: 'absent', path: false };
    if (fitting.type === 'unserved') return this.#finalBy(dialect, fitting, reply);
    const encoded = messageOf({ ...order, encoding: fitting.encoding }, schema);
    // The very same would be sent again: what was refused is the content, or the schema has changed since it was told.
    if (JSON.stringify(encoded.body) !== JSON.stringify(order.body))
      return { type: 'encoding', encoding: fitting.encoding };
    if (reply.problems !== undefined) this.#deps.schema.forget();
    const said = reply.envelope.errors.map((error) => error.message);
    return this.#finalBy(dialect, unfitNames(said, input, optionalPaths(dialect)), reply);
  }

  /** The end of it, with the names of what stands in the way where they are known. */
  #finalBy({ name }: Dialect, { missing, unknown }: UnfitNames, reply: Answered): Next {
    const { status, decision, problems } = reply;
    if (missing.length + unknown.length === 0) {
      return problems === undefined || decision.row !== 'notOffered'
        ? { type: 'final' }
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

  /** Without the schema the answer says as much as it says. */
  async #schema(signal: AbortSignal): Promise<SchemaModel | undefined> {
    return this.#deps.schema.get(signal).catch(() => undefined);
  }

  #notOffered(absent: readonly DialectName[], { status, decision }: Answered): Decision {
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

function messageOf(order: Pick<Order, 'dialect' | 'content' | 'encoding'>, schema: SchemaModel | undefined) {
  const { content, encoding } = order;
  const dialect = dialectOf(order.dialect);
  const input = inputOf(dialect, content, encoding, schema);
  if (dialect.kind === 'rest') return { input, body: input };
  const fields = dialect.fields.filter((field) => !encoding.unselected.includes(field));
  const query = orderDocument({ ...dialect, inputType: encoding.typeName ?? dialect.inputType }, fields);
  return { input, body: { query, variables: { input } } };
}

/** Refused before anything was done: the order may be spelled differently and sent again. */
function executedNothing({ problems, decision }: Answered): boolean {
  if (problems !== undefined) return true;
  return decision.row === 'invalidRequest' || decision.row === 'notOffered';
}

function withRemedy(decision: Decision, remedy: string): Next {
  return { type: 'final', decision: { ...decision, failure: { ...decision.failure, remedy } } };
}
