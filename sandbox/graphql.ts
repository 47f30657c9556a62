// Owns GraphQL over HTTP in the sandbox: what a request wants, its execution, and the status each result has.

import type { IncomingHttpHeaders } from 'node:http';
import {
  buildSchema,
  type DocumentNode,
  type ExecutionResult,
  executeSync,
  type GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Answer, answerJson, answerRefusal, Refusal, type SandboxOperation } from './http.ts';
import { DIALECTS } from './job.ts';
import type { Orders } from './orders.ts';
import type { Scenarios } from './scenarios.ts';
import { schemaSdl, statusQueryOf } from './schema.ts';

/** As it should be. */
type GraphqlRequest = { query: string; variables?: Record<string, unknown> | null; operationName?: string | null };

export type Graphql = ReturnType<typeof createGraphql>;

export function createGraphql({ generate, generateImage, find }: Orders, scenarios: Scenarios) {
  const { field, argument } = statusQueryOf(scenarios);
  const schema = buildSchema(schemaSdl(scenarios));
  const hidesSchema = scenarios.has('no-introspection');
  const rules = hidesSchema ? [...specifiedRules, NoSchemaIntrospectionCustomRule] : specifiedRules;
  const readJob = (given: Record<string, string>) => find(given[argument] ?? '') ?? null;
  const rootValue = { [field]: readJob, generate, generateImage };

  return (headers: IncomingHttpHeaders, body: string, idempotencyKey: string | undefined): Answer => {
    if (!/^application\/json\b/i.test(headers['content-type'] ?? ''))
      throw new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Unsupported Media Type');
    const { query, variables, operationName } = parseObject(body) as GraphqlRequest;
    if (typeof query !== 'string' || typeof (variables ?? {}) !== 'object' || typeof (operationName ?? '') !== 'string')
      throw new Refusal(400, 'BAD_REQUEST', 'query and operationName must be texts, and variables an object');
    let document: DocumentNode;
    try {
      document = parse(query);
    } catch (error) {
      return answerResult({ errors: [error as GraphQLError] }, 'GRAPHQL_PARSE_FAILED');
    }
    const errors = validate(schema, document, rules);
    if (errors.length > 0) return answerResult({ errors }, 'GRAPHQL_VALIDATION_FAILED');
    const fields = rootFieldsIn(body).length;
    if (scenarios.has('small-queries') && fields > 3) {
      const words = `The query asks for ${fields} fields at its root; 3 are allowed`;
      throw new Refusal(400, 'QUERY_TOO_COMPLEX', words);
    }
    const given = { document, variableValues: variables, operationName, contextValue: idempotencyKey };
    return answerResult(executeSync({ schema, rootValue, ...given }), 'BAD_USER_INPUT');
  };
}

/** @throws Refusal for any other body */
export function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below like any other body that is not an object.
  }
  throw new Refusal(400, 'BAD_REQUEST', 'The body must be a JSON object');
}

/**
 * A result with nothing but errors becomes the page's error body with the status of its first error; one with data
 * next to the errors stays 200, as GraphQL has it, and its paths say which part failed.
 * @param code of an error that no resolver made
 */
function answerResult({ data, errors = [] }: ExecutionResult, code: string): Answer {
  const isPartial = Object.values(data ?? {}).some((value) => value !== null);
  const refusals = errors.map(({ originalError, path, message }) => {
    if (originalError instanceof Refusal) return originalError;
    return path ? new Refusal(500, 'INTERNAL_SERVER_ERROR', message) : new Refusal(400, code, message);
  });
  const entries = errors.map(({ locations, path, originalError }, index) => ({
    ...refusals[index]?.entry,
    locations: originalError instanceof Refusal ? undefined : locations,
    path: isPartial ? path : undefined,
  }));
  const [first] = refusals;
  if (first && !isPartial) return answerRefusal(first, entries);
  return answerJson(200, { errors: first && entries, data });
}

const operations = new Map<string, SandboxOperation>([
  ...DIALECTS.filter((name) => name !== 'rest').map((name) => [name, name] as const),
  ['checkJobStatus', 'status'],
  ['generationById', 'status'],
  ['__schema', 'introspection'],
  ['__type', 'introspection'],
]);

/** For the log: by the first root field that is known; works for requests that are refused before they run, too. */
export function guessOperation(body: string): SandboxOperation {
  return rootFieldsIn(body).flatMap((name) => operations.get(name) ?? [])[0] ?? 'other';
}

/** The names of the fields at the root; none for a body that cannot be read: what is wrong with it is said when it should run. */
export function rootFieldsIn(body: string): string[] {
  try {
    const { definitions } = parse(String(parseObject(body).query));
    return definitions
      .flatMap((one) => (one.kind === Kind.OPERATION_DEFINITION ? one.selectionSet.selections : []))
      .map((field) => (field.kind === Kind.FIELD ? field.name.value : ''));
  } catch {
    return [];
  }
}
