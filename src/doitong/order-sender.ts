/** Places an order in the dialect that this service speaks; moves on only when nothing was executed. */
import type { Log } from '../core/log.ts';
import type { Answered, ApiClient, Call, Reply } from './api-client.ts';
import {
  DIALECT_NAMES,
  DIALECTS,
  type Dialect,
  type DialectName,
  dialectOf,
  orderDocument,
  type WireOrder,
} from './dialects.ts';
import { withoutUnknownFields } from './discovery.ts';
import { type Decision, type Fence, rowDecision } from './failures.ts';
import {
  DOCUMENTED_ENCODING,
  type Encoding,
  fitToSchema,
  inputOf,
  omittedFields,
  optionalPaths,
  withoutFields,
} from './order-encoding.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { complainsOfValues, pathsToLeaveOut, type UnfitNames, unfitNames } from './schema/unfit-input.ts';
import type { Facts, ServiceFacts } from './service-facts.ts';
import type { ServiceSchema } from './service-schema.ts';

export type OrderSenderDeps = {
  client: ApiClient;
  schema: ServiceSchema;
  facts: ServiceFacts;
  fence: Fence;
  log: Log;
  configured: DialectName | 'auto';
};

export type OrderingOptions = Pick<Call, 'signal' | 'onWait'> & {
  idempotencyKey: string;
  /** Called before each try leaves, with the name of its dialect. */
  beforeSending: (dialect: string) => Promise<void>;
  /** The dialect in which an earlier try of this order left. */
  dialect?: string;
};

/** How an order is spelled: in which dialect, and what of it. */
type Attempt = { dialect: Dialect; encoding: Encoding };
/** A request as it is sent; `input` is inside its body. */
type Message = { input: Record<string, unknown>; body: unknown };

