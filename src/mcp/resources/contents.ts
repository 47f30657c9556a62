/** What resources answer: a value as JSON, or the error for a name that no resource has. */
import { type ReadResourceResult, ResourceNotFoundError } from '@modelcontextprotocol/server';
import { fenced } from '../../core/untrusted-text.ts';

/** Its data repeats the URI; one longer than any of ours is cut there. */
const URI_MAX_CHARACTERS = 500;

/**
 * @param uri without secrets
 * @param hint what could be read instead; without a full stop
 */
export function notThere(uri: string, hint: string): ResourceNotFoundError {
  const repeated = uri.slice(0, URI_MAX_CHARACTERS);
  return new ResourceNotFoundError(repeated, `There is no resource ${fenced(repeated, 120)}; ${hint}.`);
}

export function jsonContents(uri: string, value: unknown): ReadResourceResult {
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(value, undefined, 2) }] };
}
