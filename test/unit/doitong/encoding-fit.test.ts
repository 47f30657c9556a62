/** Proves that orders are encoded as a service takes them, by its schema or by what it refuses, or that what prevents it is named. */
import fc from 'fast-check';
import { buildSchema, type GraphQLSchema, graphqlSync } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  bodyOf,
  DOCUMENTED_ENCODING,
  dialectOf,
  type Encoding,
  type GraphqlDialect,
  inputOf,
  omittedFields,
  type WireOrder,
} from '../../../src/doitong/dialects.ts';
import { type Fitting, fitToProblems, fitToSchema } from '../../../src/doitong/encoding-fit.ts';
import { validationProblems } from '../../../src/doitong/validation-errors.ts';
import { modelOf } from './schema/fixture.ts';

const ORDER: WireOrder = {
  prompt: 'a "fox" at "input.options.quality"; Field "version" is not defined by type "X".',
  width: 512,
  height: 256,
  version: 'flux-pro-1.1',
  quality: 'high',
  webhookUrl: 'https://example.test/hook',
};
const generate = dialectOf('generate') as GraphqlDialect;

const TOP = 'type: Type! provider: String! input: Text! options: Options';
const OPTIONS = 'width: Int height: Int version: String quality: String';
const service = (top = `${TOP} webhookUrl: String`, options = OPTIONS, types = '', args = ''): GraphQLSchema =>
  buildSchema(`${types.includes('enum Type') ? '' : 'enum Type { IMAGE VIDEO }'} ${types}
    type Job { id: ID! status: String! url: String creditCost: Int createdAt: String }
    input Text { text: String! } input Options { ${options} } input GenerateInput { ${top} }
    type Query { a: Int } type Mutation { generate(input: GenerateInput! ${args}): Job }`);

/** What the service itself says to an order in this encoding. */
function errorsAt(schema: GraphQLSchema, encoding: Encoding, order = ORDER): { message: string }[] {
  const { query, variables } = bodyOf(generate, order, encoding) as { query: string; variables: { input: unknown } };
  const rootValue = { generate: () => ({ id: 'a', status: 'b' }) };
  const { errors } = graphqlSync({ schema, source: query, rootValue, variableValues: variables });
  return (errors ?? []).map(({ message }) => ({ message }));
}

/** By the schema; an encoding must be one that the service takes. */
function bySchema(schema: GraphQLSchema, before: Encoding = DOCUMENTED_ENCODING): Fitting {
  const fitting = fitToSchema(modelOf(schema), generate, before);
  if (fitting.type === 'encoding') expect(errorsAt(schema, fitting.encoding)).toEqual([]);
  return fitting;
}

/** By what the service refuses, until it takes the order. */
function byProblems(schema: GraphQLSchema): { fitting: Fitting; refusals: number } {
  let fitting: Fitting = { type: 'encoding', encoding: DOCUMENTED_ENCODING };
  for (let refusals = 0; refusals < 10; refusals += 1) {
    const errors: { message: string }[] = errorsAt(schema, fitting.encoding);
    if (errors.length === 0) return { fitting, refusals };
    const next = fitToProblems(generate, fitting.encoding, validationProblems(errors) ?? []);
    if (next.type !== 'encoding') return { fitting: next, refusals };
    fitting = next;
  }
  throw new Error('There is no end to it.');
}

const omitted = (fitting: Fitting): string[] | undefined =>
  fitting.type === 'encoding' ? omittedFields(generate, ORDER, fitting.encoding) : undefined;

