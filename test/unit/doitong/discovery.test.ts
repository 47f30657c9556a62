/** Proves that validation messages are recognised as graphql-js writes them, and that the status query is found. */
import { buildSchema, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  readSchema,
  readValidationMessage,
  validationProblems,
  withoutUnknownFields,
} from '../../../src/doitong/discovery.ts';
import { INTROSPECTION_DOCUMENT, isGraphqlName, jobDocument } from '../../../src/doitong/documents.ts';

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
    ['an unknown type', 'mutation ($input: Nope!) { generate(input: $input) { id } }', { problem: 'unfit_document' }],
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

describe('readSchema', () => {
  const find = (sdl: string): ReturnType<typeof readSchema> =>
    readSchema(graphqlSync({ schema: buildSchema(sdl), source: INTROSPECTION_DOCUMENT }).data);
  const JOB = 'type Job { id: ID! status: Status! url: String creditCost: Float error: Err metadata: JSON }';
  const REST = 'enum Status { A } scalar JSON type Err { message: String }';

  it('finds the query, with the fields that its type has and that need no selection', () => {
    const found = find(`${JOB} ${REST} type Query { ping: String theJob(key: String!, locale: String): Job! }`);
    expect(found?.query).toEqual({ field: 'theJob', argument: 'key' });
    expect(found?.fields).toEqual(['id', 'status', 'url', 'creditCost', 'metadata']);
    expect(found?.rootFields).toEqual(new Set(['ping', 'theJob']));
  });

  it('prefers names that speak of a job, whatever the order in the schema', () => {
    const names = ['zebra', 'image', 'generationById', 'jobState', 'jobStatus'];
    for (const order of [names, [...names].reverse()]) {
      for (let count = names.length; count > 0; count -= 1) {
        const there = order.filter((name) => names.indexOf(name) < count);
        const found = find(`${JOB} ${REST} type Query { ${there.map((name) => `${name}(id: ID!): Job`).join(' ')} }`);
        const best = ['jobStatus', 'image', 'jobState', 'generationById', 'zebra'].find((name) => there.includes(name));
        expect(found?.query?.field).toBe(best);
      }
    }
  });

  it.each([
    ['no argument', 'job: Job'],
    ['an optional argument', 'job(id: ID): Job'],
    ['two required arguments', 'job(id: ID!, key: String!): Job'],
    ['an argument of another type', 'job(id: Int!): Job'],
    ['a list of ids', 'job(id: [ID!]!): Job'],
    ['a list of jobs', 'jobs(id: ID!): [Job]'],
    ['a type without url', 'job(id: ID!): Err'],
  ])('does not take a field with %s', (_, field) => {
    expect(find(`${JOB} ${REST} type Query { ${field} }`)).toMatchObject({ query: undefined });
  });

  it('takes a required argument with a default for an optional one', () => {
    const found = find(`${JOB} ${REST} type Query { job(id: ID!, locale: String! = "en"): Job }`);
    expect(found?.query).toEqual({ field: 'job', argument: 'id' });
  });

  it('takes nothing for a schema that is none', () => {
    for (const data of [undefined, null, {}, { __schema: null }, { __schema: { queryType: null } }, 'x']) {
      expect(readSchema(data)).toBeUndefined();
    }
    const hostile = { name: 'job(id: "x") { id } evil', args: [], type: { kind: 'OBJECT' } };
    expect(readSchema({ __schema: { queryType: { fields: [hostile, 7, null] } } })?.rootFields.size).toBe(0);
  });
});

describe('jobDocument', () => {
  it('keeps any id inside its literal', () => {
    for (const id of ['plain', 'a"b', 'a\\', '") { id } evil: x(y: "', '\u2028', '狐']) {
      const document = jobDocument({ field: 'checkJob', argument: 'id' }, id, ['id']);
      const schema = buildSchema('type Job { id: ID! } type Query { checkJob(id: ID!): Job }');
      const rootValue = { checkJob: (input: { id: string }) => input };
      expect(graphqlSync({ schema, source: document, rootValue }).data).toEqual({ job: { id } });
    }
  });

  it('knows what a name is', () => {
    expect(['job', '_a1', 'Job'].every(isGraphqlName)).toBe(true);
    expect(['', '1a', 'a b', 'a(', 'a\n', 'ä'].some(isGraphqlName)).toBe(false);
  });
});
