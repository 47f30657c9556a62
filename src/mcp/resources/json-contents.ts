/** A value as the contents of a resource. */
import type { ReadResourceResult } from '@modelcontextprotocol/server';

export function jsonContents(uri: string, value: unknown): ReadResourceResult {
  return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(value, undefined, 2) }] };
}
