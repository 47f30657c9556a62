/** Fits the encoding of orders to the service: by its schema before an order, by its validation errors after a refusal. */
import { FLUX_VERSIONS, QUALITIES } from '../core/image-request.ts';
import type { Dialect, DialectInput, Encoding, GraphqlDialect, Leaf, WireOrder } from './dialects.ts';
import { DOCUMENTED_ENCODING, inputOf, joinPath, leafPaths, optionalField, withWebhookInOptions } from './dialects.ts';
import { type FieldModel, fieldsOf, type InputModel, type SchemaModel, type TypeRef } from './schema/introspection.ts';
import { isLeaf } from './schema/job-fields.ts';
import { letters } from './schema/names.ts';
import type { ValidationProblem } from './validation-errors.ts';

export type Fitting =
  | { type: 'encoding'; encoding: Encoding }
  | { type: 'absent' }
  /** It is there and cannot be served: the service requires `missing`, which we do not have, or lacks `unknown`, which we must say. */
  | { type: 'unserved'; missing: readonly string[]; unknown: readonly string[] };

const FULL_ORDER: WireOrder = {
  prompt: 'a lighthouse',
  width: 1_024,
  height: 1_024,
  version: FLUX_VERSIONS[0],
  quality: QUALITIES[0],
  webhookUrl: 'https://webhook.example/doitong',
};
/** All that may be ordered, where it is more than one value and not any. */
const CHOICES: Readonly<Record<string, readonly string[]>> = { version: FLUX_VERSIONS, quality: QUALITIES };

/**
 * The encoding that the schema asks for, whatever is ordered; it does not speak of REST. What the service has refused
 * before stays out.
 */
export function fitToSchema(schema: SchemaModel, dialect: Dialect, before = DOCUMENTED_ENCODING): Fitting {
  if (dialect.name === 'rest') return { type: 'encoding', encoding: before };
  const root = fieldsOf(schema, schema.mutationType).find(({ name }) => name === dialect.name);
  const argument = root?.args.find(({ name }) => name === 'input');
  if (root === undefined || argument === undefined) return { type: 'absent' };
  const documented = dialect.input(FULL_ORDER);
  const moved = withWebhookInOptions(documented);
  const takesWebhook = (input: DialectInput): boolean =>
    inputLeaves(schema, input, argument).some(
      ({ path, field, value }) => field && value && optionalField(path) === 'webhookUrl',
    );
  const webhookInOptions = before.webhookInOptions || (!takesWebhook(documented) && takesWebhook(moved));
  const leftOut = new Set(before.leftOut);
  const unknown: string[] = [];
  const missing = root.args.flatMap(({ name, required }) => (required && name !== 'input' ? [`(${name})`] : []));
  const values: Record<string, Record<string, string | null>> = {};
  for (const { path, field, value } of inputLeaves(schema, webhookInOptions ? moved : documented, argument)) {
    const isRequired = field?.required === true;
    if (value === undefined) {
      if (isRequired) missing.push(path);
      continue;
    }
    const part = optionalField(path);
    const words = CHOICES[part ?? ''] ?? [value];
    const taken = words.map((word) => field && fitted(schema, field.type, word));
    const changed = words.flatMap((word, at) => (taken[at] === word ? [] : [[word, taken[at] ?? null]]));
    const isTaken = taken.some((word) => word !== undefined);
    if (isTaken && changed.length > 0) values[path] = Object.fromEntries(changed);
    else if (!isTaken && part === undefined) unknown.push(path);
    else if (!isTaken) leftOut.add(path);
    if (isRequired && leftOut.has(path)) missing.push(path);
  }
  if (missing.length + unknown.length > 0) return { type: 'unserved', missing, unknown };
  const encoding: Encoding = {
    leftOut: [...leftOut],
    webhookInOptions,
    unselected: [...new Set([...before.unselected, ...lackingFields(schema, root, dialect)])],
    values,
    typeName: argument.type.name === dialect.inputType ? undefined : argument.type.name,
  };
  return { type: 'encoding', encoding };
}

/** A value of ours without a field of the service, or the other way round, or both. */
type InputLeaf = { path: string; field: InputModel | undefined; value: Leaf };

function inputLeaves(schema: SchemaModel, value: Leaf | DialectInput, field?: InputModel, path = ''): InputLeaf[] {
  if (typeof value !== 'object') return [{ path, field, value }];
  const fields = field?.type.kind === 'INPUT_OBJECT' ? schema.types.get(field.type.name)?.inputs : [];
  // Nothing is known of an input type that could not be read, nor of a scalar that takes anything: the service will say.
  if (fields === undefined || (field && fitted(schema, field.type, value) !== undefined)) return [];
  const names = new Set([...fields.map(({ name }) => name), ...Object.keys(value)]);
  return [...names].flatMap((name) => {
    const inner = fields.find((one) => one.name === name);
    return inputLeaves(schema, value[name], inner, joinPath(path, name));
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

/** GraphQL cannot write `flux-pro-1.1` as an enum value: `FLUX_PRO_1_1` is the same word. */
function enumValue(values: readonly string[] | undefined, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (values === undefined || values.includes(value)) return value;
  const [same, ...more] = values.filter((one) => letters(one) === letters(value));
  return more.length === 0 ? same : undefined;
}

/** Fields that the type of the answer does not have; none where nothing is known of it. */
function lackingFields(schema: SchemaModel, root: FieldModel, { fields }: GraphqlDialect): string[] {
  const known = fieldsOf(schema, root.type.name);
  const offered = known.filter(({ type, args }) => isLeaf(type) && !args.some(({ required }) => required));
  const isLacking = (field: string): boolean => field !== 'id' && !offered.some(({ name }) => name === field);
  return known.length === 0 ? [] : fields.filter(isLacking);
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
      (item.problem === 'unknown_field' && item.field === dialect.name) ||
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
  const unknown = refused.filter((name) => optionalField(name) === undefined);
  const unselected = problems.flatMap((item) => ('field' in item ? item.field : []));
  const isSelected = (field: string): boolean => field !== 'id' && dialect.fields.includes(field);
  const isCured = refused.length + unselected.length === problems.length && unselected.every(isSelected);
  if (!isCured || unknown.length > 0) return { type: 'unserved', missing, unknown };
  const input = inputOf(dialect, FULL_ORDER, before);
  const gone = leafPaths(input).filter((path) => refused.some((name) => optionalField(name) === optionalField(path)));
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
