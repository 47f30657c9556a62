/** The smallest documents, and what a name in a document may be. */

/** A root query field that answers for one job, and the argument that takes the job's id. */
export type JobQuery = { field: string; argument: string };

/** The smallest question there is: asked for the sake of the answer's headers. */
export const HEADERS_DOCUMENT = 'query { __typename }';

export function isGraphqlName(text: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]*$/u.test(text);
}
