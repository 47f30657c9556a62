// Owns what the text of a GraphQL request says before it runs: what it seems to want, for the log, and its size.

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
  for (const definition of documentIn(body)?.definitions ?? []) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const field of definition.selectionSet.selections) {
      const name = field.kind === Kind.FIELD ? field.name.value : '';
      if (Object.hasOwn(operations, name)) return operations[name] ?? 'other';
    }
  }
  return 'other';
}

/** How many fields a document has at its root; 1 where that is not known. */
export function rootFieldsIn(document: DocumentNode | undefined): number {
  const [operation] = document?.definitions ?? [];
  return operation?.kind === Kind.OPERATION_DEFINITION ? Math.max(1, operation.selectionSet.selections.length) : 1;
}

/** Undefined for a body that cannot be read; what is wrong with it is said when it should run. */
export function documentIn(body: string): DocumentNode | undefined {
  try {
    const { query } = JSON.parse(body) as { query?: unknown };
    return typeof query === 'string' ? parse(query) : undefined;
  } catch {
    return undefined;
  }
}
