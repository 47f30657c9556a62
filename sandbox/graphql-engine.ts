// Owns the execution of GraphQL operations against the sandbox's schema, and the HTTP status each outcome has.

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
import { rootFieldsIn } from './graphql-operation.ts';
import type { GraphqlResolvers } from './graphql-resolvers.ts';
import { httpStatusOf, Refusal, type RefusalCode } from './refusal.ts';
import { type SchemaTraits, schemaSdl } from './schema-sdl.ts';
import type { Placement } from './service.ts';

export type Operation = {
  query: string;
  variables: Record<string, unknown> | undefined;
  operationName: string | undefined;
  placement: Placement;
};

export type Outcome = { status: number; body: object; retryAfterSeconds?: number };

export type GraphqlEngine = (operation: Operation) => Promise<Outcome>;

type ErrorEntry = {
  message: string;
  locations?: unknown;
  path?: unknown;
  extensions: Record<string, unknown>;
};

function refuseAll(code: RefusalCode, errors: readonly GraphQLError[]): Outcome {
  const entries = errors.map(({ message, locations }) => ({
    message,
    ...(locations && { locations }),
    extensions: { code },
  }));
  return { status: httpStatusOf(code), body: { errors: entries } };
}

/** An error with a path comes out of a resolver, one without is about the variables. */
function codeOf(error: GraphQLError): RefusalCode {
  if (error.originalError instanceof Refusal) return error.originalError.code;
  return error.path ? 'INTERNAL_SERVER_ERROR' : 'BAD_USER_INPUT';
}

/**
 * A result with nothing but errors becomes the page's error body with the status of its first error; one with data
 * beside the errors stays 200, as GraphQL has it, and tells by the path which part failed.
 */
function settle({ data, errors }: ExecutionResult): Outcome {
  const [first] = errors ?? [];
  if (!errors || !first) return { status: 200, body: { data } };
  const partial = Object.values(data ?? {}).some((value) => value !== null);
  const entries = errors.map((error): ErrorEntry => {
    const refusal = error.originalError instanceof Refusal ? error.originalError : undefined;
    return {
      message: error.message,
      ...(!refusal && error.locations && { locations: error.locations }),
      ...(partial && { path: error.path }),
      extensions: refusal?.extensions ?? { code: codeOf(error) },
    };
  });
  if (partial) return { status: 200, body: { errors: entries, data } };
  const wait = first.originalError instanceof Refusal ? first.originalError.retryAfterSeconds : undefined;
  return {
    status: httpStatusOf(codeOf(first)),
    body: { errors: entries },
    ...(wait !== undefined && { retryAfterSeconds: wait }),
  };
}

export type EngineTraits = SchemaTraits & { introspection: boolean; rootFieldsMax: number };

export function createGraphqlEngine(resolvers: GraphqlResolvers, traits: EngineTraits): GraphqlEngine {
  const schema = buildSchema(schemaSdl(traits));
  const rules = traits.introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];

  return async ({ query, variables, operationName, placement }) => {
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
      const refusal = new GraphQLError(
        `The query asks for ${fields} fields at its root; ${traits.rootFieldsMax} are allowed`,
      );
      return refuseAll('QUERY_TOO_COMPLEX', [refusal]);
    }
    if (!getOperationAST(document, operationName)) {
      throw new Refusal('BAD_REQUEST', 'The document has no such operation, or several and no name says which');
    }
    return settle(
      await execute({
        schema,
        document,
        rootValue: resolvers,
        contextValue: placement,
        variableValues: variables,
        operationName,
      }),
    );
  };
}
