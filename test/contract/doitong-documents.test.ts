/** Proves that every document fits the schema of the sandbox, which was written from the provider's page. */
import { buildSchema, coerceInputValue, type GraphQLInputObjectType, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { CANDIDATE_QUERIES } from '../../src/doitong/discovery.ts';
import {
  generateDocument,
  generateVariables,
  INTROSPECTION_DOCUMENT,
  JOB_FIELDS,
  jobDocument,
  STATUS_FIELDS,
} from '../../src/doitong/documents.ts';
import { sandboxSchemaSdl } from '../../src/sandbox/sandbox.ts';

const schema = buildSchema(sandboxSchemaSdl);
const problems = (document: string): string[] => validate(schema, parse(document)).map(({ message }) => message);

describe('the documents', () => {
  it.each([
    ['generate', generateDocument(JOB_FIELDS)],
    ['introspection', INTROSPECTION_DOCUMENT],
    ['the first status query', jobDocument(CANDIDATE_QUERIES[0] ?? { field: '', argument: '' }, 'a"b', STATUS_FIELDS)],
  ])('%s fits the schema', (_, document) => {
    expect(problems(document)).toEqual([]);
  });

  it.each([
    ['everything', { prompt: 'a fox', width: 1024, height: 512, version: 'flux-pro-1.1', quality: 'high' } as const],
    ['what must be', { prompt: 'a fox', width: 256, height: 256 }],
  ])('the variables with %s fit GenerateInput', (_, request) => {
    const type = schema.getType('GenerateInput') as GraphQLInputObjectType;
    const { input } = generateVariables(request);
    expect(() => coerceInputValue(input, type)).not.toThrow();
  });

  it('send the prompt word for word, and no setting that was not made', () => {
    expect(generateVariables({ prompt: 'a "fox"\n', width: 256, height: 512 })).toEqual({
      input: {
        type: 'IMAGE',
        provider: 'flux-pro',
        input: { text: 'a "fox"\n' },
        options: { width: 256, height: 512 },
      },
    });
  });
});
