/** Proves that an order's input fits the service after the check, or that what keeps it from fitting is named. */
import fc from 'fast-check';
import { buildSchema, type GraphQLSchema, graphqlSync } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkInput, type InputCheck } from '../../../../src/doitong/schema/input-check.ts';
import { fixtureSchema, modelOf } from './fixture.ts';

const INPUT = {
  type: 'IMAGE',
  provider: 'flux-pro',
  input: { text: 'a fox' },
  options: { width: 1024, height: 768, version: 'flux-pro-1.1', quality: 'high' },
  webhookUrl: 'https://example.test/hook',
};
const OPTIONAL = ['options.version', 'options.quality', 'webhookUrl', 'options.webhookUrl'];

const BASE = `
  enum Type { IMAGE VIDEO }
  input Text { text: String! }
  type Job { id: ID! }
  type Query { a: Int }
`;
const OPTIONS = 'width: Int height: Int version: String quality: String';
const service = (input: string, options = OPTIONS, more = ''): GraphQLSchema =>
  buildSchema(
    `${BASE} input Options { ${options} } input In { ${input} } type Mutation { generate(input: In! ${more}): Job }`,
  );
const FULL = 'type: Type! provider: String! input: Text! options: Options webhookUrl: String';

/** What the service itself says to this value. */
function complaints(schema: GraphQLSchema, typeName: string, input: unknown): string[] {
  const source = `mutation ($input: ${typeName}!) { job: generate(input: $input) { id } }`;
  const rootValue = { generate: () => ({ id: 'a' }) };
  const { errors } = graphqlSync({ schema, source, rootValue, variableValues: { input } });
  return (errors ?? []).map(({ message }) => message);
}

function check(schema: GraphQLSchema, value: Record<string, unknown> = INPUT): InputCheck {
  const result = checkInput(modelOf(schema), 'generate', 'input', value, OPTIONAL);
  if (typeof result === 'object' && result.fits) expect(complaints(schema, result.typeName, result.value)).toEqual([]);
  return result;
}

describe('an input that fits', () => {
  it('is sent as it is', () => {
    expect(check(service(FULL))).toEqual({ fits: true, value: INPUT, left: [], refusedValues: [], typeName: 'In' });
    expect(check(fixtureSchema('documented'))).toEqual({
      fits: true,
      value: INPUT,
      left: [],
      refusedValues: [],
      typeName: 'GenerateInput',
    });
  });

  it('is sent without optional fields that the service does not know', () => {
    const { webhookUrl: _, options, ...rest } = INPUT;
    expect(
      check(service('type: Type! provider: String! input: Text! options: Options!', 'width: Int height: Int')),
    ).toEqual({
      fits: true,
      value: { ...rest, options: { width: options.width, height: options.height } },
      left: ['options.version', 'options.quality', 'webhookUrl'],
      refusedValues: [],
      typeName: 'In',
    });
  });

  it('is sent without an object that holds optional fields only', () => {
    const value = { type: 'IMAGE', provider: 'flux-pro', input: { text: 'a' }, options: { quality: 'high' } };
    const { options: _, ...rest } = value;
    const expected = { fits: true, value: rest, left: ['options.quality'], refusedValues: [], typeName: 'In' };
    expect(check(service('type: Type! provider: String! input: Text!'), value)).toEqual(expected);
    expect(check(service(FULL, 'width: Int'), value)).toEqual(expected);
    const empty = { ...expected, value: { ...rest, options: {} } };
    expect(check(service(FULL.replace('Options', 'Options!'), 'width: Int'), value)).toEqual(empty);
  });

  it('carries the webhook address where the type shows it', () => {
    const { webhookUrl, options, ...rest } = INPUT;
    const moved = { ...rest, options: { ...options, webhookUrl } };
    const inOptions = service(
      'type: Type! provider: String! input: Text! options: Options',
      `${OPTIONS} webhookUrl: String`,
    );
    expect(check(inOptions)).toMatchObject({ fits: true, value: moved, left: [] });
    expect(check(service(FULL, `${OPTIONS} webhookUrl: String`))).toMatchObject({ value: INPUT, left: [] });
    const alone = { ...rest, webhookUrl };
    expect(check(inOptions, alone)).toMatchObject({ value: { ...rest, options: { webhookUrl } }, left: [] });
  });

  it('spells enum values as the service does', () => {
    const schema = buildSchema(`
      enum Kind { text image }  enum Provider { FLUX_PRO SDXL }  enum Version { FLUX_PRO FLUX_PRO_1_1 }
      enum Quality { Low Medium }
      input Text { text: String! } input Options { width: Float height: Int version: Version quality: Quality }
      input In { type: Kind! provider: Provider! input: Text! options: Options webhookUrl: ID }
      type Job { id: ID! } type Query { a: Int } type Mutation { generate(input: In): Job }
    `);
    expect(check(schema)).toEqual({
      fits: true,
      value: {
        ...INPUT,
        type: 'image',
        provider: 'FLUX_PRO',
        options: { width: 1024, height: 768, version: 'FLUX_PRO_1_1' },
      },
      left: ['options.quality'],
      // It is there, and may be taken with another value.
      refusedValues: ['options.quality'],
      typeName: 'In',
    });
  });

  it('may go into scalars of the service, into types of which nothing is known, and through deprecated mutations', () => {
    const free = 'scalar JSON input In { type: JSON! provider: JSON input: JSON options: JSON webhookUrl: JSON }';
    const sdl = `${free} type Job { id: ID! } type Query { a: Int } type Mutation { generate(input: In!): Job @deprecated(reason: "x") }`;
    expect(check(buildSchema(sdl))).toMatchObject({ fits: true, value: INPUT, left: [] });
    const model = modelOf(service(FULL));
    const types = new Map([...model.types].filter(([name]) => name !== 'Options'));
    expect(checkInput({ ...model, types }, 'generate', 'input', INPUT, OPTIONAL)).toMatchObject({
      value: INPUT,
      left: [],
    });
  });
});

