/** How an order is encoded for this very service: the dialect's input, without what the service does not have. */
import { FLUX_VERSIONS, QUALITIES } from '../core/image-request.ts';
import {
  type Dialect,
  type DialectName,
  type GraphqlDialect,
  OPTIONAL_FIELDS,
  orderDocument,
  type WireOrder,
} from './dialects.ts';
import { checkInput } from './schema/input-check.ts';
import { changeLeaves, type InputObject, leafPaths, valueAt, withWebhookInOptions } from './schema/input-paths.ts';
import { type FieldModel, fieldsOf, type SchemaModel } from './schema/introspection.ts';
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
  /** By place: the service's words (enums) for ours; null for a value that it does not take. */
  values: Readonly<Record<string, Readonly<Record<string, string | null>>>>;
};

export const DOCUMENTED_ENCODING: Encoding = { leftOut: [], webhookInOptions: false, unselected: [], values: {} };

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

export function inputOf(dialect: Dialect, order: WireOrder, encoding: Encoding): Record<string, unknown> {
  const { leftOut, webhookInOptions, values } = encoding;
  const documented = dialect.input(order);
  const moves = webhookInOptions && documented.webhookUrl !== undefined;
  return changeLeaves(moves ? withWebhookInOptions(documented) : documented, (path, leaf) => {
    if (leftOut.includes(path)) return undefined;
    const word = typeof leaf === 'string' ? values[path]?.[leaf] : undefined;
    return word === null ? undefined : (word ?? leaf);
  });
}

/** @returns the input, and the body that holds it */
export function encoded(dialect: Dialect, order: WireOrder, encoding: Encoding) {
  const input = inputOf(dialect, order, encoding);
  if (dialect.kind === 'rest') return { input, body: input };
  const fields = dialect.fields.filter((field) => !encoding.unselected.includes(field));
  const query = orderDocument({ ...dialect, inputType: encoding.typeName ?? dialect.inputType }, fields);
  return { input, body: { query, variables: { input } } };
}

export type Fitting =
  | { type: 'encoding'; encoding: Encoding }
  /** The dialect is not there. */
  | { type: 'absent' }
  /** It is there and cannot be served: the service requires what we do not have, or lacks what we must say. */
  | ({ type: 'unserved' } & UnfitNames);

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

/** Every part that an order can have; together they have every word that one can have. */
export const FULL_ORDERS: readonly WireOrder[] = FLUX_VERSIONS.flatMap((version) =>
  QUALITIES.map((quality) => ({
    prompt: 'a lighthouse',
    width: 1_024,
    height: 1_024,
    version,
    quality,
    webhookUrl: 'https://webhook.example/doitong',
  })),
);

/** The encoding that the schema asks for, whatever is ordered. What the service has complained about before stays out. */
export function fitToSchema(schema: SchemaModel, dialect: GraphqlDialect, before: Encoding): Fitting {
  const leftOut = new Set(before.leftOut);
  const values: Record<string, Record<string, string | null>> = {};
  let { webhookInOptions } = before;
  let typeName = dialect.inputType;
  for (const order of FULL_ORDERS) {
    const documented = dialect.input(order);
    const checked = checkInput(schema, dialect.rootField, 'input', documented, optionalPaths(dialect));
    if (checked === 'absent') return { type: 'absent' };
    if (!checked.fits) return { type: 'unserved', missing: checked.missing, unknown: checked.unknown };
    const { left, refusedValues, value } = checked;
    typeName = checked.typeName;
    webhookInOptions ||= valueAt(value, WEBHOOK_IN_OPTIONS) !== undefined;
    for (const path of left) if (!refusedValues.includes(path)) leftOut.add(path);
    for (const path of leafPaths(documented)) {
      const [ours, theirs] = [valueAt(documented, path), valueAt(value, path)];
      if (typeof ours !== 'string') continue;
      if (refusedValues.includes(path)) values[path] = { ...values[path], [ours]: null };
      else if (typeof theirs === 'string' && theirs !== ours) values[path] = { ...values[path], [ours]: theirs };
    }
  }
  const encoding: Encoding = {
    leftOut: [...leftOut],
    webhookInOptions,
    unselected: [...new Set([...before.unselected, ...lackingFields(schema, dialect)])],
    values,
    ...(typeName === dialect.inputType ? {} : { typeName }),
  };
  return { type: 'encoding', encoding };
}

/** Fields that the type of the answer does not have; none where nothing is known of it. */
function lackingFields(schema: SchemaModel, { rootField, fields }: GraphqlDialect): string[] {
  const answer = fieldsOf(schema, schema.mutationType).find(({ name }) => name === rootField)?.type.name;
  const offered = fieldsOf(schema, answer);
  return offered.length === 0
    ? []
    : fields.filter((name) => name !== 'id' && !offered.some((field) => field.name === name && isPlain(field)));
}

const isPlain = ({ type, args }: FieldModel): boolean =>
  ['SCALAR', 'ENUM'].includes(type.kind) && !args.some(({ required }) => required);

/** The encoding without places that the service has complained about. A refused webhook address is tried elsewhere once. */
export function withoutFields(dialect: Dialect, encoding: Encoding, paths: readonly string[]): Encoding {
  const movesWebhook = dialect.webhookMayMove && paths.includes('webhookUrl') && !encoding.webhookInOptions;
  const gone = paths.filter((path) => !(movesWebhook && path === 'webhookUrl'));
  return {
    ...encoding,
    leftOut: [...new Set([...encoding.leftOut, ...gone])],
    webhookInOptions: encoding.webhookInOptions || movesWebhook,
  };
}