describe.each([
  ['the schema', bySchema],
  ['what is refused', (schema: GraphQLSchema) => byProblems(schema).fitting],
])('an encoding by %s', (_, encodingFor) => {
  it.each<[string, GraphQLSchema, string[]]>([
    ['the documented service', service(), []],
    ['one without the webhook', service(TOP), ['webhookUrl']],
    ['one with a similar field', service(`${TOP} webhookURL: String`), ['webhookUrl']],
    ['one without the quality', service(undefined, 'width: Int height: Int version: String'), ['quality']],
    ['one without any', service(TOP, 'width: Int height: Int'), ['version', 'quality', 'webhookUrl']],
    ['one that has the webhook among the options', service(TOP, `${OPTIONS} webhookUrl: String`), []],
  ])('fits %s', (_name, schema, leftOut) => {
    expect(omitted(encodingFor(schema))).toEqual(leftOut);
  });

  it('selects what the answer has', () => {
    const schema = buildSchema(`scalar JSON input GenerateInput { type: JSON provider: JSON input: JSON options: JSON
      webhookUrl: String } type Cost { credits: Int } type Job { id: ID! status: String url: String creditCost: Cost }
      type Query { a: Int } type Mutation { generate(input: GenerateInput!): Job }`);
    expect(encodingFor(schema)).toMatchObject({ encoding: { unselected: ['creditCost', 'createdAt'] } });
  });

  it.each<[string, GraphQLSchema, object]>([
    ['a field that we must say', service(TOP.replace('provider: String!', '')), { unknown: ['provider'] }],
    ['a field that we do not have', service(`${TOP} webhookUrl: String seed: Int!`), { missing: ['seed'] }],
  ])('is none for a service that has not, or requires, %s', (_name, schema, names) => {
    expect(encodingFor(schema)).toMatchObject({ type: 'unserved', ...names });
  });

  it('is none where the mutation is absent', () => {
    const schema = (mutation: string) =>
      buildSchema(`scalar JSON input GenerateInput { type: JSON provider: JSON input: JSON options: JSON webhookUrl: JSON }
        type Query { a: Int } ${mutation}`);
    expect(encodingFor(schema(''))).toEqual({ type: 'absent' });
    expect(encodingFor(schema('type Mutation { generateImage(input: GenerateInput): Int }'))).toEqual({
      type: 'absent',
    });
  });
});

