/** Checks an order's input against the schema before it is sent: what does not matter is left out, what does is named. */
import { type InputObject, isInputObject, joinPath, leafPaths, withWebhookInOptions } from './input-paths.ts';
import { fieldsOf, type InputModel, type SchemaModel, type TypeRef } from './introspection.ts';

export type InputCheck =
  | {
      fits: true;
      /** What to send: without what was left out, and with enum values as the service writes them. */
      value: Record<string, unknown>;
      /** The paths of what was left out. */
      left: string[];
      /** Those of them that the service has, and takes with other values. */
      refusedValues: string[];
      /** The argument's type, for the declaration of a variable. */
      typeName: string;
    }
  | {
      fits: false;
      /** What the service requires and we do not have, by path; another argument as `(name)`. */
      missing: string[];
      /** What we must say and the service does not take: the field is lacking, or takes other values. */
      unknown: string[];
    }
  /** The mutation or its argument does not exist: this dialect is not offered. */
  | 'absent';

/** `optionalPaths` are the places of `value` without which the order still is the same order. */
export function checkInput(
  schema: SchemaModel,
  mutationField: string,
  argument: string,
  value: InputObject,
  optionalPaths: readonly string[],
): InputCheck {
  const args = fieldsOf(schema, schema.mutationType).find(({ name }) => name === mutationField)?.args ?? [];
  const type = args.find(({ name }) => name === argument)?.type;
  if (type === undefined) return 'absent';
  const findings: Findings = { left: [], refusedValues: [], unknown: [], missing: [] };
  const context = { schema, optionalPaths, findings };
  const checked = checkValue(context, type, webhookPath(schema, type, value), '');
  const missing = [
    ...args.filter(({ name, required }) => required && name !== argument).map(({ name }) => `(${name})`),
    ...findings.missing,
  ];
  if (!isInputObject(checked) || missing.length + findings.unknown.length > 0) {
    return { fits: false, missing, unknown: findings.unknown };
  }
  const { left, refusedValues } = findings;
  return { fits: true, value: checked, left, refusedValues, typeName: type.name };
}

type Findings = { left: string[]; refusedValues: string[]; unknown: string[]; missing: string[] };
type Context = { schema: SchemaModel; optionalPaths: readonly string[]; findings: Findings };

/** `undefined` when the value cannot be given; the findings say then what became of it. */
function checkValue(context: Context, type: TypeRef, value: unknown, path: string): unknown {
  const { schema } = context;
  if (type.kind === 'INPUT_OBJECT') {
    const inputs = schema.types.get(type.name)?.inputs;
    if (!isInputObject(value)) return refused(context, value, path, true);
    // Nothing is known of a type that could not be read: the service will say.
    return inputs === undefined ? value : checkObject(context, inputs, value, path);
  }
  const fitting = type.kind === 'ENUM' ? enumValue(schema, type, value) : scalarValue(type, value);
  return fitting ?? refused(context, value, path, true);
}

function checkObject(
  context: Context,
  inputs: readonly InputModel[],
  value: InputObject,
  path: string,
): Record<string, unknown> {
  const { findings } = context;
  const given = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const innerPath = joinPath(path, name);
    const input = inputs.find((one) => one.name === name);
    if (input === undefined) refused(context, inner, innerPath, false);
    const checked = input && checkValue(context, input.type, inner, innerPath);
    const emptied = isInputObject(checked) && Object.keys(checked).length === 0 && leafPaths(inner).length > 0;
    return checked === undefined || (emptied && input?.required !== true) ? [] : [[name, checked]];
  });
  const names = given.map(([name]) => name);
  const lacking = inputs.filter(({ name, required }) => required && !names.includes(name));
  const reported = (other: string): boolean =>
    findings.unknown.some((unknown) => unknown === other || unknown.startsWith(`${other}.`));
  findings.missing.push(...lacking.map(({ name }) => joinPath(path, name)).filter((other) => !reported(other)));
  return Object.fromEntries(given);
}

function refused({ optionalPaths, findings }: Context, value: unknown, path: string, isThere: boolean): undefined {
  for (const leaf of leafPaths(value, path)) {
    const isOptional = optionalPaths.includes(leaf);
    (isOptional ? findings.left : findings.unknown).push(leaf);
    if (isOptional && isThere) findings.refusedValues.push(leaf);
  }
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/gu, '');

/** GraphQL cannot write `flux-pro-1.1` as an enum value: `FLUX_PRO_1_1` is the same word. */
function enumValue(schema: SchemaModel, { name }: TypeRef, value: unknown): string | undefined {
  const values = schema.types.get(name)?.values;
  if (typeof value !== 'string') return undefined;
  if (values === undefined || values.includes(value)) return value;
  const [same, ...more] = values.filter((one) => plain(one) === plain(value));
  return more.length === 0 ? same : undefined;
}

const BUILT_IN: Readonly<Record<string, (value: unknown) => boolean>> = {
  Int: (value) => Number.isInteger(value),
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  String: (value) => typeof value === 'string',
  ID: (value) => typeof value === 'string' || Number.isInteger(value),
};

/** A scalar of the service's own can take anything. */
function scalarValue({ name }: TypeRef, value: unknown): unknown {
  const fits = Object.hasOwn(BUILT_IN, name) ? BUILT_IN[name] : undefined;
  return fits === undefined || fits(value) ? value : undefined;
}

function webhookPath(schema: SchemaModel, type: TypeRef, value: InputObject): InputObject {
  const takes = (typeName: string | undefined, name: string): InputModel | undefined =>
    typeName === undefined ? undefined : schema.types.get(typeName)?.inputs.find((input) => input.name === name);
  if (value.webhookUrl === undefined || takes(type.name, 'webhookUrl') !== undefined) return value;
  const options = takes(type.name, 'options')?.type.name;
  return takes(options, 'webhookUrl') === undefined ? value : withWebhookInOptions(value);
}
