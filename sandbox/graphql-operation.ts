// Owns what can be told of a GraphQL request from its text: a guess at what it wants, for the log, and its size.

import { type DocumentNode, Kind, parse } from 'graphql';
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

/** How many fields a document asks for at its root; 1 where that cannot be told. */
export function rootFieldsIn(document: DocumentNode): number {
  const [operation] = document.definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? Math.max(1, operation.selectionSet.selections.length) : 1;
}

/** The same of a request's body. */
export function rootFieldsOf(body: string): number {
  try {
    const { query } = JSON.parse(body) as { query?: unknown };
    return typeof query === 'string' ? rootFieldsIn(parse(query)) : 1;
  } catch {
    return 1;
  }
}
