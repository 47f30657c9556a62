/** How an order is spelled for this very service: the dialect's input, without what the service does not have. */
import { type Dialect, type GraphqlDialect, OPTIONAL_FIELDS, type WireOrder } from './dialects.ts';
import { checkInput } from './schema/input-check.ts';
import { type InputObject, leafPaths, withoutPaths, withWebhookInOptions } from './schema/input-paths.ts';
import type { SchemaModel } from './schema/introspection.ts';
import type { UnfitNames } from './schema/unfit-input.ts';

/** What was found out about the input and the answer of one dialect; plain data, remembered for a day. */
export type Encoding = {
  /** Places of the input that the service does not have. */
  leftOut: readonly string[];
  /** The webhook's address stands among the options (open point 5 of the API page). */
  webhookInOptions: boolean;
  /** Fields of the answer that the service does not have. */
  unselected: readonly string[];
  /** The input's type, where it goes by another name than the documented one. */
  typeName?: string;
  /** Values are spelled as the schema has them (enums): it is asked for before the first order. */
  bySchema: boolean;
};

export const DOCUMENTED_ENCODING: Encoding = { leftOut: [], webhookInOptions: false, unselected: [], bySchema: false };

const WEBHOOK_IN_OPTIONS = 'options.webhookUrl';

/** The places without which the picture is still the one that was ordered. */
export function optionalPaths({ paths, webhookMayMove }: Dialect): string[] {
  return [...OPTIONAL_FIELDS.flatMap((part) => paths[part] ?? []), ...(webhookMayMove ? [WEBHOOK_IN_OPTIONS] : [])];
}

/** What was wanted and is not in the input: it has no place in this dialect or at this service. */
export function omittedFields(dialect: Dialect, order: WireOrder, input: InputObject): string[] {
  const sent = leafPaths(input);
  return OPTIONAL_FIELDS.filter((part) => {
    const paths = [dialect.paths[part], ...(part === 'webhookUrl' ? [WEBHOOK_IN_OPTIONS] : [])];
    return order[part] !== undefined && !paths.some((path) => path !== undefined && sent.includes(path));
  });
}

export function inputOf(
  dialect: Dialect,
  order: WireOrder,
  encoding: Encoding,
  schema?: SchemaModel,
): Record<string, unknown> {
  const documented = dialect.input(order);
  const moved =
    encoding.webhookInOptions && documented.webhookUrl !== undefined ? withWebhookInOptions(documented) : documented;
  const input = withoutPaths(moved, encoding.leftOut);
  if (!encoding.bySchema || schema === undefined || dialect.kind !== 'graphql') return input;
  const checked = checkInput(schema, dialect.rootField, 'input', input, optionalPaths(dialect));
  return checked !== 'absent' && checked.fits ? checked.value : input;
}

export type Fitting =
  | { type: 'encoding'; encoding: Encoding }
  /** The dialect is not there. */
  | { type: 'absent' }
  /** It is there and cannot be served: the service requires what we do not have, or lacks what we must say. */
  | ({ type: 'unserved' } & UnfitNames);

/** The shape that the schema asks for. */
export function fitToSchema(schema: SchemaModel, dialect: GraphqlDialect, order: WireOrder, before: Encoding): Fitting {
  const documented = dialect.input(order);
  const checked = checkInput(schema, dialect.rootField, 'input', documented, optionalPaths(dialect));
  if (checked === 'absent') return { type: 'absent' };
  if (!checked.fits) return { type: 'unserved', missing: checked.missing, unknown: checked.unknown };
  const { left, refusedValues } = checked;
  const { typeName: _, ...kept } = before;
  const plain: Encoding = {
    ...kept,
    // What the service has complained about stays out, whatever its schema says; another value may be taken.
    leftOut: [...new Set([...before.leftOut, ...left.filter((path) => !refusedValues.includes(path))])],
    webhookInOptions: before.webhookInOptions || isMoved(documented, checked.value),
    bySchema: false,
    ...(checked.typeName === dialect.inputType ? {} : { typeName: checked.typeName }),
  };
  const encoded = inputOf(dialect, order, plain);
  const encoding = { ...plain, bySchema: true };
  const isSame = JSON.stringify(encoded) === JSON.stringify(inputOf(dialect, order, encoding, schema));
  return { type: 'encoding', encoding: isSame ? plain : encoding };
}

/** The shape without places that the service has complained about. A refused webhook address is tried elsewhere once. */
export function withoutFields(dialect: Dialect, encoding: Encoding, paths: readonly string[]): Encoding {
  const movesWebhook = dialect.webhookMayMove && paths.includes('webhookUrl') && !encoding.webhookInOptions;
  const gone = paths.filter((path) => !(movesWebhook && path === 'webhookUrl'));
  return {
    ...encoding,
    leftOut: [...new Set([...encoding.leftOut, ...gone])],
    webhookInOptions: encoding.webhookInOptions || movesWebhook,
  };
}

function isMoved(documented: Record<string, unknown>, fitting: Record<string, unknown>): boolean {
  const options = fitting.options;
  const inOptions = typeof options === 'object' && options !== null && 'webhookUrl' in options;
  return documented.webhookUrl !== undefined && fitting.webhookUrl === undefined && inOptions;
}
