/** Proves how an order is encoded for a service that differs from the page, as data. */
import { buildSchema, graphqlSync } from 'graphql';
import { describe, expect, it } from 'vitest';
import { DIALECTS, dialectOf, type WireOrder } from '../../../src/doitong/dialects.ts';
import {
  DOCUMENTED_ENCODING,
  type Encoding,
  fitToSchema,
  inputOf,
  omittedFields,
  withoutFields,
} from '../../../src/doitong/order-encoding.ts';
import { readSchema, SCHEMA_DOCUMENT, type SchemaModel } from '../../../src/doitong/schema/introspection.ts';

const ORDER: WireOrder = {
  prompt: 'a fox',
  width: 512,
  height: 256,
  version: 'flux-pro-1.1',
  quality: 'high',
  webhookUrl: 'https://example.test/hook',
};
const GENERATE = dialectOf('generate');
if (GENERATE.kind !== 'graphql') throw new Error('generate is a mutation');
const generate = GENERATE;

function schemaOf(sdl: string): SchemaModel {
  const model = readSchema(graphqlSync({ schema: buildSchema(sdl), source: SCHEMA_DOCUMENT }).data);
  if (model === undefined) throw new Error('no schema');
  return model;
}
const service = (options: string, top = 'webhookUrl: String', types = ''): SchemaModel =>
  schemaOf(`input Text { text: String! } ${types} input Options { width: Int height: Int ${options} }
    input GenerateInput { type: String! provider: String! input: Text! options: Options ${top} }
    type Query { a: Int } type Mutation { generate(input: GenerateInput!): Int }`);
const fitted = (schema: SchemaModel, before: Encoding = DOCUMENTED_ENCODING) => fitToSchema(schema, generate, before);

describe('an input', () => {
  it('is the documented one where nothing is known', () => {
    for (const dialect of DIALECTS) expect(inputOf(dialect, ORDER, DOCUMENTED_ENCODING)).toEqual(dialect.input(ORDER));
  });

  it('has what was left out nowhere, and the webhook where it belongs', () => {
    const encoding = { ...DOCUMENTED_ENCODING, leftOut: ['options.version'], webhookInOptions: true };
    expect(inputOf(generate, ORDER, encoding)).toEqual({
      type: 'IMAGE',
      provider: 'flux-pro',
      input: { text: 'a fox' },
      options: { width: 512, height: 256, quality: 'high', webhookUrl: ORDER.webhookUrl },
    });
    expect(omittedFields(generate, ORDER, inputOf(generate, ORDER, encoding))).toEqual(['version']);
    const { webhookUrl: _, ...without } = ORDER;
    expect(inputOf(generate, without, encoding)).not.toHaveProperty('options.webhookUrl');
    expect(omittedFields(generate, without, inputOf(generate, without, encoding))).toEqual(['version']);
  });

  it('lacks the webhook when neither place takes it, and says so', () => {
    const paths = [['webhookUrl'], ['options.webhookUrl', 'options.quality']];
    const encoding = paths.reduce<Encoding>(
      (before, gone) => withoutFields(generate, before, gone),
      DOCUMENTED_ENCODING,
    );
    expect(encoding).toMatchObject({ webhookInOptions: true, leftOut: ['options.webhookUrl', 'options.quality'] });
    expect(omittedFields(generate, ORDER, inputOf(generate, ORDER, encoding))).toEqual(['quality', 'webhookUrl']);
  });

  it('moves the webhook in generate only', () => {
    const encoding = withoutFields(dialectOf('generateImage'), DOCUMENTED_ENCODING, ['webhookUrl']);
    expect(encoding).toMatchObject({ webhookInOptions: false, leftOut: ['webhookUrl'] });
  });
});

describe('the encoding that a schema asks for', () => {
  it('is the documented one where it fits', () => {
    expect(fitted(service('version: String quality: String'))).toEqual({
      type: 'encoding',
      encoding: DOCUMENTED_ENCODING,
    });
  });

  it('leaves out fields for good, and values as long as they are not taken', () => {
    const fields = fitted(service('version: String', ''));
    expect(fields).toMatchObject({ encoding: { leftOut: ['options.quality', 'webhookUrl'], values: {} } });
    const schema = service('version: Version quality: String', undefined, 'enum Version { FLUX_PRO }');
    const values = fitted(schema);
    const version = { 'flux-pro-1.1': null, 'flux-pro': 'FLUX_PRO' };
    expect(values).toMatchObject({ encoding: { leftOut: [], values: { 'options.version': version } } });
    if (values.type !== 'encoding') return;
    expect(inputOf(generate, ORDER, values.encoding)).not.toHaveProperty('options.version');
    const other = inputOf(generate, { ...ORDER, version: 'flux-pro' }, values.encoding);
    expect(other).toMatchObject({ options: { version: 'FLUX_PRO' } });
  });

  it('keeps what the service has complained about, and forgets a type that has got its name back', () => {
    const before = { ...DOCUMENTED_ENCODING, leftOut: ['options.quality'], unselected: ['url'], typeName: 'Other' };
    const { typeName: _, ...after } = before;
    expect(fitted(service('version: String quality: String'), before)).toEqual({ type: 'encoding', encoding: after });
  });

  it('selects what the answer has, and the id whatever is said', () => {
    const schema = schemaOf(`input In { type: String! provider: String! input: JSON options: JSON webhookUrl: String }
      scalar JSON type Cost { credits: Int } type Job { status: String url(size: Int!): String creditCost: Cost }
      type Query { a: Int } type Mutation { generate(input: In): Job }`);
    expect(fitted(schema)).toMatchObject({ encoding: { unselected: ['url', 'creditCost', 'createdAt'] } });
  });

  it('has the name of the input type', () => {
    const schema = schemaOf(`input Free { type: String! provider: String! input: JSON options: JSON webhookUrl: String }
      scalar JSON type Query { a: Int } type Mutation { generate(input: Free): Int }`);
    expect(fitted(schema)).toEqual({ type: 'encoding', encoding: { ...DOCUMENTED_ENCODING, typeName: 'Free' } });
  });

  it('is none when the mutation is absent, or asks for what we do not have', () => {
    expect(fitted(schemaOf('type Query { a: Int }'))).toEqual({ type: 'absent' });
    const unserved = service('seed: Int!', 'team: ID!');
    expect(fitted(unserved)).toMatchObject({
      type: 'unserved',
      missing: expect.arrayContaining(['options.seed', 'team']),
    });
  });
});