describe('an encoding by the schema', () => {
  it('writes words as the service does, and leaves out those that it does not take', () => {
    const enums = 'enum Type { image text } enum Version { FLUX_PRO FLUX_PRO_1_1 } enum Quality { Low Medium }';
    const all = service(undefined, 'width: Float height: Int version: Version quality: Quality', enums);
    expect(bySchema(all)).toMatchObject({
      encoding: {
        leftOut: ['options.quality'],
        values: {
          type: { IMAGE: 'image' },
          'options.version': { 'flux-pro-1.1': 'FLUX_PRO_1_1', 'flux-pro': 'FLUX_PRO' },
        },
      },
    });
    const some = bySchema(service(undefined, OPTIONS.replace('version: String', 'version: V'), 'enum V { FLUX_PRO }'));
    expect(some).toMatchObject({ encoding: { leftOut: [] } });
    if (some.type !== 'encoding') return;
    expect(inputOf(generate, ORDER, some.encoding)).not.toHaveProperty('options.version');
    const other = inputOf(generate, { ...ORDER, version: 'flux-pro' }, some.encoding);
    expect(other).toMatchObject({ options: { version: 'FLUX_PRO' } });
  });

  it('has the name of the input type, and passes through scalars of the service and deprecated mutations', () => {
    const schema = buildSchema(`scalar JSON input Free { type: JSON! provider: JSON input: JSON options: JSON
      webhookUrl: JSON } type Query { a: Int } type Job { id: ID status: ID url: ID creditCost: ID createdAt: ID }
      type Mutation { generate(input: Free): Job @deprecated(reason: "x") }`);
    expect(bySchema(schema)).toEqual({ type: 'encoding', encoding: { ...DOCUMENTED_ENCODING, typeName: 'Free' } });
  });

  it('takes a type of which nothing is known as documented', () => {
    const model = modelOf(service());
    const types = new Map([...model.types].filter(([name]) => name !== 'Options'));
    expect(fitToSchema({ ...model, types }, generate, DOCUMENTED_ENCODING)).toEqual({
      type: 'encoding',
      encoding: DOCUMENTED_ENCODING,
    });
  });

  it('keeps what the service has refused, and forgets a type that has got its name back', () => {
    const before = { ...DOCUMENTED_ENCODING, leftOut: ['options.quality'], unselected: ['url'], typeName: 'Other' };
    const { typeName: _, ...after } = before;
    expect(bySchema(service(), before)).toEqual({ type: 'encoding', encoding: after });
  });

  it('names all that prevents it', () => {
    const requires = service(
      `${TOP} webhookUrl: String seed: Int! steps: Int! = 30`,
      `${OPTIONS} style: String!`,
      '',
      'team: ID!',
    );
    expect(bySchema(requires)).toEqual({ type: 'unserved', missing: ['(team)', 'options.style', 'seed'], unknown: [] });
    expect(bySchema(service('type: Type! prompt: String!'))).toEqual({
      type: 'unserved',
      missing: ['prompt'],
      unknown: ['provider', 'input.text', 'options.width', 'options.height'],
    });
    const types = bySchema(service(undefined, 'width: String height: Boolean version: Int quality: Int!'));
    expect(types).toEqual({
      type: 'unserved',
      missing: ['options.quality'],
      unknown: ['options.width', 'options.height'],
    });
    expect(bySchema(service(TOP.replace('Text', 'String')))).toMatchObject({ unknown: ['input.text'] });
    expect(bySchema(service(TOP.replace('provider: String', 'provider: Text')))).toMatchObject({
      unknown: ['provider'],
    });
    expect(bySchema(service(undefined, undefined, 'enum Type { VIDEO }'))).toMatchObject({ unknown: ['type'] });
    expect(bySchema(service(undefined, undefined, 'enum Type { image Image }'))).toMatchObject({ unknown: ['type'] });
    expect(bySchema(service(undefined, undefined, 'enum Type { image IMAGE }'))).toMatchObject({ type: 'encoding' });
  });

  it('agrees with the service, whatever its types are', () => {
    const type = fc.constantFrom(
      'Int',
      'String',
      'Float',
      'Boolean',
      'ID',
      'Type',
      'Text',
      '[Int]',
      '[String!]',
      'Any',
    );
    const fields = (names: string[]): fc.Arbitrary<string> =>
      fc
        .array(fc.tuple(fc.constantFrom(...names), type, fc.constantFrom('', '!')), { minLength: 1, maxLength: 5 })
        .map((list) =>
          [...new Map(list.map(([name, of, bang]) => [name, `${name}: ${of}${bang}`])).values()].join(' '),
        );
    const top = fields(['type', 'provider', 'webhookUrl', 'extra']);
    const options = fields(['width', 'height', 'version', 'quality', 'webhookUrl', 'extra']);
    fc.assert(
      fc.property(top, options, (some, others) => {
        const enums = 'scalar Any enum Type { IMAGE HIGH FLUX_PRO FLUX_PRO_1_1 }';
        const schema = service(`${some} input: Text options: Options`, others, enums);
        if (bySchema(schema).type === 'unserved') expect(errorsAt(schema, DOCUMENTED_ENCODING)).not.toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('an encoding by what is refused', () => {
  const encodingFor = (...messages: string[]): Fitting =>
    fitToProblems(generate, DOCUMENTED_ENCODING, validationProblems(messages.map((message) => ({ message }))) ?? []);

  it('has the webhook tried among the options once', () => {
    expect(byProblems(service(TOP))).toMatchObject({
      refusals: 2,
      fitting: { encoding: { webhookInOptions: true, leftOut: ['options.webhookUrl'] } },
    });
    const image = dialectOf('generateImage') as GraphqlDialect;
    expect(
      fitToProblems(image, DOCUMENTED_ENCODING, [{ problem: 'unknown_input', input: 'webhookUrl' }]),
    ).toMatchObject({
      encoding: { webhookInOptions: false, leftOut: ['webhookUrl'] },
    });
  });

  it.each([
    'Unknown type "GenerateInput".',
    'Cannot query field "generate" on type "Mutation". Did you mean "generateImage"?',
    'Schema is not configured for mutations.',
  ])('is none after %j: the dialect is absent', (message) => {
    expect(encodingFor(message)).toEqual({ type: 'absent' });
  });

  it.each([
    'Unknown type "Other".',
    'Cannot query field "id" on type "Job".',
    'Cannot query field "other" on type "Job".',
    'Unknown argument "input" on field "Mutation.generate".',
    'Variable "$input" got invalid value 7 at "input.options.version"; String cannot represent a non string value: 7',
    'Variable "$input" of required type "GenerateInput!" was not provided.',
  ])('is none after %j, alone or next to what could be left out', (message) => {
    expect(encodingFor(message).type).toBe('unserved');
    expect(encodingFor('Field "version" is not defined by type "Options".', message).type).toBe('unserved');
  });
});
