/** Proves that a schema is read as the service has it, and that nothing which is none, or too much, does any harm. */
import fc from 'fast-check';
import { buildSchema, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../../../../src/doitong/dialects.ts';
import { fieldsOf, readSchema, SCHEMA_DOCUMENT } from '../../../../src/doitong/schema/introspection.ts';
import { findStatusQueries } from '../../../../src/doitong/schema/status-query.ts';
import { fixtureSchema, modelOf } from './fixture.ts';

type Json = ReturnType<typeof JSON.parse>;

const introspected = (fixture: string): Json =>
  JSON.parse(JSON.stringify(graphqlSync({ schema: fixtureSchema(fixture), source: SCHEMA_DOCUMENT }).data));

const named = (kind: string, name: string): object => ({ kind, name, ofType: null });
const field = (name: string, type: object, args: object[] = []): object => ({ name, isDeprecated: false, args, type });
const object = (name: string, fields: unknown[]): object => ({ kind: 'OBJECT', name, fields });
const schemaWith = (types: unknown[]): Json => ({
  __schema: { queryType: { name: 'Query' }, mutationType: null, types },
});
const ID = named('SCALAR', 'ID');
const idArgument = { name: 'id', defaultValue: null, type: { kind: 'NON_NULL', name: null, ofType: ID } };

describe('SCHEMA_DOCUMENT', () => {
  it('is valid, and short', () => {
    expect(validate(fixtureSchema('documented'), parse(SCHEMA_DOCUMENT))).toEqual([]);
    expect(SCHEMA_DOCUMENT.length).toBeLessThan(1_000);
  });
});

describe('readSchema', () => {
  it('reads types, arguments, defaults, wrappers and what is deprecated', () => {
    const model = modelOf(
      buildSchema(`
        enum Size { S M }
        input In { a: [[Int!]!]! b: Size! = M c: String }
        type Out { old: String @deprecated(reason: "x") }
        type Query { q(in: In!, n: Int! = 3): [Out!]! }
        type Mutation { m: Out }
      `),
    );
    expect(model.mutationType).toBe('Mutation');
    expect(fieldsOf(model, 'Query')).toEqual([
      {
        name: 'q',
        deprecated: false,
        args: [
          { name: 'in', type: { kind: 'INPUT_OBJECT', name: 'In', lists: 0, required: true }, required: true },
          { name: 'n', type: { kind: 'SCALAR', name: 'Int', lists: 0, required: true }, required: false },
        ],
        type: { kind: 'OBJECT', name: 'Out', lists: 1, required: true },
      },
    ]);
    expect(model.types.get('In')?.inputs.map(({ type, required }) => [type.name, type.lists, required])).toEqual([
      ['Int', 2, true],
      ['Size', 0, false],
      ['String', 0, false],
    ]);
    expect(model.types.get('Size')?.values).toEqual(['S', 'M']);
    expect(fieldsOf(model, 'Out')[0]?.deprecated).toBe(true);
    expect([...model.types.keys()].some((name) => name.startsWith('__'))).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a refusal', { __schema: null }],
    ['no query type', { __schema: { queryType: null, types: [] } }],
    ['a query type without fields', schemaWith([])],
    [
      'a query type with a hostile name',
      { __schema: { queryType: { name: 'Q { x }' }, types: [object('Q { x }', [])] } },
    ],
  ])('takes %s for no schema', (_, data) => {
    expect(readSchema(data)).toBeUndefined();
  });

  it('leaves out what it cannot read, and whatever would change its meaning', () => {
    const nested = Array.from({ length: 8 }).reduce<object>((ofType) => ({ kind: 'LIST', name: null, ofType }), ID);
    const model = readSchema(
      schemaWith([
        object('Query', [
          field('good', ID),
          field('job(id: "x") { id } evil', ID),
          field('a\nb', ID),
          field('tooDeep', nested),
          field('oddArgument', ID, [{ name: 'x y', defaultValue: null, type: ID }]),
          field(
            'manyArguments',
            ID,
            Array.from({ length: 51 }, () => idArgument),
          ),
          { name: 'noType', args: [] },
          7,
          null,
        ]),
        { kind: 'INPUT_OBJECT', name: 'In', inputFields: [idArgument, { name: '!', type: ID }] },
        { kind: 'OBJECT', name: 'bad name', fields: [field('x', ID)] },
        'x',
      ]),
    );
    expect(fieldsOf(model ?? fail(), 'Query').map(({ name }) => name)).toEqual(['good']);
    expect([...(model ?? fail()).types.keys()]).toEqual(['Query']);
  });

  it('stays within its bounds, and never loses the roots', () => {
    const filler = Array.from({ length: 20_000 }, (_, index) => object(`T${index}`, [field('a', ID), field('b', ID)]));
    const roots = object('Query', [field('a', ID)]);
    expect(readSchema(schemaWith([...filler.slice(0, 9_000), roots]))?.types.size).toBe(9_001);
    const wide = Array.from({ length: 30_000 }, (_, index) => field(`f${index}`, ID));
    const model = readSchema(schemaWith([object('A', wide), object('B', wide), roots]));
    expect([...(model ?? fail()).types.keys()]).toEqual(['Query', 'A']);
    expect(readSchema(schemaWith(filler))).toBeUndefined();
  });

  it('and what is found in it are quick, however much leads everywhere', () => {
    const count = 30;
    const types = Array.from({ length: count }, (_, index) =>
      object(
        `Job${index}`,
        Array.from({ length: 400 }, (__, number) =>
          field(`result${number}`, named('OBJECT', `Job${(index + number) % count}`)),
        ),
      ),
    );
    const inputs = Array.from({ length: 300 }, (_, index) => ({
      kind: 'INPUT_OBJECT',
      name: `In${index}`,
      inputFields: Array.from({ length: 20 }, (__, number) => ({
        ...{ name: `where${number}job`, defaultValue: null },
        type: named('INPUT_OBJECT', `In${(index + number) % 300}`),
      })),
    }));
    const roots = Array.from({ length: 3_000 }, (_, index) =>
      field(`job${index}`, named('OBJECT', `Job${index % count}`), [
        index % 2 === 0 ? idArgument : { name: 'where', defaultValue: null, type: named('INPUT_OBJECT', 'In1') },
      ]),
    );
    // Every path through it would take years: the limit of the test ends what hangs.
    const model = readSchema(schemaWith([object('Query', roots), ...inputs, ...types]));
    expect(model?.types.size).toBeGreaterThan(300);
    expect(findStatusQueries(model ?? fail(), MUTATIONS)).toEqual([]);
  });

  it('never throws, and finds only what it can ask for', () => {
    const whole = introspected('where-unique');
    const replaced = (value: Json, steps: readonly number[], by: unknown): Json => {
      const [step, ...rest] = steps;
      if (step === undefined || typeof value !== 'object' || value === null) return by;
      const keys = Object.keys(value);
      const key = keys[step % keys.length];
      if (key === undefined) return by;
      const copy = Array.isArray(value) ? [...value] : { ...value };
      copy[key as never] = replaced(value[key], rest, by) as never;
      return copy;
    };
    const anything = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(fc.oneof(anything, fc.array(fc.nat(), { maxLength: 12 })), anything, (first, by) => {
        const steps = Array.isArray(first) && first.every((step) => typeof step === 'number') ? first : undefined;
        const model = readSchema(steps === undefined ? first : replaced(whole, steps as number[], by));
        if (model !== undefined) findStatusQueries(model, MUTATIONS);
      }),
      { numRuns: 2_000 },
    );
  });
});

function fail(): never {
  throw new Error('There is no schema.');
}
