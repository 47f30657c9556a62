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
import { type Quote, rowVerdict, type Verdict } from './failures.ts';
import {
  DOCUMENTED_SHAPE,
  fitToSchema,
  inputOf,
  optionalPlaces,
  partsLeftOut,
  type Shape,
  withoutPlaces,
} from './order-encoding.ts';
import type { SchemaModel } from './schema/introspection.ts';
import { complainsOfValues, pathsToLeaveOut, type UnfitNames, unfitNames } from './schema/unfit-input.ts';
import type { Facts, ServiceFacts } from './service-facts.ts';
import type { ServiceSchema } from './service-schema.ts';

export type OrderSenderParts = {
  client: ApiClient;
  schema: ServiceSchema;
  facts: ServiceFacts;
  quote: Quote;
  log: Log;
  configured: DialectName | 'auto';
};

export type OrderTerms = Pick<Call, 'signal' | 'onWait'> & {
  idempotencyKey: string;
  /** Called before each try leaves, with the name of its dialect. */
  beforeSending: (way: string) => Promise<void>;
  /** The dialect in which an earlier try of this order left. */
  way?: string;
};

/** How an order is spelled: in which dialect, and what of it. */
type Spelling = { dialect: Dialect; shape: Shape };
/** A request as it is sent; `input` is inside its body. */
type Message = { input: Record<string, unknown>; body: unknown };

/** Every step drops something or moves on; more than this is a service that contradicts itself. */
const STEPS_MAX = 12;
/** An order is open for a day at the most, and nobody orders more than this in a day. */
const OPEN_MAX = 10_000;
const PATH_ABSENT: readonly number[] = [404, 405];
const OTHER_WAY = 'Ask the user to set DOITONG_DIALECT to another way to order, or to update flux-pro-mcp.';

type Next =
  | { type: 'final'; verdict?: Verdict }
  | { type: 'shape'; shape: Shape }
  /** `path`: nothing else is at this address either. */
  | { type: 'absent'; path: boolean };

export class OrderSender {
  readonly #parts: OrderSenderParts;
  readonly #warned = new Set<string>();
  /** Orders that may have been carried out, by their keys, and how they were spelled then. */
  readonly #open = new Map<string, Spelling>();

  constructor(parts: OrderSenderParts) {
    this.#parts = parts;
  }

  /**
   * One try of an order. The answer that counts is the last one; all before it executed nothing. A try that may have
   * been carried out ties the order to its dialect: another one could make and charge a second picture.
   */
  async once(order: WireOrder, terms: OrderTerms): Promise<Reply> {
    const { facts, log } = this.#parts;
    const known = await facts.get();
    const tied = this.#open.get(terms.idempotencyKey) ?? spelledBefore(terms.way, known);
    let ways = tied === undefined ? this.#waysFrom(known.dialect) : [tied.dialect];
    let shape = tied?.shape ?? (known.dialect === ways[0]?.name ? known.shape : DOCUMENTED_SHAPE);
    const absent: Dialect[] = [];
    const absentPaths: string[] = [];
    let last: Reply | undefined;
    for (let step = 1; step <= STEPS_MAX; step += 1) {
      const [dialect] = ways;
      if (dialect === undefined) break;
      const spelling = { dialect, shape };
      const message = messageOf(spelling, order, shape.bySchema ? await this.#schema(terms.signal) : undefined);
      const reply = await this.#send(spelling, message, terms);
      last = reply;
      if (reply.outcome === 'unanswered') return reply;
      if (reply.envelope.job) {
        await facts.noteOrdering(dialect.name, shape);
        const leftOut = partsLeftOut(dialect, order, message.input);
        this.#warnOf(leftOut);
        return { ...reply, leftOut };
      }
      const next = await this.#next(spelling, order, message, reply, terms);
      if (next.type === 'final') return next.verdict === undefined ? reply : { ...reply, verdict: next.verdict };
      if (next.type === 'shape') {
        shape = next.shape;
        continue;
      }
      absent.push(dialect);
      if (next.path) absentPaths.push(dialect.path);
      if (known.dialect === dialect.name) await facts.forgetOrdering(dialect.name);
      ways = tied === undefined ? this.#waysFrom(undefined) : [];
      ways = ways.filter((way) => !absent.includes(way) && !absentPaths.includes(way.path));
      shape = DOCUMENTED_SHAPE;
      log.info('The service does not offer this way to order', { dialect: dialect.name, next: ways[0]?.name });
    }
    if (last?.outcome !== 'answered')
      return last ?? { outcome: 'unanswered', verdict: rowVerdict('notOffered', 'submit') };
    return { ...last, verdict: this.#notOffered(absent, last) };
  }

  /** The ways to order that are tried, in their order; one that was found out before comes first. */
  #waysFrom(known: DialectName | undefined): readonly Dialect[] {
    const { configured } = this.#parts;
    if (configured !== 'auto') return [dialectOf(configured)];
    return known === undefined ? DIALECTS : [dialectOf(known), ...DIALECTS.filter(({ name }) => name !== known)];
  }

  async #send(spelling: Spelling, { body }: Message, terms: OrderTerms): Promise<Reply> {
    const { dialect } = spelling;
    const { idempotencyKey } = terms;
    const before = this.#open.get(idempotencyKey);
    // Until the answer is there it may have been carried out, whatever goes wrong in between.
    this.#tie(idempotencyKey, spelling);
    const door = dialect.kind === 'rest' ? 'rest' : 'graphql';
    const { signal, onWait } = terms;
    const beforeSending = (): Promise<void> => terms.beforeSending(dialect.name);
    const call = {
      purpose: 'submit',
      path: dialect.path,
      door,
      body,
      idempotencyKey,
      signal,
      onWait,
      beforeSending,
    } as const;
    const reply = await this.#parts.client.send(call);
    if (isRefused(reply)) {
      if (before === undefined) this.#open.delete(idempotencyKey);
      else this.#open.set(idempotencyKey, before);
    }
    return reply;
  }

