/** Asks a service for its schema and reads the answer into a small model that the rest of this folder works on. */
import * as z from 'zod';
import { graphqlName as name } from '../documents.ts';

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
/** An argument or an input field; `required` when it has to be given, so non-null and without a default. */
export type InputModel = { name: string; type: TypeRef; required: boolean };
export type FieldModel = { name: string; deprecated: boolean; args: readonly InputModel[]; type: TypeRef };
export type TypeModel = {
  name: string;
  fields: readonly FieldModel[];
  inputs: readonly InputModel[];
  values: readonly string[];
};
/** Every type that has members; a type that is not in `types` is one of which nothing is known. */
export type SchemaModel = {
  queryType: string;
  mutationType: string | undefined;
  types: ReadonlyMap<string, TypeModel>;
};

const rootName = z.object({ name }).nullish().catch(undefined);
const members = z.array(z.unknown()).nullish().catch(undefined);
const answer = z.object({
  __schema: z.object({ queryType: z.object({ name }), mutationType: rootName, types: z.array(z.unknown()) }),
});
const rawType = z.object({ name, fields: members, inputFields: members, enumValues: members });
const rawField = z.object({
  name,
  isDeprecated: z.boolean().nullish().catch(undefined),
  args: z.array(z.unknown()).max(50),
  type: z.unknown(),
});
const rawInput = z.object({ name, defaultValue: z.unknown().optional(), type: z.unknown() });
const rawRef = z.object({ kind: z.string(), name: z.string().nullish(), ofType: z.unknown().optional() });
const namedRef = z.object({ kind: z.enum(KINDS), name });

/** Reads the answer to `SCHEMA_DOCUMENT`; `undefined` when it is none. What cannot be read in it is left out. */
export function readSchema(data: unknown): SchemaModel | undefined {
  const parsed = answer.safeParse(data);
  if (!parsed.success) return undefined;
  const { queryType, mutationType, types: all } = parsed.data.__schema;
  const raw = all.slice(0, TYPES_MAX).flatMap((item) => rawType.safeParse(item).data ?? []);
  const isRoot = (type: { name: string }): boolean => type.name === queryType.name || type.name === mutationType?.name;
  const types = new Map<string, TypeModel>();
  let room = MEMBERS_MAX;
  // The roots come first, so that no bound cuts them off; introspection's own types are of no interest.
  for (const item of [...raw.filter(isRoot), ...raw.filter((type) => !isRoot(type))]) {
    room -= [item.fields, item.inputFields, item.enumValues].reduce((sum, list) => sum + (list?.length ?? 0), 0);
    if (room < 0) break;
    if (item.name.startsWith('__') || types.has(item.name)) continue;
    const type = readType(item);
    if (type !== undefined) types.set(item.name, type);
  }
  return types.has(queryType.name) ? { queryType: queryType.name, mutationType: mutationType?.name, types } : undefined;
}

/** The fields of an object or interface type, or none. */
export function fieldsOf(schema: SchemaModel, typeName: string | undefined): readonly FieldModel[] {
  return (typeName === undefined ? undefined : schema.types.get(typeName)?.fields) ?? [];
}

function readType({ name: typeName, fields, inputFields, enumValues }: z.infer<typeof rawType>): TypeModel | undefined {
  const inputs = everyInput(inputFields ?? []);
  // Half an input type would make required fields invisible: better to know nothing of it.
  if (inputs === undefined) return undefined;
  const values = (enumValues ?? []).flatMap((value) => z.object({ name }).safeParse(value).data?.name ?? []);
  const type = { name: typeName, fields: (fields ?? []).flatMap((field) => readField(field) ?? []), inputs, values };
  return type.fields.length + inputs.length + values.length === 0 ? undefined : type;
}

function readField(value: unknown): FieldModel | undefined {
  const field = rawField.safeParse(value).data;
  const type = readRef(field?.type);
  const args = everyInput(field?.args ?? []);
  if (field === undefined || type === undefined || args === undefined) return undefined;
  return { name: field.name, deprecated: field.isDeprecated === true, args, type };
}

function everyInput(values: readonly unknown[]): InputModel[] | undefined {
  const inputs = values.flatMap((value) => readInput(value) ?? []);
  return inputs.length === values.length ? inputs : undefined;
}

function readInput(value: unknown): InputModel | undefined {
  const input = rawInput.safeParse(value).data;
  const type = readRef(input?.type);
  if (input === undefined || type === undefined) return undefined;
  return { name: input.name, type, required: type.required && (input.defaultValue ?? null) === null };
}

function readRef(value: unknown): TypeRef | undefined {
  let at = value;
  let lists = 0;
  let required = false;
  for (let depth = 0; depth <= WRAPPERS_MAX; depth += 1) {
    const ref = rawRef.safeParse(at).data;
    if (ref === undefined) return undefined;
    if (ref.kind !== 'NON_NULL' && ref.kind !== 'LIST') {
      const named = namedRef.safeParse(ref).data;
      return named && { ...named, lists, required };
    }
    if (ref.kind === 'LIST') lists += 1;
    else if (depth === 0) required = true;
    at = ref.ofType;
  }
  return undefined;
}
