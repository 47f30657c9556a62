/** The GraphQL documents that are sent, each with its root field aliased to `job`, and the variables that go along. */
import type { ImageRequest } from '../core/image-request.ts';

/** What is asked of a job. `id` is the one field that a job cannot do without. */
export const JOB_FIELDS: readonly string[] = ['id', 'status', 'url', 'creditCost', 'createdAt'];
/** Where a service may say why a job failed; asked for when reading, where the service has them. */
export const REASON_FIELDS: readonly string[] = [
  'metadata',
  'error',
  'errorMessage',
  'failureReason',
  'reason',
  'statusMessage',
  'message',
];
/** What is asked when the schema is not known: of the fields for reasons only the documented one. */
export const STATUS_FIELDS: readonly string[] = [...JOB_FIELDS, 'metadata'];
/** Without these a status query is of no use. */
export const ESSENTIAL_STATUS_FIELDS: readonly string[] = ['id', 'status', 'url'];

/** A root query field that answers for one job, and the argument that takes the job's id. */
export type JobQuery = { field: string; argument: string };

/** The smallest question there is: asked for the sake of the answer's headers. */
export const HEADERS_DOCUMENT = 'query { __typename }';

export const GENERATE_FIELD = 'generate';

export function generateDocument(fields: readonly string[]): string {
  return `mutation ($input: GenerateInput!) { job: ${GENERATE_FIELD}(input: $input) { ${fields.join(' ')} } }`;
}

/** Absent settings are not sent, so that the service's own defaults apply. */
export function generateVariables(request: ImageRequest): Record<string, unknown> {
  const { prompt, width, height, version, quality } = request;
  const options = {
    width,
    height,
    ...(version === undefined ? {} : { version }),
    ...(quality === undefined ? {} : { quality }),
  };
  return { input: { type: 'IMAGE', provider: 'flux-pro', input: { text: prompt }, options } };
}

/**
 * The id is a string literal because that is valid for `ID` and `String` alike, while a variable would need the type.
 * Names must have passed `isGraphqlName`; JSON's escapes are GraphQL's.
 */
export function jobDocument(query: JobQuery, remoteId: string, fields: readonly string[]): string {
  return `query { job: ${query.field}(${query.argument}: ${JSON.stringify(remoteId)}) { ${fields.join(' ')} } }`;
}

/** Just enough of the schema to recognise a status query. */
export const INTROSPECTION_DOCUMENT = `query {
  __schema { queryType { fields {
    name
    args { name defaultValue type { kind name ofType { kind name } } }
    type { ...jobType ofType { ...jobType } }
  } } }
}
fragment jobType on __Type { kind name fields { name type { kind ofType { kind } } } }`;

export function isGraphqlName(text: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]*$/u.test(text);
}
