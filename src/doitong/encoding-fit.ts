/** Fits the encoding of orders to a service: by its schema before an order, by its validation errors after a refusal. */
import { FLUX_VERSIONS, QUALITIES } from '../core/image-request.ts';
import {
  type DialectName,
  DOCUMENTED_ENCODING,
  dialectOf,
  type Encoding,
  FULL_ORDER,
  type GraphqlDialect,
  inputOf,
  joinPath,
  leafPaths,
  optionalPart,
  withWebhookInOptions,
} from './dialects.ts';
import { type FieldModel, fieldsOf, type SchemaModel, type TypeRef } from './schema/introspection.ts';
import type { ValidationProblem } from './validation-errors.ts';
import { type Fields, isRecord } from './wire-values.ts';

export type Fitting =
  | { type: 'encoding'; encoding: Encoding }
  | { type: 'absent' }
  /** It is there and cannot be served: the service requires `missing`, which we do not have, or lacks `unknown`, which we must say. */
  | { type: 'unserved'; missing: readonly string[]; unknown: readonly string[] };

/** What the schema says of a dialect; it does not speak of REST. */
export function fittingOf(schema: SchemaModel, name: DialectName): Fitting {
  const dialect = dialectOf(name);
  if (dialect.kind === 'rest') return { type: 'encoding', encoding: DOCUMENTED_ENCODING };
  return fitToSchema(schema, dialect, DOCUMENTED_ENCODING);
}

/** The encoding that the schema asks for, whatever is ordered. What the service has refused before stays out. */
export function fitToSchema(schema: SchemaModel, dialect: GraphqlDialect, before: Encoding): Fitting {
  const root = fieldsOf(schema, schema.mutationType).find(({ name }) => name === dialect.rootField);
  const type = root?.args.find(({ name }) => name === 'input')?.type;
  if (root === undefined || type === undefined) return { type: 'absent' };
  const webhookInOptions = before.webhookInOptions || takesWebhookInOptions(schema, type);
  const input = dialect.input(FULL_ORDER);
  const found: Found = { leftOut: new Set(before.leftOut), values: {}, unknown: [], missing: [] };
  fitValue(schema, type, webhookInOptions ? withWebhookInOptions(input) : input, '', found);
  const otherArguments = root.args.filter(({ name, required }) => required && name !== 'input');
  const missing = [...otherArguments.map(({ name }) => `(${name})`), ...found.missing];
  if (missing.length + found.unknown.length > 0) return { type: 'unserved', missing, unknown: found.unknown };
  const encoding: Encoding = {
    leftOut: [...found.leftOut],
    webhookInOptions,
    unselected: [...new Set([...before.unselected, ...lackingFields(schema, root, dialect)])],
    values: found.values,
    typeName: type.name === dialect.inputType ? undefined : type.name,
  };
  return { type: 'encoding', encoding };
}

type Found = {
  leftOut: Set<string>;
  values: Record<string, Record<string, string | null>>;
  unknown: string[];
  missing: string[];
};

/** @param type `undefined` where the service has no such field */
function fitValue(schema: SchemaModel, type: TypeRef | undefined, value: unknown, path: string, found: Found): void {
  if (!isRecord(value)) fitLeaf(schema, type, value, path, found);
  else if (type?.kind === 'INPUT_OBJECT') fitObject(schema, type, value, path, found);
  else if (type === undefined || fitted(schema, type, value) === undefined)
    for (const leaf of leafPaths(value, path)) fitLeaf(schema, undefined, undefined, leaf, found);
}

function fitObject(schema: SchemaModel, type: TypeRef, input: Fields, prefix: string, found: Found): void {
  const fields = schema.types.get(type.name)?.inputs;
  // Nothing is known of a type that could not be read: the service will say.
  if (fields === undefined) return;
  for (const [name, value] of Object.entries(input)) {
    fitValue(schema, fields.find((field) => field.name === name)?.type, value, joinPath(prefix, name), found);
  }
  for (const { name, required } of fields) {
    const path = joinPath(prefix, name);
    if (required && (input[name] === undefined || found.leftOut.has(path))) found.missing.push(path);
  }
}

const WORDS: Readonly<Record<string, readonly string[]>> = { version: FLUX_VERSIONS, quality: QUALITIES };

