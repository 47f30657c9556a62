/** Asks a service for its schema and reads the answer into a small model that the rest of this folder works on. */
import * as z from 'zod';
import { FluxError } from '../../core/failure.ts';
import { Mutex } from '../../core/primitives.ts';
import type { ApiClient } from '../api-client.ts';
import type { Retries, Try } from '../retry.ts';

/** Of a type, a field or an argument: what may stand in a document. */
export const graphqlName = z
  .string()
  .max(120)
  .regex(/^[_A-Za-z][_0-9A-Za-z]*$/u);
const name = graphqlName;

const WRAPPERS_MAX = 5;
// An answer is at most a megabyte long, which is some 20,000 members: more than this is no schema of a picture service.
const TYPES_MAX = 10_000;
const MEMBERS_MAX = 40_000;

const typeRefDocument = (depth: number): string =>
  depth === 0 ? 'kind name' : `kind name ofType { ${typeRefDocument(depth - 1)} }`;

/** Deprecated fields are asked for, because an order may still go through one; deprecated arguments cannot be, widely. */
export const SCHEMA_DOCUMENT = `query {
  __schema {
    queryType { name }
    mutationType { name }
    types {
      kind
      name
      fields(includeDeprecated: true) { name isDeprecated args { ...inputValue } type { ...typeRef } }
      inputFields { ...inputValue }
      enumValues(includeDeprecated: true) { name }
    }
  }
}
fragment inputValue on __InputValue { name defaultValue type { ...typeRef } }
fragment typeRef on __Type { ${typeRefDocument(WRAPPERS_MAX)} }`;

const KINDS = ['SCALAR', 'ENUM', 'OBJECT', 'INTERFACE', 'UNION', 'INPUT_OBJECT'] as const;

/** A type as it is used: the named type, how many lists are around it, and whether the outside is non-null. */
export type TypeRef = { kind: (typeof KINDS)[number]; name: string; lists: number; required: boolean };
/** Every type that has members; a type that is not in `types` is one of which nothing is known. */
export type SchemaModel = NonNullable<ReturnType<typeof readSchema>>;

const namedType = z
  .object({ kind: z.enum(KINDS), name })
  .transform((named): TypeRef => ({ ...named, lists: 0, required: false }));

function typeRefSchema(wrappersMax: number): z.ZodType<TypeRef> {
  if (wrappersMax === 0) return namedType;
  const wrapped = z
    .object({ kind: z.enum(['LIST', 'NON_NULL']), ofType: typeRefSchema(wrappersMax - 1) })
    .transform(({ kind, ofType }) =>
      kind === 'NON_NULL' ? { ...ofType, required: true } : { ...ofType, lists: ofType.lists + 1, required: false },
    );
  return namedType.or(wrapped);
}

const readable = <Member>(member: z.ZodType<Member>) =>
  z.array(member.nullable().catch(null)).transform((all) => all.filter((one) => one !== null));

const typeRef = typeRefSchema(WRAPPERS_MAX);
const inputModel = z
  .object({ name, defaultValue: z.unknown(), type: typeRef })
  .transform(({ defaultValue, ...input }) => {
    return { ...input, required: input.type.required && (defaultValue ?? null) === null };
  });
/** An argument or an input field; `required` when it has to be given, so non-null and without a default. */
export type InputModel = z.infer<typeof inputModel>;
const fieldModel = z
  .object({ name, isDeprecated: z.unknown(), args: z.array(inputModel).max(50), type: typeRef })
  .transform(({ isDeprecated, ...field }) => ({ ...field, deprecated: isDeprecated === true }));
export type FieldModel = z.infer<typeof fieldModel>;
const typeModel = z
  .object({
    name,
    fields: readable(fieldModel),
    // Half an input type would make required fields invisible: better to know nothing of it.
    inputFields: z.array(inputModel),
    enumValues: readable(z.object({ name })),
  })
  .transform(({ inputFields: inputs, enumValues, ...type }) => {
    return { ...type, inputs, values: enumValues.map((value) => value.name) };
  })
  .refine(({ fields, inputs, values }) => fields.length + inputs.length + values.length > 0);
export type TypeModel = z.infer<typeof typeModel>;
const members = z.array(z.unknown()).catch([]);
const unreadType = z.object({ name, fields: members, inputFields: members, enumValues: members });
const answer = z.object({
  __schema: z.object({
    queryType: z.object({ name }),
    mutationType: z.object({ name }).nullish().catch(undefined),
    types: z.array(z.unknown()),
  }),
});

/** Reads the answer to `SCHEMA_DOCUMENT`; `undefined` when it is none. What cannot be read in it is left out. */
export function readSchema(data: unknown) {
  const parsed = answer.safeParse(data);
  if (!parsed.success) return undefined;
  const { queryType, mutationType, types: all } = parsed.data.__schema;
  const unread = all.slice(0, TYPES_MAX).flatMap((item) => unreadType.safeParse(item).data ?? []);
  const isRoot = (type: { name: string }): boolean => type.name === queryType.name || type.name === mutationType?.name;
  const types = new Map<string, TypeModel>();
  let room = MEMBERS_MAX;
  // The roots come first, so that no bound cuts them off; introspection's own types are of no interest.
  for (const item of [...unread.filter(isRoot), ...unread.filter((type) => !isRoot(type))]) {
    room -= item.fields.length + item.inputFields.length + item.enumValues.length;
    if (room < 0) break;
    if (item.name.startsWith('__') || types.has(item.name)) continue;
    const type = typeModel.safeParse(item).data;
    if (type !== undefined) types.set(item.name, type);
  }
  return types.has(queryType.name) ? { queryType: queryType.name, mutationType: mutationType?.name, types } : undefined;
}

export function fieldsOf(schema: SchemaModel, typeName: string | undefined): readonly FieldModel[] {
  return (typeName === undefined ? undefined : schema.types.get(typeName)?.fields) ?? [];
}

export class ServiceSchema {
  readonly #asking = new Mutex();
  /** What this process has read; without a model where introspection is off. */
  known: { model: SchemaModel | undefined } | undefined;

  constructor(
    private readonly client: ApiClient,
    private readonly retries: Retries,
  ) {}

  /**
   * `undefined` when introspection is off. Callers that come while the schema is being read share that answer.
   * @throws FluxError when the service cannot be asked now; rejects with `signal.reason` when that is aborted
   */
  async get(signal: AbortSignal, mayWait = true): Promise<SchemaModel | undefined> {
    const known = await this.#asking.run(async () => (this.known ??= await this.#ask(signal, mayWait)));
    return known?.model;
  }

  forget(): void {
    this.known = undefined;
  }

  async #ask(signal: AbortSignal, mayWait: boolean): Promise<ServiceSchema['known']> {
    const once = async (): Promise<Try<unknown>> => {
      const reply = await this.client.read({ body: { query: SCHEMA_DOCUMENT }, maxBytes: 8_000_000, mayWait, signal });
      if (reply.outcome === 'unanswered') return reply;
      const { status, envelope, decision } = reply;
      const refused = status < 500 && decision.row !== 'rateLimited' && decision.row !== 'unreadable';
      return envelope.data !== undefined || refused ? { value: envelope.data } : reply;
    };
    const tried = await this.retries.run(once, { what: 'read the schema', attempts: 2, signal });
    if ('value' in tried) return { model: readSchema(tried.value) };
    const { failure } = tried;
    // Some services answer introspection with 5xx, or with more than can be read: candidates may still work.
    const wasRead = failure.httpStatus !== undefined && failure.httpStatus < 300;
    if (failure.kind === 'service_error' || wasRead) return undefined;
    throw new FluxError(failure);
  }
}
