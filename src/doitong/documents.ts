/** The smallest documents, the names that are tried in one, and what a name may be. */
import * as z from 'zod';

/** A root query field that answers for one job, and the argument that takes the job's id. */
export type JobQuery = { field: string; argument: string };

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

/** The smallest question there is: asked for the sake of the answer's headers. */
export const HEADERS_DOCUMENT = 'query { __typename }';

export function isGraphqlName(text: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]*$/u.test(text);
}

export const graphqlName = z.string().max(120).refine(isGraphqlName);