describe('an input that does not fit', () => {
  it('names what the service requires and we do not have', () => {
    const schema = service(
      `${FULL} seed: Int! steps: Int! = 30`,
      `${OPTIONS} style: String!`,
      'project: ID! dry: Boolean! = false',
    );
    expect(check(schema)).toEqual({ fits: false, missing: ['(project)', 'options.style', 'seed'], unknown: [] });
    const { options: _, ...rest } = INPUT;
    expect(check(service(FULL.replace('Options', 'Options!')), rest)).toMatchObject({ missing: ['options'] });
  });

  it('names what we must say and the service does not take', () => {
    expect(check(service('type: Type! prompt: String!'))).toEqual({
      fits: false,
      missing: ['prompt'],
      unknown: ['provider', 'input.text', 'options.width', 'options.height'],
    });
    expect(check(service(FULL, 'width: String height: Boolean version: Int quality: Float'))).toEqual({
      fits: false,
      missing: [],
      unknown: ['options.width', 'options.height'],
    });
    expect(check(service(FULL.replace('Text', 'String')))).toMatchObject({ unknown: ['input.text'] });
    expect(check(service(FULL.replace('provider: String', 'provider: Text')))).toMatchObject({ unknown: ['provider'] });
  });

  it('names an enum value that the service does not have, or has twice', () => {
    const enums = (values: string): GraphQLSchema =>
      buildSchema(
        `enum Type { ${values} } input In { type: Type! } type Query { a: Int } type Mutation { generate(input: In!): Int }`,
      );
    const of = (values: string): unknown =>
      checkInput(modelOf(enums(values)), 'generate', 'input', { type: 'IMAGE' }, []);
    expect(of('VIDEO')).toEqual({ fits: false, missing: [], unknown: ['type'] });
    expect(of('image Image')).toMatchObject({ fits: false, unknown: ['type'] });
    expect(of('image Image IMAGE')).toMatchObject({ fits: true });
  });

  it('needs an optional field that the service requires with another value', () => {
    expect(check(service(FULL, 'width: Int height: Int version: String quality: Int!'))).toEqual({
      fits: false,
      missing: ['options.quality'],
      unknown: [],
    });
  });
});

it('says when the mutation or its argument does not exist', () => {
  const model = modelOf(service(FULL));
  expect(checkInput(model, 'generateImage', 'input', INPUT, OPTIONAL)).toBe('absent');
  expect(checkInput(model, 'generate', 'data', INPUT, OPTIONAL)).toBe('absent');
  expect(checkInput({ ...model, mutationType: undefined }, 'generate', 'input', INPUT, OPTIONAL)).toBe('absent');
});

it('agrees with the service, whatever its types are', () => {
  const type = fc.constantFrom('Int', 'String', 'Float', 'Boolean', 'ID', 'Type', 'Text', '[Int]', '[String!]', 'Any');
  const fields = (names: string[]): fc.Arbitrary<string> =>
    fc
      .array(fc.tuple(fc.constantFrom(...names), type, fc.constantFrom('', '!')), { minLength: 1, maxLength: 5 })
      .map((list) => [...new Map(list.map(([name, of, bang]) => [name, `${name}: ${of}${bang}`])).values()].join(' '));
  fc.assert(
    fc.property(
      fields(['type', 'provider', 'webhookUrl', 'extra']),
      fields(['width', 'height', 'version', 'quality', 'webhookUrl', 'extra']),
      (top, options) => {
        const schema = buildSchema(`
          scalar Any enum Type { IMAGE HIGH FLUX_PRO } input Text { text: String }
          input Options { ${options} } input In { ${top} input: Text options: Options }
          type Job { id: ID! } type Query { a: Int } type Mutation { generate(input: In!): Job }
        `);
        const result = check(schema);
        if (result === 'absent') throw new Error('It is there.');
        if (result.fits) expect(OPTIONAL).toEqual(expect.arrayContaining(result.left));
        else expect(complaints(schema, 'In', INPUT)).not.toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
