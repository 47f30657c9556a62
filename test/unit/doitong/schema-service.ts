/** Owns scripts that answer as a real GraphQL server with a given schema would, and as a REST endpoint next to it. */
import { buildSchema, graphqlSync } from 'graphql';
import { type Arrived, errors, type Script, type Scripted } from './scripted-service.ts';

export type SchemaServiceOptions = {
  /** Whether the schema may be asked for; true unless said otherwise. */
  introspection?: boolean;
  /** What is behind `/v1/text_to_image`; nothing unless said otherwise. */
  rest?: (arrived: Arrived) => Scripted;
};

const NOTHING_THERE: Scripted = { status: 404, text: '<h1>Not found</h1>' };

export function schemaService(
  sdl: string,
  rootValue: Record<string, unknown>,
  { introspection = true, rest }: SchemaServiceOptions = {},
): Script {
  const schema = buildSchema(sdl);
  return (arrived) => {
    const { path, query, variables } = arrived;
    if (path !== '/graphql') return rest?.(arrived) ?? NOTHING_THERE;
    if (!introspection && query.includes('__schema')) {
      return { status: 400, body: errors({ message: 'Introspection is off', code: 'INTROSPECTION_DISABLED' }) };
    }
    const variableValues = variables as Record<string, unknown> | undefined;
    const { data, errors: list } = graphqlSync({
      schema,
      source: query,
      rootValue,
      ...(variableValues && { variableValues }),
    });
    return {
      status: data === undefined ? 400 : 200,
      body: { data, ...(list && { errors: list.map(({ message }) => ({ message })) }) },
    };
  };
}

/** One step of a script that is a function. */
export const stepOf = (script: Script, arrived: Arrived, count: number): Scripted =>
  typeof script === 'function' ? script(arrived, count) : {};

/** What a request asks for: the root field and its argument, the path at the REST endpoint, or the schema. */
export function nameOf({ method, path, query }: Arrived): string {
  if (path !== '/graphql') return `${method} ${path}`;
  return query.includes('__schema') ? 'schema' : (/job: (\w+(?:\((?!input)\w+)?)/u.exec(query)?.[1] ?? query);
}
