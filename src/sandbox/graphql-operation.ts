// Owns the guess at what a GraphQL request wants, for the request log; it never decides what is done.

import { parse } from 'graphql';
import type { SandboxOperation } from './request-log.ts';

const operations: Record<string, SandboxOperation> = {
  generate: 'generate',
  generateImage: 'generateImage',
  checkJobStatus: 'status',
  generationById: 'status',
  __schema: 'introspection',
  __type: 'introspection',
};

/** By the first root field that is known; works for requests that are refused before they run, too. */
export function guessOperation(body: string): SandboxOperation {
  try {
    const { query } = JSON.parse(body) as { query?: unknown };
    if (typeof query !== 'string') return 'other';
    for (const definition of parse(query).definitions) {
      if (definition.kind !== 'OperationDefinition') continue;
      for (const field of definition.selectionSet.selections) {
        if (field.kind !== 'Field' || !Object.hasOwn(operations, field.name.value)) continue;
        return operations[field.name.value] ?? 'other';
      }
    }
  } catch {
    // Unreadable bodies are logged as 'other'; the engine says what is wrong with them.
  }
  return 'other';
}
