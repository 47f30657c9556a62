/** Proves that validation messages are recognised as graphql-js writes them, and what can be cured by dropping fields. */
import { buildSchema, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  CANDIDATE_QUERIES,
  isRootType,
  readValidationMessage,
  validationProblems,
  withoutUnknownFields,
} from '../../../src/doitong/discovery.ts';
import { isGraphqlName } from '../../../src/doitong/documents.ts';

const SCHEMA = buildSchema(`
  type Job { id: ID! status: String! url: String meta: Meta }
  type Meta { width: Int }
  type Query { job(id: ID!, locale: String!): Job checkJob(id: ID!): Job name: String }
  input GenerateInput { text: String! width: Int }
  type Mutation { generate(input: GenerateInput!): Job }
`);

function messagesOf(document: string, variableValues?: Record<string, unknown>): string[] {
  const invalid = validate(SCHEMA, parse(document));
  if (invalid.length > 0) return invalid.map(({ message }) => message);
  const result = graphqlSync({ schema: SCHEMA, source: document, ...(variableValues && { variableValues }) });
  return (result.errors ?? []).map(({ message }) => message);
}
const problemsOf = (document: string, variables?: Record<string, unknown>): ReturnType<typeof validationProblems> =>
  validationProblems(messagesOf(document, variables).map((message) => ({ message })));

const MUTATION = 'mutation ($input: GenerateInput!) { generate(input: $input) { id } }';

describe('the messages of graphql-js', () => {
  it.each([
    [
      'an unknown root field',
      '{ jobStatus(id: "a") { id } }',
      { problem: 'unknown_field', field: 'jobStatus', type: 'Query' },
    ],
    [
      'one with a suggestion',
      '{ checkJbo(id: "a") { id } }',
      { problem: 'unknown_field', field: 'checkJbo', type: 'Query' },
    ],
    [
      'an unknown selected field',
      '{ checkJob(id: "a") { id cost } }',
      { problem: 'unknown_field', field: 'cost', type: 'Job' },
    ],
    ['a selection on a scalar', '{ name { id } }', { problem: 'unfit_field', field: 'name' }],
    ['no selection on an object', '{ checkJob(id: "a") { meta } }', { problem: 'unfit_field', field: 'meta' }],
    ['an unknown argument', '{ checkJob(id: "a", x: 1) { id } }', { problem: 'unfit_document' }],
    ['a missing argument', '{ job(id: "a") { id } }', { problem: 'unfit_document' }],
    [
      'an unknown type',
      'mutation ($input: Nope!) { generate(input: $input) { id } }',
      { problem: 'unknown_type', type: 'Nope' },
    ],
    [
      'one with a suggestion',
      'mutation ($input: GenerateInputs!) { generate(input: $input) { id } }',
      { problem: 'unknown_type', type: 'GenerateInputs' },
    ],
    [
      'a variable out of place',
      'mutation ($input: String) { generate(input: $input) { id } }',
      { problem: 'unfit_document' },
    ],
    [
      'a variable of an output type',
      'mutation ($input: Job!) { generate(input: $input) { id } }',
      { problem: 'unfit_document' },
    ],
  ])('%s', (_, document, problem) => {
    expect(messagesOf(document)).not.toEqual([]);
    expect(problemsOf(document)).toContainEqual(problem);
  });

  it.each([
    ['a wrong value', { input: { text: 7 } }, 'bad_variables'],
    ['a missing value', { input: {} }, 'bad_variables'],
    ['an input field that does not exist', { input: { text: 'a', depth: 1 } }, 'unfit_document'],
  ])('%s in the variables', (_, variables, problem) => {
    expect(problemsOf(MUTATION, variables)).toEqual([{ problem }]);
  });

  it('no variables at all, and no mutations at all', () => {
    expect(problemsOf(MUTATION, {})).toEqual([{ problem: 'bad_variables' }]);
    const schema = buildSchema('type Query { name: String }');
    const { errors } = graphqlSync({ schema, source: 'mutation { generate }' });
    expect(validationProblems((errors ?? []).map(({ message }) => ({ message })))).toEqual([
      { problem: 'no_mutations' },
    ]);
    expect(readValidationMessage('Schema is not configured for mutations.')).toEqual({ problem: 'no_mutations' });
  });

  it.each([
    'Variable "$input" has invalid value: Expected value of type "In" not to include unknown field "a", found: { a: 1 }.',
    'Variable "$input" has invalid value at .options[0].quality: String cannot represent a non string value: 7',
    'Variable "$input" got invalid value {"a":1}; Field "a" is not defined by type In at value.options.',
  ])('of other releases about the variables: %s', (message) => {
    expect(readValidationMessage(message)).toEqual({ problem: 'bad_variables' });
  });

  it.each([
    'Please note: Cannot query field "a" on type "Query".',
    'Cannot query field "a" on type "Query". And charged you 5 credits.',
    'Unknown argument "x" on field "Query.job". Charged.',
    'Unknown type "X". Sorry',
    'Internal error: Unknown type "X".',
    // Serialising a result fails with such words after the mutation ran.
    'Int cannot represent non-integer value: 1.5',
    'Cannot return null for non-nullable field Job.id.',
    '',
  ])('does not recognise %j', (message) => {
    expect(readValidationMessage(message)).toBeUndefined();
  });

  it('needs all errors to be validation errors', () => {
    const validation = { message: 'Unknown type "X".' };
    expect(validationProblems([validation, { message: 'boom' }])).toBeUndefined();
    expect(validationProblems([])).toBeUndefined();
    expect(validationProblems([validation])).toEqual([{ problem: 'unknown_type', type: 'X' }]);
    expect(validationProblems([{ message: 'Field `x` is missing', code: 'GRAPHQL_VALIDATION_FAILED' }])).toEqual([
      { problem: 'unfit_document' },
    ]);
  });
});

