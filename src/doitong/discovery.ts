/** Finds out what the service offers: reads GraphQL validation messages, and picks the status query from a schema. */
import * as z from 'zod';
import { ESSENTIAL_STATUS_FIELDS, isGraphqlName, JOB_FIELDS, type JobQuery, REASON_FIELDS } from './documents.ts';
import type { WireError } from './envelope.ts';

/** What a validation error says. None of them executed anything, so none of them cost anything. */
export type ValidationProblem =
  | { problem: 'unknown_field'; field: string; type: string }
  /** The field exists, but cannot be selected the way the document does. */
  | { problem: 'unfit_field'; field: string }
  /** An unknown type or argument, or a missing or misplaced one: the document does not fit the service. */
  | { problem: 'unfit_document' }
  /** The variables do not fit: the request was wrong, not the document. */
  | { problem: 'bad_variables' };

const NAME = '[_A-Za-z][_0-9A-Za-z]*';
/** A type as it is spelled in a schema: `[Job!]!`. */
const TYPE = '[\\[\\]!_0-9A-Za-z]+';
const TAIL = '\\.(?: Did you mean .+\\?)?$';
const pattern = (source: string): RegExp => new RegExp(`^${source}`, 'su');

// The messages of graphql-js, which most servers share. They carry no code of their own, hence the only place where
// messages are matched: anchored, as a whole, never by a part.
const UNKNOWN_FIELD = pattern(`Cannot query field ["'](${NAME})["'] on type ["'](${NAME})["']${TAIL}`);
const UNFIT_FIELD = [
  pattern(`Field ["'](${NAME})["'] must not have a selection since type ["']${TYPE}["'] has no subfields\\.$`),
  pattern(`Field ["'](${NAME})["'] of type ["']${TYPE}["'] must have a selection of subfields${TAIL}`),
];
const UNFIT_DOCUMENT = [
  pattern(
    `Unknown argument ["']${NAME}["'] on field ["'](?:${NAME}\\.)?${NAME}["'](?: of type ["']${NAME}["'])?${TAIL}`,
  ),
  pattern(`Unknown type ["']${NAME}["']${TAIL}`),
  pattern(
    `Field ["']${NAME}["'] argument ["']${NAME}["'] of type ["']${TYPE}["'] is required, but it was not provided\\.$`,
  ),
  pattern(`Variable ["']\\$${NAME}["'] of type ["']${TYPE}["'] used in position expecting type ["']${TYPE}["']\\.$`),
  pattern(`Variable ["']\\$${NAME}["'] cannot be non-input type ["']${TYPE}["']\\.$`),
  pattern(`Schema is not configured to execute mutation operation\\.$`),
];
const BAD_VARIABLES = pattern(`Variable ["']\\$${NAME}["'] got invalid value .+$`);
const UNDEFINED_INPUT_FIELD = pattern(
  `Variable ["']\\$${NAME}["'] got invalid value .+; Field ["']${NAME}["'] is not defined by type ["']${NAME}["']${TAIL}`,
);

/** `undefined` when the message is no standard validation message. */
export function readValidationMessage(message: string): ValidationProblem | undefined {
  const [, field, type] = UNKNOWN_FIELD.exec(message) ?? [];
  if (field !== undefined && type !== undefined) return { problem: 'unknown_field', field, type };
  for (const unfit of UNFIT_FIELD) {
    const name = unfit.exec(message)?.[1];
    if (name !== undefined) return { problem: 'unfit_field', field: name };
  }
  if (UNFIT_DOCUMENT.some((unfit) => unfit.test(message))) return { problem: 'unfit_document' };
  if (UNDEFINED_INPUT_FIELD.test(message)) return { problem: 'unfit_document' };
  return BAD_VARIABLES.test(message) ? { problem: 'bad_variables' } : undefined;
}

/** What the errors of an answer say when all of them are validation errors, else `undefined`. */
export function validationProblems(errors: readonly WireError[]): ValidationProblem[] | undefined {
  const problems = errors.flatMap((error) => {
    const read = readValidationMessage(error.message);
    if (read !== undefined) return read;
    return error.code === 'GRAPHQL_VALIDATION_FAILED' ? { problem: 'unfit_document' as const } : [];
  });
  return errors.length > 0 && problems.length === errors.length ? problems : undefined;
}

/**
 * The fields that are left when the ones that the service does not know are dropped, or `undefined` when that cannot
 * cure the document: another problem stands beside, or an essential field is missing.
 */
