/** Proves how an order is spelled for a service that differs from the page, as data. */
import { buildSchema, graphqlSync } from 'graphql';
import { describe, expect, it } from 'vitest';
import { DIALECTS, dialectOf, type WireOrder } from '../../../src/doitong/dialects.ts';
import {
  DOCUMENTED_SHAPE,
  fitToSchema,
  inputOf,
  partsLeftOut,
  type Shape,
  withoutPlaces,
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
const fitted = (schema: SchemaModel, before: Shape = DOCUMENTED_SHAPE) => fitToSchema(schema, generate, ORDER, before);

describe('an input', () => {
  it('is the documented one where nothing is known', () => {
    for (const dialect of DIALECTS) expect(inputOf(dialect, ORDER, DOCUMENTED_SHAPE)).toEqual(dialect.input(ORDER));
  });

  it('has what was left out nowhere, and the webhook where it belongs', () => {
    const shape = { ...DOCUMENTED_SHAPE, leftOut: ['options.version'], webhookInOptions: true };
    expect(inputOf(generate, ORDER, shape)).toEqual({
      type: 'IMAGE',
      provider: 'flux-pro',
      input: { text: 'a fox' },
      options: { width: 512, height: 256, quality: 'high', webhookUrl: ORDER.webhookUrl },
    });
    expect(partsLeftOut(generate, ORDER, inputOf(generate, ORDER, shape))).toEqual(['version']);
    const { webhookUrl: _, ...without } = ORDER;
    expect(inputOf(generate, without, shape)).not.toHaveProperty('options.webhookUrl');
    expect(partsLeftOut(generate, without, inputOf(generate, without, shape))).toEqual(['version']);
  });

  it('lacks the webhook when neither place takes it, and says so', () => {
    const places = [['webhookUrl'], ['options.webhookUrl', 'options.quality']];
    const shape = places.reduce<Shape>((before, gone) => withoutPlaces(generate, before, gone), DOCUMENTED_SHAPE);
    expect(shape).toMatchObject({ webhookInOptions: true, leftOut: ['options.webhookUrl', 'options.quality'] });
    expect(partsLeftOut(generate, ORDER, inputOf(generate, ORDER, shape))).toEqual(['quality', 'webhookUrl']);
  });

  it('moves the webhook in generate only', () => {
    const shape = withoutPlaces(dialectOf('generateImage'), DOCUMENTED_SHAPE, ['webhookUrl']);
    expect(shape).toMatchObject({ webhookInOptions: false, leftOut: ['webhookUrl'] });
  });
});

describe('the shape that a schema asks for', () => {
  it('is the documented one where it fits', () => {
    expect(fitted(service('version: String quality: String'))).toEqual({ type: 'shape', shape: DOCUMENTED_SHAPE });
  });

  it('leaves out fields for good, and values as long as they are not taken', () => {
    const fields = fitted(service('version: String', ''));
    expect(fields).toMatchObject({ shape: { leftOut: ['options.quality', 'webhookUrl'], bySchema: false } });
    const schema = service('version: Version quality: String', undefined, 'enum Version { FLUX_PRO }');
    const values = fitted(schema);
    expect(values).toMatchObject({ shape: { leftOut: [], bySchema: true } });
    if (values.type !== 'shape') return;
    expect(inputOf(generate, ORDER, values.shape, schema)).not.toHaveProperty('options.version');
    const other = inputOf(generate, { ...ORDER, version: 'flux-pro' }, values.shape, schema);
    expect(other).toMatchObject({ options: { version: 'FLUX_PRO' } });
  });

  it('keeps what the service has complained about, and forgets a type that has got its name back', () => {
    const before = { ...DOCUMENTED_SHAPE, leftOut: ['options.quality'], unselected: ['url'], typeName: 'Other' };
    const { typeName: _, ...after } = before;
    expect(fitted(service('version: String quality: String'), before)).toEqual({ type: 'shape', shape: after });
  });

  it('has the name of the input type', () => {
    const schema = schemaOf(`input Free { type: String! provider: String! input: JSON options: JSON webhookUrl: String }
      scalar JSON type Query { a: Int } type Mutation { generate(input: Free): Int }`);
    expect(fitted(schema)).toEqual({ type: 'shape', shape: { ...DOCUMENTED_SHAPE, typeName: 'Free' } });
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
