/** Reads GraphQL's validation messages, and names the status queries that are tried where there is no introspection. */
import type { JobQuery } from './documents.ts';
import type { WireError } from './envelope.ts';
import { complaintBehindValue, withoutSuggestion } from './schema/complaint.ts';

/** What a validation error says. None of them executed anything, so none of them cost anything. */
export type ValidationProblem =
  | { problem: 'unknown_field'; field: string; type: string }
  /** The field exists, but cannot be selected the way the document does. */
  | { problem: 'unfit_field'; field: string }
  /** A type that is named in the document is not there. */
  | { problem: 'unknown_type'; type: string }
  /** There are no mutations at all. */
  | { problem: 'no_mutations' }
  /** An unknown argument, or a missing or misplaced one: the document does not fit the service. */
  | { problem: 'unfit_document' }
  /** A text was given where a number has to stand. */
  | { problem: 'wants_number' }
  /** The variables do not fit: the request was wrong, not the document. */
  | { problem: 'bad_variables' };

const NAME = '[_A-Za-z][_0-9A-Za-z]*';
/** A type as a schema writes it: `[Job!]!`. */
const TYPE = '[\\[\\]!_0-9A-Za-z]+';
const pattern = (source: string): RegExp => new RegExp(`^${source}`, 'su');

// The messages of graphql-js, which most servers share. They carry no code of their own, hence the only place where
// messages are matched: anchored, as a whole, never by a part.
const UNKNOWN_FIELD = pattern(`Cannot query field ["'](${NAME})["'] on type ["'](${NAME})["']\\.$`);
const UNFIT_FIELD = [
  pattern(`Field ["'](${NAME})["'] must not have a selection since type ["']${TYPE}["'] has no subfields\\.$`),
  pattern(`Field ["'](${NAME})["'] of type ["']${TYPE}["'] must have a selection of subfields\\.$`),
];
const UNKNOWN_TYPE = pattern(`Unknown type ["'](${NAME})["']\\.$`);
const NO_MUTATIONS = pattern('Schema is not configured (?:to execute mutation operation|for mutations)\\.$');
const UNFIT_DOCUMENT = [
  pattern(`Unknown argument ["']${NAME}["'] on field ["'](?:${NAME}\\.)?${NAME}["'](?: of type ["']${NAME}["'])?\\.$`),
  pattern(
    `Field ["']${NAME}["'] argument ["']${NAME}["'] of type ["']${TYPE}["'] is required, but it was not provided\\.$`,
  ),
  pattern(`Variable ["']\\$${NAME}["'] of type ["']${TYPE}["'] used in position expecting type ["']${TYPE}["']\\.$`),
  pattern(`Variable ["']\\$${NAME}["'] cannot be non-input type ["']${TYPE}["']\\.$`),
];
const BAD_VARIABLES = [
  pattern(`Variable ["']\\$${NAME}["'] got invalid value .+$`),
  // Release 17, which names the place first.
  pattern(`Variable ["']\\$${NAME}["'] has invalid value(?: at [.\\[\\]_0-9A-Za-z]+)?: .+$`),
  pattern(`Variable ["']\\$${NAME}["'] of required type ["']${TYPE}["'] was not provided\\.$`),
];
const WANTS_NUMBER = pattern(`${NAME} cannot represent (?:a )?non-integer value: ".*"\\.?$`);
const UNDEFINED_INPUT_FIELD = pattern(`; Field ["']${NAME}["'] is not defined by type ["']${NAME}["']\\.$`);

/** `undefined` when the message is no standard validation message. */
export function readValidationMessage(reported: string): ValidationProblem | undefined {
  const message = withoutSuggestion(reported);
  const [, field, type] = UNKNOWN_FIELD.exec(message) ?? [];
  if (field !== undefined && type !== undefined) return { problem: 'unknown_field', field, type };
  for (const unfit of UNFIT_FIELD) {
    const name = unfit.exec(message)?.[1];
    if (name !== undefined) return { problem: 'unfit_field', field: name };
  }
  const absent = UNKNOWN_TYPE.exec(message)?.[1];
  if (absent !== undefined) return { problem: 'unknown_type', type: absent };
  if (NO_MUTATIONS.test(message)) return { problem: 'no_mutations' };
  if (UNFIT_DOCUMENT.some((unfit) => unfit.test(message))) return { problem: 'unfit_document' };
  if (WANTS_NUMBER.test(message)) return { problem: 'wants_number' };
  if (UNDEFINED_INPUT_FIELD.test(complaintBehindValue(reported)?.complaint ?? '')) return { problem: 'unfit_document' };
  return BAD_VARIABLES.some((bad) => bad.test(message)) ? { problem: 'bad_variables' } : undefined;
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
 * cure the document: there is another problem, or an essential field is missing.
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

/** Whether a type is the root of queries or mutations, by its usual names. */
export function isRootType(type: string): boolean {
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
