/** What is said of a name that no resource has. */
import { ResourceNotFoundError } from '@modelcontextprotocol/server';
import { cleanLine } from '../../core/untrusted-text.ts';

/** @param hint what could be read instead; without a full stop */
export function notThere(uri: string, hint: string): ResourceNotFoundError {
  return new ResourceNotFoundError(uri, `There is no resource ${cleanLine(uri, 120)}; ${hint}.`);
}