  #tie(idempotencyKey: string, spelling: Spelling): void {
    this.#open.set(idempotencyKey, spelling);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) this.#open.delete(oldest);
  }

  /** What an answer without a job leaves to try. Only refusals that executed nothing leave anything. */
  async #next(
    spelling: Spelling,
    order: WireOrder,
    message: Message,
    reply: Answered,
    terms: OrderTerms,
  ): Promise<Next> {
    const { dialect, shape } = spelling;
    const { problems } = reply;
    if (PATH_ABSENT.includes(reply.status) && problems === undefined && reply.verdict.row === 'notOffered') {
      return { type: 'absent', path: true };
    }
    if (dialect.kind === 'rest' || !executedNothing(reply)) return { type: 'final' };
    const said = reply.envelope.errors.map((error) => error.message);
    const complaints = pathsToLeaveOut(said, message.input, optionalPlaces(dialect));
    if (complaints !== undefined) {
      // The schema may tell how a value is spelled there.
      const told = complainsOfValues(said) ? await this.#schema(terms.signal) : undefined;
      const next = told && this.#nextBySchema(told, { dialect, shape }, order, message, reply);
      return next?.type === 'shape' ? next : { type: 'shape', shape: withoutPlaces(dialect, shape, complaints) };
    }
    if (problems !== undefined) {
      const fields = dialect.fields.filter((field) => !shape.unselected.includes(field));
      const left = withoutUnknownFields(fields, ['id'], dialect.rootField, problems);
      if (left !== undefined) {
        const unselected = dialect.fields.filter((field) => !left.includes(field));
        return { type: 'shape', shape: { ...shape, unselected } };
      }
      // No selected field goes by the name of a root field.
      const rootIsAbsent = problems.some(
        (item) =>
          item.problem === 'no_mutations' || (item.problem === 'unknown_field' && item.field === dialect.rootField),
      );
      if (rootIsAbsent) return { type: 'absent', path: false };
    }
    const schema = await this.#schema(terms.signal);
    if (schema !== undefined) return this.#nextBySchema(schema, { dialect, shape }, order, message, reply);
    const inputType = shape.typeName ?? dialect.inputType;
    const typeIsAbsent = problems?.some((item) => item.problem === 'unknown_type' && item.type === inputType);
    if (typeIsAbsent === true) return { type: 'absent', path: false };
    return this.#finalBy(dialect, unfitNames(said, message.input, optionalPlaces(dialect)), reply);
  }

  #nextBySchema(
    schema: SchemaModel,
    { dialect, shape }: Spelling & { dialect: { kind: 'graphql' } },
    order: WireOrder,
    message: Message,
    reply: Answered,
  ): Next {
    const fitting = fitToSchema(schema, dialect, order, shape);
    if (fitting.type === 'absent') return { type: 'absent', path: false };
    if (fitting.type === 'unserved') return this.#finalBy(dialect, fitting, reply);
    const respelled = messageOf({ dialect, shape: fitting.shape }, order, schema);
    // The very same would be sent again: what was refused is the content, or the schema has changed since it was told.
    if (JSON.stringify(respelled.body) !== JSON.stringify(message.body)) return { type: 'shape', shape: fitting.shape };
    if (reply.problems !== undefined) this.#parts.schema.forget();
    const said = reply.envelope.errors.map((error) => error.message);
    return this.#finalBy(dialect, unfitNames(said, message.input, optionalPlaces(dialect)), reply);
  }

  /** The end of it, with the names of what stands in the way where they are known. */
  #finalBy({ name }: Dialect, { missing, unknown }: UnfitNames, reply: Answered): Next {
    const { status, verdict, problems } = reply;
    if (missing.length + unknown.length === 0) {
      return problems === undefined || verdict.row !== 'notOffered'
        ? { type: 'final' }
        : withRemedy(verdict, OTHER_WAY);
    }
    const { quote } = this.#parts;
    const pieces = [
      ...(missing.length === 0 ? [] : [`it requires ${quote(missing.join(', '))}, which this program does not know`]),
      ...(unknown.length === 0 ? [] : [`it does not take ${quote(unknown.join(', '))} as documented`]),
    ];
    const message = `The service's ${name} has changed: ${pieces.join('; ')}. Nothing was executed.`;
    return { type: 'final', verdict: rowVerdict('notOffered', 'submit', { status, message, remedy: OTHER_WAY }) };
  }

  /** Without the schema the answer says as much as it says. */
  async #schema(signal: AbortSignal): Promise<SchemaModel | undefined> {
    return this.#parts.schema.get(signal).catch(() => undefined);
  }

  #warnOf(fields: readonly string[]): void {
    for (const part of fields.filter((name) => !this.#warned.has(name))) {
      this.#warned.add(part);
      this.#parts.log.warn('The service does not take this part of an order: it was left out', { part });
    }
  }

  #notOffered(absent: readonly Dialect[], { status, verdict }: Answered): Verdict {
    const { configured } = this.#parts;
    if (configured !== 'auto') {
      const remedy = `Ask the user to set DOITONG_DIALECT to auto (it is ${configured}), and to check that DOITONG_API_URL is the address of the Doitong API.`;
      return { ...verdict, failure: { ...verdict.failure, remedy } };
    }
    if (absent.length < 2) return verdict;
    const names = absent.map(({ name }) => name).join(', ');
    return rowVerdict('notOffered', 'submit', {
      status,
      message: `The service offers none of the documented ways to order a picture (${names} were tried). Nothing was executed.`,
    });
  }
}