describe('withoutUnknownFields', () => {
  const unknown = (field: string, type = 'Job') => ({ problem: 'unknown_field' as const, field, type });
  const fields = ['id', 'url', 'creditCost', 'job'];

  it('drops what the service does not know, also what cannot be selected that way', () => {
    const problems = [unknown('creditCost'), { problem: 'unfit_field' as const, field: 'url' }];
    expect(withoutUnknownFields(fields, ['id'], 'job', problems)).toEqual(['id', 'job']);
  });

  it('cannot cure a missing essential field, root field or anything else', () => {
    expect(withoutUnknownFields(fields, ['id'], 'job', [unknown('id')])).toBeUndefined();
    expect(withoutUnknownFields(fields, ['id'], 'job', [unknown('job', 'Query')])).toBeUndefined();
    expect(withoutUnknownFields(fields, ['id'], 'generate', [unknown('generate', 'Mutation')])).toBeUndefined();
    expect(withoutUnknownFields(fields, ['id'], 'x', [unknown('url'), { problem: 'unfit_document' }])).toBeUndefined();
  });

  it('tells a selected field from a root field of the same name', () => {
    expect(withoutUnknownFields(fields, ['id'], 'job', [unknown('job', 'Job')])).toEqual(['id', 'url', 'creditCost']);
  });
});

describe('names', () => {
  it('of GraphQL are told from other text', () => {
    expect(['job', '_a1', 'Job'].every(isGraphqlName)).toBe(true);
    expect(['', '1a', 'a b', 'a(', 'a\n', 'ä'].some(isGraphqlName)).toBe(false);
  });

  it('of roots are known by their usual forms', () => {
    expect(['Query', 'Mutation', 'RootQuery', 'query_root', 'MutationType', 'MUTATION'].every(isRootType)).toBe(true);
    expect(['Job', 'QueryResult', 'Generation', ''].some(isRootType)).toBe(false);
  });

  it('that are tried are different and can stand in a document', () => {
    const names = CANDIDATE_QUERIES.flatMap(({ field, argument }) => [field, argument]);
    expect(names.every(isGraphqlName)).toBe(true);
    expect(new Set(CANDIDATE_QUERIES.map(({ field }) => field)).size).toBe(CANDIDATE_QUERIES.length);
  });
});
