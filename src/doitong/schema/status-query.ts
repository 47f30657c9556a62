/** Finds the queries for the status of a job in a service's schema, best first. */
import * as z from 'zod';
import { type FieldModel, fieldsOf, graphqlName as name, type InputModel, type SchemaModel } from './introspection.ts';
import { createFieldsIn, DOCUMENTED_NAMES, type FieldsIn, isIdType, isObject, jobFields } from './job-fields.ts';
import { distanceFromJob, isNameOf } from './names.ts';

const path = z.array(name).min(1).max(8);

/** Plain data, because it is remembered on disk: what is read from there must pass this before it is asked. */
export const statusQuerySchema = z.strictObject({
  field: name,
  /** The argument, then the input field in it that takes the id. */
  argument: path,
  /** Whether the argument is a number: then an id that is one is written without quotation marks. */
  takesNumber: z.literal(true).optional(),
  selected: z
    .array(z.strictObject({ path, as: z.enum(DOCUMENTED_NAMES).optional() }))
    .max(20)
    .refine((selected) => selected.some(({ as }) => as === undefined)),
});
export type StatusQuery = z.infer<typeof statusQuerySchema>;

const FOUND_MAX = 10;
/** Types that take a number and no text: GraphQL's own, and the usual names for longer ones. */
const NUMBER_TYPES = ['Int', 'BigInt', 'Int64', 'Long'];

/** The query with the documented fields, for a name that is configured or guessed. Both names must be GraphQL names. */
export function plainQuery(field: string, argument: string): StatusQuery {
  const documented = (as: (typeof DOCUMENTED_NAMES)[number]) => ({ path: [as], as });
  const after = (['creditCost', 'createdAt', 'metadata'] as const).map(documented);
  const selected = [documented('id'), documented('status'), { path: ['url'] }, ...after];
  return { field, argument: [argument], selected };
}

export function configuredQuery({ field, argument }: { field: string; argument: string }): StatusQuery | undefined {
  return statusQuerySchema.safeParse(plainQuery(field, argument)).data;
}

/** What is tried, in this order, where introspection is refused. */
export const CANDIDATE_QUERIES: readonly StatusQuery[] = [
  plainQuery('checkJobStatus', 'jobId'),
  plainQuery('jobStatus', 'jobId'),
  plainQuery('job', 'id'),
  plainQuery('getJob', 'id'),
  plainQuery('generation', 'id'),
  plainQuery('getGeneration', 'id'),
  plainQuery('image', 'id'),
];

/** What fits, best first, the same for the same schema. @param mutations by which orders are placed, or may be */
export function findStatusQueries(schema: SchemaModel, mutations: readonly string[]): StatusQuery[] {
  const fieldsIn = createFieldsIn(schema);
  const orderTypes = orderTypesIn(schema, mutations, fieldsIn);
  const distance = ({ name }: FieldModel): number => distanceFromJob(name) ?? Infinity;
  // What speaks of jobs is looked at first, so that a huge schema does not use up the steps before.
  return [...fieldsOf(schema, schema.queryType)]
    .sort((a, b) => Math.sign(distance(a) - distance(b)) || (a.name < b.name ? -1 : 1))
    .flatMap((field) => candidate(field, schema, fieldsIn, orderTypes) ?? [])
    .sort((a, b) => a.cost - b.cost || (a.query.field < b.query.field ? -1 : 1))
    .slice(0, FOUND_MAX)
    .map(({ query }) => query);
}

/** The types that orders answer with, also inside their payloads. */
function orderTypesIn(schema: SchemaModel, mutations: readonly string[], fieldsIn: FieldsIn): ReadonlySet<string> {
  const answered = fieldsOf(schema, schema.mutationType)
    .filter((field) => mutations.includes(field.name))
    .map(({ type }) => type.name);
  const inside = answered
    .filter((typeName) => !jobFields(typeName, fieldsIn).isJob)
    .flatMap((typeName) => fieldsOf(schema, typeName))
    .map(({ type }) => type.name);
  return new Set([...answered, ...inside]);
}

/** `undefined` when it takes no id or answers with no job. Higher costs are worse. */
function candidate(
  { name: field, args, type, deprecated }: FieldModel,
  schema: SchemaModel,
  fieldsIn: FieldsIn,
  orderTypes: ReadonlySet<string>,
): { query: StatusQuery; cost: number } | undefined {
  const argument = idArgument(args, schema);
  if (argument === undefined || !isObject(type) || type.lists > 0) return undefined;
  const job = jobFields(type.name, fieldsIn);
  if (!job.isJob) return undefined;
  const isOrdered = orderTypes.has(type.name);
  const distance = distanceFromJob(field) ?? (distanceFromJob(type.name) === undefined ? undefined : 15);
  // An invoice has an id, a status and an address as well.
  if (!isOrdered && distance === undefined) return undefined;
  const cost = (deprecated ? 2_000 : 0) + (isOrdered ? 0 : 300) + (distance ?? 40) + job.cost + argument.cost;
  const query = { field, argument: argument.path, selected: job.selected };
  return { cost, query: argument.takesNumber ? { ...query, takesNumber: true } : query };
}

type IdArgument = { path: StatusQuery['argument']; takesNumber: boolean; cost: number };

/** The argument that takes the id, perhaps in an input object; `undefined` when something else has to be given as well. */
function idArgument(inputs: readonly InputModel[], schema: SchemaModel, isInside = false): IdArgument | undefined {
  const required = inputs.filter((input) => input.required);
  if (required.length > 1) return undefined;
  return (required.length === 1 ? required : inputs)
    .flatMap((input) => takesId(input, schema, isInside) ?? [])
    .sort((a, b) => a.cost - b.cost || (a.path.join() < b.path.join() ? -1 : 1))[0];
}

function takesId({ name, type, required }: InputModel, schema: SchemaModel, isInside: boolean): IdArgument | undefined {
  if (type.lists > 0) return undefined;
  if (isIdType(type)) {
    const takesNumber = NUMBER_TYPES.includes(type.name);
    if (isNameOf('id', name)) return { path: [name], takesNumber, cost: required ? 0 : 1 };
    // Most numbers are sizes and limits.
    return required && !takesNumber && isNameOf('key', name) ? { path: [name], takesNumber, cost: 2 } : undefined;
  }
  // A condition on something else, as in `where: { user: { id } }`, takes the id of something else.
  if (type.kind !== 'INPUT_OBJECT' || isInside || !(required || isNameOf('input', name))) return undefined;
  const inner = idArgument(schema.types.get(type.name)?.inputs ?? [], schema, true);
  return inner && { ...inner, path: [name, ...inner.path], cost: inner.cost + 2 };
}