/** An order that an earlier process may have sent is spelled in the same dialect again. */
function spelledBefore(way: string | undefined, known: Facts): Spelling | undefined {
  const name = DIALECT_NAMES.find((one) => one === way);
  if (name === undefined) return undefined;
  return { dialect: dialectOf(name), shape: known.dialect === name ? known.shape : DOCUMENTED_SHAPE };
}

function messageOf({ dialect, shape }: Spelling, order: WireOrder, schema: SchemaModel | undefined): Message {
  const input = inputOf(dialect, order, shape, schema);
  if (dialect.kind === 'rest') return { input, body: input };
  const fields = dialect.fields.filter((field) => !shape.unselected.includes(field));
  const query = orderDocument({ ...dialect, inputType: shape.typeName ?? dialect.inputType }, fields);
  return { input, body: { query, variables: { input } } };
}

/** Refused before anything was done: the order may be spelled differently and sent again. */
function executedNothing({ problems, verdict }: Answered): boolean {
  if (problems !== undefined) return true;
  return verdict.row === 'invalidRequest' || verdict.row === 'notOffered';
}

/** It was not carried out, for certain. */
function isRefused(reply: Reply): boolean {
  const { creditsSpent } = reply.verdict.failure;
  return creditsSpent === 'no' && (reply.outcome === 'unanswered' || !reply.envelope.job);
}

function withRemedy(verdict: Verdict, remedy: string): Next {
  return { type: 'final', verdict: { ...verdict, failure: { ...verdict.failure, remedy } } };
}