export function withoutUnknownFields(
  fields: readonly string[],
  essential: readonly string[],
  rootField: string,
  problems: readonly ValidationProblem[],
): string[] | undefined {
  const unknown = new Set<string>();
  for (const item of problems) {
    if (item.problem !== 'unknown_field' && item.problem !== 'unfit_field') return undefined;
    if (item.field === rootField && (item.problem === 'unfit_field' || isRootType(item.type))) return undefined;
    if (!fields.includes(item.field) || essential.includes(item.field)) return undefined;
    unknown.add(item.field);
  }
  return unknown.size === 0 ? undefined : fields.filter((field) => !unknown.has(field));
}

function isRootType(type: string): boolean {
  return /^(?:root_?)?(?:query|mutation)(?:_?(?:type|root))?$/iu.test(type);
}

/** Names for a status query that are tried in this order where introspection is refused. */
export const CANDIDATE_QUERIES: readonly JobQuery[] = [
  { field: 'checkJobStatus', argument: 'jobId' },
  { field: 'jobStatus', argument: 'jobId' },
  { field: 'job', argument: 'id' },
  { field: 'getJob', argument: 'id' },
  { field: 'generation', argument: 'id' },
  { field: 'getGeneration', argument: 'id' },
  { field: 'image', argument: 'id' },
];

/** What introspection told: the query that fits, if any, and every root field there is. */
export type SchemaFinding = { query: JobQuery | undefined; fields: readonly string[]; rootFields: ReadonlySet<string> };

const named = z.object({ kind: z.string().nullish(), name: z.string().nullish() });
const wrapped = named.extend({ ofType: named.nullish() });
const typeFields = z
  .array(
    z.object({
      name: z.string(),
      type: z.object({ kind: z.string(), ofType: z.object({ kind: z.string() }).nullish() }),
    }),
  )
  .nullish()
  .catch(undefined);
const jobType = z.object({ kind: z.string().nullish(), fields: typeFields });
const rootField = z.object({
  name: z.string().refine(isGraphqlName),
  args: z.array(z.object({ name: z.string().refine(isGraphqlName), defaultValue: z.unknown(), type: wrapped })),
  type: jobType.extend({ ofType: jobType.nullish() }),
});
type RootField = z.infer<typeof rootField>;
const schemaAnswer = z.object({ __schema: z.object({ queryType: z.object({ fields: z.array(z.unknown()) }) }) });

/** Reads the answer to `INTROSPECTION_DOCUMENT`; `undefined` when it is none. */
export function readSchema(data: unknown): SchemaFinding | undefined {
  const schema = schemaAnswer.safeParse(data);
  if (!schema.success) return undefined;
  const roots = schema.data.__schema.queryType.fields.flatMap((field) => rootField.safeParse(field).data ?? []);
  const fitting = roots.flatMap((root) => {
    const argument = jobArgument(root);
    const fields = leafFields(root);
    const fits = argument !== undefined && ESSENTIAL_STATUS_FIELDS.every((name) => fields.includes(name));
    return fits ? { query: { field: root.name, argument }, fields, rank: rank(root.name) } : [];
  });
  // Stable and by name last, so that every process finds the same.
  const best = fitting.sort((a, b) => a.rank - b.rank || (a.query.field < b.query.field ? -1 : 1))[0];
  const wanted = [...JOB_FIELDS, ...REASON_FIELDS];
  return {
    query: best?.query,
    fields: best === undefined ? [] : wanted.filter((name) => best.fields.includes(name)),
    rootFields: new Set(roots.map(({ name }) => name)),
  };
}

/** The one argument that must be given, when it can take a job's id. */
function jobArgument(root: RootField): string | undefined {
  const required = root.args.filter(({ type, defaultValue }) => type.kind === 'NON_NULL' && defaultValue == null);
  const [only] = required;
  const takesId = only?.type.ofType?.kind === 'SCALAR' && ['ID', 'String'].includes(only.type.ofType.name ?? '');
  return required.length === 1 && takesId ? only?.name : undefined;
}

function leafFields(root: RootField): string[] {
  const type = root.type.kind === 'NON_NULL' ? root.type.ofType : root.type;
  if (type?.kind !== 'OBJECT' && type?.kind !== 'INTERFACE') return [];
  const isLeaf = (kind: string | undefined): boolean => kind === 'SCALAR' || kind === 'ENUM';
  return (type.fields ?? []).flatMap(({ name, type: { kind, ofType } }) =>
    isLeaf(kind === 'NON_NULL' ? ofType?.kind : kind) ? name : [],
  );
}

/** Lower is better: what speaks of a job or its status comes before what merely fits. */
function rank(name: string): number {
  const candidate = CANDIDATE_QUERIES.findIndex(({ field }) => field === name);
  if (candidate >= 0) return candidate;
  const speaking = [/job/iu, /status/iu, /generation/iu, /image|task|request/iu].findIndex((word) => word.test(name));
  return CANDIDATE_QUERIES.length + (speaking >= 0 ? speaking : 9);
}
