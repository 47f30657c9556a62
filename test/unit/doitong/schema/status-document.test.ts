/** Proves that ids stay ids in documents, that answers of any shape are read, and that a query can do with less. */
import fc from 'fast-check';
import { type FieldNode, parse, type ValueNode, valueFromASTUntyped } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  curedQuery,
  readStatusAnswer,
  statusDocument,
  withoutFields,
} from '../../../../src/doitong/schema/status-document.ts';
import { plainQuery, type StatusQuery, statusQuerySchema } from '../../../../src/doitong/schema/status-query.ts';

const PLAIN = plainQuery('job', 'id');
const NESTED: StatusQuery = {
  ...PLAIN,
  argument: ['where', 'id'],
  selected: [
    { path: ['jobId'], as: 'id' },
    { path: ['status', 'state'], as: 'status' },
    { path: ['output', 'images', 'url'] },
    { path: ['output', 'image'] },
    { path: ['failure', 'message'], as: 'error' },
    { path: ['metadata'], as: 'metadata' },
  ],
};
const QUERIES = [PLAIN, NESTED, { ...PLAIN, takesNumber: true as const }];

function fieldsIn(document: string): FieldNode[] {
  const { definitions } = parse(document);
  expect(definitions).toHaveLength(1);
  return definitions.flatMap((one) =>
    one.kind === 'OperationDefinition' ? (one.selectionSet.selections as FieldNode[]) : [],
  );
}

function idsIn(value: ValueNode): unknown[] {
  const values = (given: unknown): unknown[] =>
    typeof given === 'object' && given !== null ? Object.values(given).flatMap(values) : [given];
  return values(valueFromASTUntyped(value)).map(String);
}

describe('statusDocument', () => {
  it('asks for one job, and for several at once, under the documented names', () => {
    expect(statusDocument(NESTED, ['a'])).toBe(
      'query { job: job(where: {id: "a"}) { id: jobId status { state } output { images { url } } output { image } error: failure { message } metadata } }',
    );
    const fields = '{ id status url creditCost createdAt metadata }';
    expect(statusDocument(PLAIN, ['a', 'b'])).toBe(`query { j0: job(id: "a") ${fields} j1: job(id: "b") ${fields} }`);
  });

  it('writes an id as a number where the argument is one and the id as well', () => {
    expect(statusDocument({ ...PLAIN, takesNumber: true }, ['12345678901234567890', '1a'])).toMatch(
      /job\(id: 12345678901234567890\).*job\(id: "1a"\)/u,
    );
  });

  it('keeps any id inside its literal', () => {
    const id = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('"', '\\', '\n', '}', '{', '#', 'a', '\u2028', '\uD800', '\u0000', '狐', '🦊'),
      }),
      fc.string().map((text) => `") { id } evil: job(id: "${text}`),
    );
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 5 }), fc.constantFrom(...QUERIES), (ids, query) => {
        const fields = fieldsIn(statusDocument(query, ids));
        const given = fields.flatMap((field) => field.arguments ?? []);
        expect(given.flatMap(({ value }) => idsIn(value))).toEqual(ids.map((one) => one.replace(/\p{Cs}/gu, '\uFFFD')));
        expect(fields.every((field) => field.name.value === query.field)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readStatusAnswer', () => {
  const read = (data: unknown, ...ids: string[]): unknown => Object.fromEntries(readStatusAnswer(data, ids));

  it('tells no such job from no answer', () => {
    expect(read({ job: null }, 'a')).toEqual({ a: null });
    expect(read({ j0: { id: 'a' }, j1: null }, 'a', 'b', 'c')).toEqual({ a: { id: 'a' }, b: null });
    for (const data of [undefined, null, {}, [], 'x', { jobs: null }]) expect(read(data, 'a', 'b')).toEqual({});
  });

  it('reads an answer under a name of its own, when it is the only one', () => {
    expect(read({ checkjob: { id: 'a' } }, 'a')).toEqual({ a: { id: 'a' } });
    expect(read({ one: { id: 'a' }, two: { id: 'a' } }, 'a')).toEqual({});
  });

  it('takes the one job that is answered, whatever id it goes by', () => {
    expect(read({ job: { id: 'global:a' } }, 'a')).toEqual({ a: { id: 'global:a' } });
  });

  it('finds a job in a list by its id only', () => {
    expect(read({ job: [{ id: 'b' }, { id: 'c' }] }, 'a')).toEqual({ a: null });
    expect(read({ job: [{ id: 'b' }] }, 'a')).toEqual({ a: null });
    expect(read({ job: [null, { id: 'b' }, { id: 7 }] }, '7')).toEqual({ '7': { id: 7 } });
    expect(read({ job: [{ status: 'done' }] }, 'a')).toEqual({ a: { status: 'done' } });
    expect(read({ job: [{ id: { toString: 1 } }] }, 'undefined')).toEqual({ undefined: null });
  });

  it('never throws', () => {
    const keys = fc.constantFrom('job', 'j0', 'j1', 'id', 'status', '__proto__', 'constructor');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'large' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.array(fc.tuple(keys, tie('tree')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const ids = fc.array(fc.oneof(fc.constantFrom('a', 'b'), fc.string()), { maxLength: 3 });
    fc.assert(
      fc.property(tree, ids, (data, asked) => {
        for (const id of readStatusAnswer(data, asked).keys()) expect(asked).toContain(id);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a query that is refused', () => {
  it('drops what the service does not have', () => {
    const less = withoutFields(PLAIN, ['creditCost', 'id']) ?? PLAIN;
    expect(statusDocument(less, ['a'])).toBe('query { job: job(id: "a") { status url createdAt metadata } }');
    expect(statusQuerySchema.safeParse(less).success).toBe(true);
    expect(withoutFields(less, ['id'])).toBeUndefined();
    expect(withoutFields(NESTED, ['images', 'failure'])?.selected).toHaveLength(4);
  });

  it.each([
    ['nothing', PLAIN, []],
    ['a field that is not asked for', PLAIN, ['other']],
    ['the address', PLAIN, ['url']],
    ['the status', PLAIN, ['status']],
  ])('does not do without %s', (_, query, names) => {
    expect(withoutFields(query, names)).toBeUndefined();
  });

  it('is written for a number once, and not otherwise', () => {
    const cured = curedQuery(PLAIN, [{ problem: 'wants_number' }]);
    expect(cured).toEqual({ ...PLAIN, takesNumber: true });
    expect(curedQuery(cured ?? PLAIN, [{ problem: 'wants_number' }])).toBeUndefined();
    expect(curedQuery(PLAIN, [{ problem: 'unfit_document' }])).toBeUndefined();
  });
});

describe('statusQuerySchema', () => {
  it.each([
    ['a hostile field', { ...PLAIN, field: 'job { id } evil' }],
    ['a hostile path', { ...PLAIN, selected: [{ path: ['url }'] }] }],
    ['a hostile alias', { ...PLAIN, selected: [{ path: ['url'] }, { path: ['a'], as: 'b } c' }] }],
    ['no address', { ...PLAIN, selected: [{ path: ['id'], as: 'id' }] }],
    ['something more', { ...PLAIN, more: true }],
    ['nothing', undefined],
  ])('refuses %s from the disk', (_, value) => {
    expect(statusQuerySchema.safeParse(value).success).toBe(false);
  });
});