function fitLeaf(schema: SchemaModel, type: TypeRef | undefined, value: unknown, path: string, found: Found): void {
  const part = optionalPart(path);
  const words = WORDS[part ?? ''] ?? [value];
  const taken = words.map((word) => type && fitted(schema, type, word));
  if (taken.every((word) => word === undefined)) {
    if (part === undefined) found.unknown.push(path);
    else found.leftOut.add(path);
    return;
  }
  words.forEach((word, at) => {
    if (typeof word !== 'string' || taken[at] === word) return;
    found.values[path] = { ...found.values[path], [word]: taken[at] === undefined ? null : String(taken[at]) };
  });
}

const BUILT_IN: Readonly<Record<string, (value: unknown) => boolean>> = {
  Int: Number.isInteger,
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string' || Number.isInteger(value),
};

/** The value as the service takes it, or `undefined`. A scalar of the service's own can take anything. */
function fitted(schema: SchemaModel, { kind, name }: TypeRef, value: unknown): unknown {
  if (kind === 'ENUM') return enumValue(schema.types.get(name)?.values, value);
  if (kind !== 'SCALAR') return undefined;
  const takes = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  return takes === undefined || takes(value) ? value : undefined;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/gu, '');

/** GraphQL cannot write `flux-pro-1.1` as an enum value: `FLUX_PRO_1_1` is the same word. */
function enumValue(values: readonly string[] | undefined, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (values === undefined || values.includes(value)) return value;
  const [same, ...more] = values.filter((one) => plain(one) === plain(value));
  return more.length === 0 ? same : undefined;
}

function takesWebhookInOptions(schema: SchemaModel, type: TypeRef): boolean {
  const typeOf = (owner: TypeRef | undefined, field: string): TypeRef | undefined =>
    schema.types.get(owner?.name ?? '')?.inputs.find(({ name }) => name === field)?.type;
  return !typeOf(type, 'webhookUrl') && typeOf(typeOf(type, 'options'), 'webhookUrl') !== undefined;
}

/** Fields that the type of the answer does not have; none where nothing is known of it. */
function lackingFields(schema: SchemaModel, root: FieldModel, { fields }: GraphqlDialect): string[] {
  const offered = fieldsOf(schema, root.type.name).filter(
    ({ type, args }) => ['SCALAR', 'ENUM'].includes(type.kind) && !args.some(({ required }) => required),
  );
  if (fieldsOf(schema, root.type.name).length === 0) return [];
  return fields.filter((field) => field !== 'id' && !offered.some(({ name }) => name === field));
}

/** The encoding that the validation errors about an order ask for, where no schema says more. */
export function fitToProblems(
  dialect: GraphqlDialect,
  before: Encoding,
  problems: readonly ValidationProblem[],
): Fitting {
  const isAbsent = problems.some(
    (item) =>
      item.problem === 'no_mutations' ||
      // No selected field goes by the name of a root field.
      (item.problem === 'unknown_field' && item.field === dialect.rootField) ||
      (item.problem === 'unknown_type' && item.type === (before.typeName ?? dialect.inputType)),
  );
  if (isAbsent) return { type: 'absent' };
  const inputs = (problem: string): string[] =>
    problems.flatMap((item) =>
      'input' in item && item.problem === problem
        ? [...(item.steps ?? '').split('.').slice(1), item.input].join('.')
        : [],
    );
  const [missing, refused] = [inputs('missing_input'), inputs('unknown_input')];
  const unknown = refused.filter((name) => optionalPart(name) === undefined);
  const unselected = problems.flatMap((item) => ('field' in item ? item.field : []));
  const isSelected = (field: string): boolean => field !== 'id' && dialect.fields.includes(field);
  const isCured = refused.length + unselected.length === problems.length && unselected.every(isSelected);
  if (!isCured || unknown.length > 0) return { type: 'unserved', missing, unknown };
  const input = inputOf(dialect, FULL_ORDER, before);
  const gone = leafPaths(input).filter((path) => refused.some((place) => optionalPart(place) === optionalPart(path)));
  // A refused webhook address is tried among the options once.
  const moves = gone.includes('webhookUrl') && withWebhookInOptions(input) !== input;
  const encoding: Encoding = {
    ...before,
    leftOut: [...before.leftOut, ...gone.filter((path) => !moves || path !== 'webhookUrl')],
    webhookInOptions: before.webhookInOptions || moves,
    unselected: [...before.unselected, ...unselected],
  };
  return { type: 'encoding', encoding };
}