/** Every step drops something or moves on; more than this is a service that contradicts itself. */
const STEPS_MAX = 12;
/** An order is open for a day at the most, and nobody orders more than this in a day. */
const OPEN_MAX = 10_000;
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
  /** Orders that may have been carried out, by their keys, and how they were spelled then. */
  readonly #open = new Map<string, Attempt>();

  constructor(deps: OrderSenderDeps) {
    this.#deps = deps;
  }

  /**
   * One try of an order. The answer that counts is the last one; all before it executed nothing. A try that may have
   * been carried out ties the order to its dialect: another one could make and charge a second picture.
   */
  async once(order: WireOrder, options: OrderingOptions): Promise<Reply> {
    const { facts, log } = this.#deps;
    const known = await facts.get();
    const tied = this.#open.get(options.idempotencyKey) ?? attemptBefore(options.dialect, known);
    let dialects = tied === undefined ? this.#dialectsFrom(known.dialect) : [tied.dialect];
    let encoding = tied?.encoding ?? (known.dialect === dialects[0]?.name ? known.encoding : DOCUMENTED_ENCODING);
    const absent: Dialect[] = [];
    const absentPaths: string[] = [];
    let last: Reply | undefined;
    for (let step = 1; step <= STEPS_MAX; step += 1) {
      const [dialect] = dialects;
      if (dialect === undefined) break;
      const attempt = { dialect, encoding };
      const message = messageOf(attempt, order, encoding.bySchema ? await this.#schema(options.signal) : undefined);
      const reply = await this.#send(attempt, message, options);
      last = reply;
      if (reply.outcome === 'unanswered') return reply;
      if (reply.envelope.job) {
        await facts.noteOrdering(dialect.name, encoding);
        const leftOut = omittedFields(dialect, order, message.input);
        this.#warnOf(leftOut);
        return { ...reply, leftOut };
      }
      const next = await this.#next(attempt, order, message, reply, options);
      if (next.type === 'final') return next.decision === undefined ? reply : { ...reply, decision: next.decision };
      if (next.type === 'encoding') {
        encoding = next.encoding;
        continue;
      }
      absent.push(dialect);
      if (next.path) absentPaths.push(dialect.path);
      if (known.dialect === dialect.name) await facts.forgetOrdering(dialect.name);
      dialects = tied === undefined ? this.#dialectsFrom(undefined) : [];
      dialects = dialects.filter((dialect) => !absent.includes(dialect) && !absentPaths.includes(dialect.path));
      encoding = DOCUMENTED_ENCODING;
      log.info('The service does not offer this way to order', { dialect: dialect.name, next: dialects[0]?.name });
    }
    if (last?.outcome !== 'answered')
      return last ?? { outcome: 'unanswered', decision: rowDecision('notOffered', 'submit') };
    return { ...last, decision: this.#notOffered(absent, last) };
  }

  /** The ways to order that are tried, in their order; one that was found out before comes first. */
  #dialectsFrom(known: DialectName | undefined): readonly Dialect[] {
    const { configured } = this.#deps;
    if (configured !== 'auto') return [dialectOf(configured)];
    return known === undefined ? DIALECTS : [dialectOf(known), ...DIALECTS.filter(({ name }) => name !== known)];
  }

  async #send(attempt: Attempt, { body }: Message, options: OrderingOptions): Promise<Reply> {
    const { dialect } = attempt;
    const { idempotencyKey } = options;
    const before = this.#open.get(idempotencyKey);
    // Until the answer is there it may have been carried out, whatever goes wrong in between.
    this.#tie(idempotencyKey, attempt);
    const endpoint = dialect.kind === 'rest' ? 'rest' : 'graphql';
    const { signal, onWait } = options;
    const beforeSending = (): Promise<void> => options.beforeSending(dialect.name);
    const call = {
      purpose: 'submit',
      path: dialect.path,
      endpoint,
      body,
      idempotencyKey,
      signal,
      onWait,
      beforeSending,
    } as const;
    const reply = await this.#deps.client.send(call);
    if (isRefused(reply)) {
      if (before === undefined) this.#open.delete(idempotencyKey);
      else this.#open.set(idempotencyKey, before);
    }
    return reply;
  }

  #tie(idempotencyKey: string, attempt: Attempt): void {
    this.#open.set(idempotencyKey, attempt);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) this.#open.delete(oldest);
  }

  /** What an answer without a job leaves to try. Only refusals that executed nothing leave anything. */
  async #next(
    attempt: Attempt,
    order: WireOrder,
    message: Message,
    reply: Answered,
    options: OrderingOptions,
  ): Promise<Next> {
    const { dialect, encoding } = attempt;
    const { problems } = reply;
    if (PATH_ABSENT.includes(reply.status) && problems === undefined && reply.decision.row === 'notOffered') {
      return { type: 'absent', path: true };
    }
    if (dialect.kind === 'rest' || !executedNothing(reply)) return { type: 'final' };
    const said = reply.envelope.errors.map((error) => error.message);
    const complaints = pathsToLeaveOut(said, message.input, optionalPaths(dialect));
    if (complaints !== undefined) {
      // The schema may tell how a value is spelled there.
      const reported = complainsOfValues(said) ? await this.#schema(options.signal) : undefined;
      const next = reported && this.#nextBySchema(reported, { dialect, encoding }, order, message, reply);
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
    const schema = await this.#schema(options.signal);
    if (schema !== undefined) return this.#nextBySchema(schema, { dialect, encoding }, order, message, reply);
    const inputType = encoding.typeName ?? dialect.inputType;
    const typeIsAbsent = problems?.some((item) => item.problem === 'unknown_type' && item.type === inputType);
    if (typeIsAbsent === true) return { type: 'absent', path: false };
    return this.#finalBy(dialect, unfitNames(said, message.input, optionalPaths(dialect)), reply);
  }

  #nextBySchema(
    schema: SchemaModel,
    { dialect, encoding }: Attempt & { dialect: { kind: 'graphql' } },
    order: WireOrder,
    message: Message,
    reply: Answered,
  ): Next {
    const fitting = fitToSchema(schema, dialect, order, encoding);
    if (fitting.type === 'absent') return { type: 'absent', path: false };
    if (fitting.type === 'unserved') return this.#finalBy(dialect, fitting, reply);
    const respelled = messageOf({ dialect, encoding: fitting.encoding }, order, schema);
    // The very same would be sent again: what was refused is the content, or the schema has changed since it was told.
    if (JSON.stringify(respelled.body) !== JSON.stringify(message.body))
      return { type: 'encoding', encoding: fitting.encoding };
    if (reply.problems !== undefined) this.#deps.schema.forget();
    const said = reply.envelope.errors.map((error) => error.message);
    return this.#finalBy(dialect, unfitNames(said, message.input, optionalPaths(dialect)), reply);
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

  #warnOf(fields: readonly string[]): void {
    for (const part of fields.filter((name) => !this.#warned.has(name))) {
      this.#warned.add(part);
      this.#deps.log.warn('The service does not take this part of an order: it was left out', { part });
    }
  }

  #notOffered(absent: readonly Dialect[], { status, decision }: Answered): Decision {
    const { configured } = this.#deps;
    if (configured !== 'auto') {
      const remedy = `Ask the user to set DOITONG_DIALECT to auto (it is ${configured}), and to check that DOITONG_API_URL is the address of the Doitong API.`;
      return { ...decision, failure: { ...decision.failure, remedy } };
    }
    if (absent.length < 2) return decision;
    const names = absent.map(({ name }) => name).join(', ');
    return rowDecision('notOffered', 'submit', {
      status,
      message: `The service offers none of the documented ways to order a picture (${names} were tried). Nothing was executed.`,
    });
  }
}

/** An order that an earlier process may have sent is spelled in the same dialect again. */
function attemptBefore(dialect: string | undefined, known: Facts): Attempt | undefined {
  const name = DIALECT_NAMES.find((one) => one === dialect);
  if (name === undefined) return undefined;
  return { dialect: dialectOf(name), encoding: known.dialect === name ? known.encoding : DOCUMENTED_ENCODING };
}

function messageOf({ dialect, encoding }: Attempt, order: WireOrder, schema: SchemaModel | undefined): Message {
  const input = inputOf(dialect, order, encoding, schema);
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

/** It was not carried out, for certain. */
function isRefused(reply: Reply): boolean {
  const { creditsSpent } = reply.decision.failure;
  return creditsSpent === 'no' && (reply.outcome === 'unanswered' || !reply.envelope.job);
}

function withRemedy(decision: Decision, remedy: string): Next {
  return { type: 'final', decision: { ...decision, failure: { ...decision.failure, remedy } } };
}
