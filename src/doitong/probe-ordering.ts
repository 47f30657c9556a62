/** Tells from what is known of the service, without asking it anything, how an order would be placed there. */
import type { OrderingFinding } from '../core/service-report.ts';
import { DIALECTS, type Dialect, type DialectName, dialectOf, type WireOrder } from './dialects.ts';
import {
  DOCUMENTED_ENCODING,
  type Encoding,
  type Fitting,
  FULL_ORDERS,
  fitToSchema,
  inputOf,
  omittedFields,
} from './order-encoding.ts';
import type { SchemaModel } from './schema/introspection.ts';
import type { Facts } from './service-facts.ts';

export type ConfiguredDialect = DialectName | 'auto';

/** Has every part that an order can have; it is never sent. */
const FULL_ORDER = FULL_ORDERS[0] as WireOrder;

/** @param schema `undefined`: the service does not tell it */
export function findOrdering(
  schema: SchemaModel | undefined,
  known: Facts,
  configured: ConfiguredDialect,
): OrderingFinding {
  const queries = dialectsFrom(known, configured);
  const [first] = queries;
  if (first === undefined) return { type: 'unknown' };
  const source = configured !== 'auto' ? 'configured' : known.dialect === first.name ? 'remembered' : undefined;
  if (schema === undefined) {
    if (source === undefined) return { type: 'open', dialects: queries.map(({ name }) => name) };
    const encoding: Encoding = known.dialect === first.name ? known.encoding : DOCUMENTED_ENCODING;
    return settled(first, source, encoding);
  }
  for (const query of queries) {
    if (query.kind === 'rest') return settled(query, source ?? 'only_one', DOCUMENTED_ENCODING);
    const fitting = fitToSchema(schema, query, DOCUMENTED_ENCODING);
    if (fitting.type === 'encoding') {
      return settled(query, query === first && source !== undefined ? source : 'schema', fitting.encoding, schema);
    }
    if (fitting.type === 'unserved') return unserved(query, fitting, schema);
  }
  return { type: 'absent', dialects: queries.map(({ name }) => name), ...insteadOf(queries, schema) };
}

/** In the order in which an order tries them. */
function dialectsFrom({ dialect: known }: Facts, configured: ConfiguredDialect): readonly Dialect[] {
  if (configured !== 'auto') return [dialectOf(configured)];
  return known === undefined ? DIALECTS : [dialectOf(known), ...DIALECTS.filter(({ name }) => name !== known)];
}

type Source = (OrderingFinding & { type: 'settled' })['source'];

/** @param schema when it says that the service takes such an order */
function settled(dialect: Dialect, source: Source, encoding: Encoding, schema?: SchemaModel): OrderingFinding {
  const leftOut = omittedFields(dialect, FULL_ORDER, inputOf(dialect, FULL_ORDER, encoding));
  return { type: 'settled', dialect: dialect.name, source, checked: schema !== undefined, leftOut };
}

function unserved(
  dialect: Dialect,
  { missing, unknown }: Fitting & { type: 'unserved' },
  schema: SchemaModel,
): OrderingFinding {
  return { type: 'unserved', dialect: dialect.name, missing, unknown, ...insteadOf([dialect], schema) };
}

function insteadOf(others: readonly Dialect[], schema: SchemaModel): { instead?: string } {
  const fits = DIALECTS.find(
    (dialect) =>
      !others.includes(dialect) &&
      (dialect.kind === 'rest' || fitToSchema(schema, dialect, DOCUMENTED_ENCODING).type === 'encoding'),
  );
  return fits === undefined ? {} : { instead: fits.name };
}
