// Owns GraphQL over HTTP in the sandbox: what a request must be like, its execution, and the status each result has.

import type { IncomingHttpHeaders } from 'node:http';
import {
  buildSchema,
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { type Answer, answerErrors, answerJson, Refusal, type RefusalCode } from './answer.ts';
import type { Dialects } from './dialects.ts';
import { rootFieldsIn } from './graphql-text.ts';
import type { Traits } from './scenarios/traits.ts';
import { schemaSdl } from './schema-sdl.ts';
import type { Placement } from './service.ts';

export type Graphql = (headers: IncomingHttpHeaders, body: string, placement: Placement) => Promise<Answer>;

export function createGraphql({ generate, generateImage, find }: Dialects, traits: Traits): Graphql {
  const { field, argument } = traits.statusQuery;
  const schema = buildSchema(schemaSdl(traits));
  const rules = traits.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
  const rootValue = {
    [field]: (given: Record<string, string>) => find(given[argument] ?? '') ?? null,
    generate,
    generateImage,
  };

  return async (headers, body, placement) => {
    const { query, variables, operationName } = parametersOf(headers, body);
    let document: DocumentNode;
    try {
      document = parse(query);
    } catch (error) {
      if (error instanceof GraphQLError) return refuseAll('GRAPHQL_PARSE_FAILED', [error]);
      throw error;
    }
    const invalid = validate(schema, document, rules);
    if (invalid.length > 0) return refuseAll('GRAPHQL_VALIDATION_FAILED', invalid);
    const fields = rootFieldsIn(document);
    if (fields > traits.rootFieldsMax) {
      const words = `The query asks for ${fields} fields at its root; ${traits.rootFieldsMax} are allowed`;
      throw new Refusal('QUERY_TOO_COMPLEX', words);
    }
    if (!getOperationAST(document, operationName)) {
      throw new Refusal('BAD_REQUEST', 'The document has no such operation, or several and no name says which');
    }
    const contextValue = placement;
    return answerOf(
      await execute({ schema, document, rootValue, contextValue, variableValues: variables, operationName }),
    );
  };
}

type Parameters = { query: string; variables?: Record<string, unknown> | null; operationName?: string | null };

const JSON_SENT = /^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i;
const JSON_ACCEPTED = /(?:^|,)\s*(?:application\/(?:json|\*|graphql-response\+json)|\*\/\*)\s*(?:[;,]|$)/i;

function parametersOf(headers: IncomingHttpHeaders, body: string): Parameters {
  if (!JSON_ACCEPTED.test(headers.accept || '*/*')) throw new Refusal('NOT_ACCEPTABLE', 'Not Acceptable');
  if (!JSON_SENT.test(headers['content-type'] ?? ''))
    throw new Refusal('UNSUPPORTED_MEDIA_TYPE', 'Unsupported Media Type');
  const given = parseObject(body);
  const { query, variables, operationName } = given;
  if (typeof query !== 'string') throw new Refusal('BAD_REQUEST', query == null ? 'Missing query' : 'Invalid query');
  if (typeof (variables ?? {}) !== 'object' || Array.isArray(variables))
    throw new Refusal('BAD_REQUEST', 'Invalid variables');
  if (typeof (operationName ?? '') !== 'string') throw new Refusal('BAD_REQUEST', 'Invalid operationName');
  return given as Parameters;
}

/** @throws Refusal for any other body */
export function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Answered below like any other body that is not an object.
  }
  throw new Refusal('BAD_REQUEST', 'The body must be a JSON object');
}

function refuseAll(code: RefusalCode, errors: readonly GraphQLError[]): Answer {
  const entries = errors.map(({ message, locations }) => ({ message, locations, extensions: { code } }));
  return answerErrors(code, entries);
}

/**
 * A result with nothing but errors becomes the page's error body with the status of its first error; one with data
 * next to the errors stays 200, as GraphQL has it, and its paths say which part failed.
 */
function answerOf({ data, errors = [] }: ExecutionResult): Answer {
  const [first] = errors;
  if (!first) return answerJson(200, { data });
  const isPartial = Object.values(data ?? {}).some((value) => value !== null);
  const entries = errors.map((error) => {
    const refusal = refusalIn(error);
    return {
      message: error.message,
      ...(!refusal && { locations: error.locations }),
      ...(isPartial && { path: error.path }),
      extensions: refusal?.extensions ?? { code: codeOf(error) },
    };
  });
  if (isPartial) return answerJson(200, { errors: entries, data });
  return answerErrors(codeOf(first), entries, refusalIn(first)?.options.retryAfterSeconds);
}

const refusalIn = ({ originalError }: GraphQLError): Refusal | undefined =>
  originalError instanceof Refusal ? originalError : undefined;

/** An error with a path comes out of a resolver, one without is about the variables. */
const codeOf = (error: GraphQLError): RefusalCode =>
  refusalIn(error)?.code ?? (error.path ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT');
