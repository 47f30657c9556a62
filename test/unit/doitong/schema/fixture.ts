/** Builds a schema from an SDL fixture and asks it for itself, as the program asks a service. */
import { readFileSync } from 'node:fs';
import { buildSchema, type GraphQLSchema, graphqlSync } from 'graphql';
import { readSchema, SCHEMA_DOCUMENT, type SchemaModel } from '../../../../src/doitong/schema/introspection.ts';

export function fixtureSchema(name: string): GraphQLSchema {
  return buildSchema(readFileSync(new URL(`fixtures/${name}.graphql`, import.meta.url), 'utf8'));
}

export function modelOf(schema: GraphQLSchema): SchemaModel {
  const { data, errors } = graphqlSync({ schema, source: SCHEMA_DOCUMENT });
  const model = readSchema(structuredClone(data));
  if (errors !== undefined || model === undefined) throw new Error(`The schema cannot be read: ${String(errors)}`);
  return model;
}
