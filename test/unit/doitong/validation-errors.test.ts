/** Proves that validation messages are recognised as graphql-js writes them, and nothing else is taken for one. */
import { buildSchema, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { graphqlName } from '../../../src/doitong/schema/introspection.ts';
import { CANDIDATE_QUERIES } from '../../../src/doitong/schema/status-query.ts';
import { validationProblems } from '../../../src/doitong/validation-errors.ts';

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

const read = (message: string) => validationProblems([{ message }])?.[0];

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
    ['a wrong value', { input: { text: 7 } }, { problem: 'bad_variables' }],
    ['a missing value', { input: {} }, { problem: 'missing_input', input: 'text' }],
    ['an unknown input field', { input: { text: 'a', depth: 1 } }, { problem: 'unknown_input', input: 'depth' }],
    ['one with a suggestion', { input: { text: 'a', widths: 1 } }, { problem: 'unknown_input', input: 'widths' }],
  ])('%s in the variables', (_, variables, problem) => {
    expect(problemsOf(MUTATION, variables)).toEqual([problem]);
  });

  it('no variables at all, and no mutations at all', () => {
    expect(problemsOf(MUTATION, {})).toEqual([{ problem: 'bad_variables' }]);
    const schema = buildSchema('type Query { name: String }');
    const { errors } = graphqlSync({ schema, source: 'mutation { generate }' });
    expect(validationProblems((errors ?? []).map(({ message }) => ({ message })))).toEqual([
      { problem: 'no_mutations' },
    ]);
    expect(read('Schema is not configured for mutations.')).toEqual({ problem: 'no_mutations' });
  });

  const value = '{"text":" at \\"input.x\\"; Field \\"a\\" is not defined by type T."}';
  it.each<[string, object]>([
    [
      'Variable "$input" has invalid value at .options.version: Value "x" does not exist in "V" enum.',
      { problem: 'bad_variables' },
    ],
    [
      `Variable "$input" has invalid value: Expected value of type "In" not to include unknown field "a", found: ${value}.`,
      { problem: 'unknown_input', input: 'a' },
    ],
    [
      `Variable "$input" has invalid value at .options: Expected value of type "O" not to include unknown field "quality". Did you mean "qualities"? Found: ${value}.`,
      { problem: 'unknown_input', input: 'quality', steps: '.options' },
    ],
    [
      `Variable "$input" has invalid value at .options: Expected value of type "O" to include required field "seed", found: ${value}.`,
      { problem: 'missing_input', input: 'seed', steps: '.options' },
    ],
    [
      `Variable "$input" got invalid value ${value}; Field "b" is not defined by type In at value.options.`,
      { problem: 'unknown_input', input: 'b' },
    ],
    [
      `Variable "$input" got invalid value ${value}; Field "b" is not defined by type In; did you mean c?`,
      { problem: 'unknown_input', input: 'b' },
    ],
    [
      `Variable '$input' got invalid value ${value} at 'input.options'; Field 'b' is not defined by type 'O'. Did you mean 'c'?`,
      { problem: 'unknown_input', input: 'b', steps: 'input.options' },
    ],
    [`Variable "$input" got invalid value ${value}; too long.`, { problem: 'bad_variables' }],
    ['Field "b" is not defined by type "In".', { problem: 'unknown_input', input: 'b' }],
  ])('of other releases and servers about the variables: %s', (message, problem) => {
    expect(read(message)).toEqual(problem);
  });

  it.each([
    'Please note: Cannot query field "a" on type "Query".',
    'Cannot query field "a" on type "Query". And charged you 5 credits.',
    'Unknown argument "x" on field "Query.job". Charged.',
    'Unknown type "X". Sorry',
    'Internal error: Unknown type "X".',
    'Internal error: Field "webhookUrl" is not defined by type "GenerateInput".',
    'Field "webhookUrl" is not defined by type "GenerateInput". Charged 5 credits.',
    'Internal error: Variable "$input" got invalid value {}; Field "seed" of required type "Int!" was not provided.',
    // Serialising a result fails with such words after the mutation ran.
    'Int cannot represent non-integer value: 1.5',
    'Cannot return null for non-nullable field Job.id.',
    '',
  ])('does not recognise %j', (message) => {
    expect(read(message)).toBeUndefined();
  });

  it('takes no time over, however long it is', () => {
    const texts = ['; Field "q" is not defined by type "X". Did you mean ', '; Field "q" of required type "X"', 'a?'];
    // A pattern that tries every place with every other one would take hours: the limit of the test ends it.
    const found = texts.map((text) => read(`Variable "$input" got invalid value ${text.repeat(200_000)}`)?.problem);
    expect(found).toEqual(['bad_variables', 'bad_variables', 'bad_variables']);
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

describe('names', () => {
  const isGraphqlName = (text: string): boolean => graphqlName.safeParse(text).success;
  it('of GraphQL are told from other text', () => {
    expect(['job', '_a1', 'Job'].every(isGraphqlName)).toBe(true);
    expect(['', '1a', 'a b', 'a(', 'a\n', 'ä'].some(isGraphqlName)).toBe(false);
  });

  it('that are tried are different and can stand in a document', () => {
    const names = CANDIDATE_QUERIES.flatMap(({ field, argument }) => [field, ...argument]);
    expect(names.every(isGraphqlName)).toBe(true);
    expect(new Set(CANDIDATE_QUERIES.map(({ field }) => field)).size).toBe(CANDIDATE_QUERIES.length);
  });
});
