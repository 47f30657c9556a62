/** Proves that ids stay ids in documents, that answers of any shape are read, and that a query can do with less. */
import fc from 'fast-check';
import { type FieldNode, parse, type ValueNode, valueFromASTUntyped } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readStatusAnswer, statusDocument, withoutFields } from '../../../../src/doitong/schema/status-document.ts';
import { plainQuery, type StatusQuery, statusQuerySchema } from '../../../../src/doitong/schema/status-query.ts';

const PLAIN = plainQuery('job', 'id');
const NESTED: StatusQuery = {
  ...PLAIN,
  argument: ['where', 'id', 'eq'],
  job: ['data'],
  id: ['jobId'],
  status: ['status', 'state'],
  urls: [['output', 'images', 'url'], ['output', 'image'], ['raw']],
  creditCost: ['usage', 'credits'],
  reasons: [['error', 'message'], ['message']],
  others: [['metadata']],
};
const LIST: StatusQuery = {
  ...PLAIN,
  field: 'jobs',
  argument: ['filter', 'ids'],
  takesList: true,
  sizeArgument: 'first',
  answersList: true,
  job: ['edges', 'node'],
};
const QUERIES = [PLAIN, NESTED, LIST];

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
  return values(valueFromASTUntyped(value));
}

describe('statusDocument', () => {
  it('asks for one job, for several at once, and in a list where the service has one', () => {
    expect(statusDocument(NESTED, ['a'])).toBe(
      'query { job: job(where: {id: {eq: "a"}}) { data { jobId status { state } output { images { url } image } raw usage { credits } error { message } message metadata } } }',
    );
    const flat = { ...PLAIN, others: [], urls: [['url']] };
    expect(statusDocument(flat, ['a', 'b', 'a'])).toBe(
      'query { j0: job(id: "a") { id status url creditCost } j1: job(id: "b") { id status url creditCost } }',
    );
    const list = 'edges { node { id status url creditCost } }';
    const edges = { ...LIST, others: [] };
    expect(statusDocument(edges, ['a', 'b'])).toBe(
      `query { jobs: jobs(filter: {ids: ["a", "b"]}, first: 2) { ${list} } }`,
    );
    expect(statusDocument(edges, ['a'])).toBe(`query { job: jobs(filter: {ids: ["a"]}, first: 1) { ${list} } }`);
    // One job for a list of ids, and a list of jobs for one id, are asked for one by one.
    expect(fieldsIn(statusDocument({ ...LIST, answersList: false }, ['a', 'b']))).toHaveLength(2);
    expect(fieldsIn(statusDocument({ ...LIST, takesList: false }, ['a', 'b']))).toHaveLength(2);
  });

  it('asks for nothing when there is nothing to ask for', () => {
    expect(() => parse(statusDocument(PLAIN, []))).not.toThrow();
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
        const given = fields.flatMap((field) => field.arguments ?? []).filter(({ name }) => name.value !== 'first');
        expect(given.flatMap(({ value }) => idsIn(value))).toEqual(ids.map((one) => one.replace(/\p{Cs}/gu, '\uFFFD')));
        expect(fields.every((field) => field.name.value === query.field)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readStatusAnswer', () => {
  const read = (query: StatusQuery, data: unknown, ...ids: string[]): unknown =>
    Object.fromEntries(readStatusAnswer(query, data, ids));

  it('tells no such job from no answer', () => {
    expect(read(PLAIN, { job: null }, 'a')).toEqual({ a: null });
    expect(read(PLAIN, { j0: { id: 'a' }, j1: null }, 'a', 'b', 'c')).toEqual({ a: { id: 'a' }, b: null });
    expect(read(LIST, { jobs: { edges: [{ node: { id: 'b' } }, null] } }, 'a', 'b')).toEqual({
      a: null,
      b: { id: 'b' },
    });
    for (const data of [undefined, null, {}, [], 'x', { jobs: null }]) expect(read(LIST, data, 'a', 'b')).toEqual({});
    expect(read(LIST, { job: null }, 'a')).toEqual({});
  });

  it('reads an answer under a name of its own, when it is the only one', () => {
    expect(read(PLAIN, { checkjob: { id: 'a' } }, 'a')).toEqual({ a: { id: 'a' } });
    expect(read(PLAIN, { one: { id: 'a' }, two: { id: 'a' } }, 'a')).toEqual({});
  });

  it('finds a job in a list by its id only', () => {
    const of = (...nodes: unknown[]): unknown => ({ job: { edges: nodes.map((node) => ({ node })) } });
    expect(read(LIST, of({ id: 'b', status: 'done' }), 'a')).toEqual({ a: null });
    expect(read(LIST, of({ id: 'b' }, { id: 7, status: 'done' }), '7')).toEqual({ '7': { id: 7, status: 'done' } });
    expect(read(LIST, of({ status: 'done' }), 'a')).toEqual({ a: { id: 'a', status: 'done' } });
    expect(read(LIST, of({ status: 'done' }, { status: 'failed' }), 'a')).toEqual({ a: null });
    expect(read(LIST, of({ id: { toString: 1 } }), 'undefined')).toEqual({ undefined: { id: 'undefined' } });
  });

  it('takes the one job that is answered, whatever id it goes by', () => {
    expect(read(PLAIN, { job: { id: 'global:a', status: 'done' } }, 'a')).toEqual({
      a: { id: 'global:a', status: 'done' },
    });
    expect(read(PLAIN, { job: [{ id: 'b' }, { id: 'c' }] }, 'a')).toEqual({ a: null });
  });

  it('looks for the picture in each place, and knows an address from other text', () => {
    const url = (data: unknown): unknown =>
      (read(NESTED, { job: { data } }, 'a') as Record<string, Record<string, unknown>>).a?.url;
    expect(url({ output: { images: [{ url: null }, { url: '/a.png' }] } })).toBe('/a.png');
    expect(url({ output: { images: [], image: 'https://cdn/a.png' } })).toBe('https://cdn/a.png');
    expect(url({ output: { image: 'a fox' } })).toBeUndefined();
    expect(url({ raw: { thumbnail: 'https://cdn/t', result: [{ imageUrl: 'https://cdn/a' }] } })).toBe('https://cdn/a');
    expect(url({ raw: { images: ['https://cdn/a', 'https://cdn/b'] } })).toBe('https://cdn/a');
    expect(url({ raw: ['x', ['https://cdn/b']] })).toBe('https://cdn/b');
    expect(url({ raw: { input: { imageUrl: 'https://cdn/in' } } })).toBeUndefined();
  });

  it('reads the rest from where it stands', () => {
    const data = {
      jobId: 5,
      status: { state: 'FAILED' },
      usage: [{ credits: '3' }],
      error: { message: ' ' },
      message: 'no',
      metadata: { a: 1 },
    };
    expect(read(NESTED, { job: { data } }, 'a')).toEqual({
      a: { id: 5, status: 'FAILED', creditCost: '3', error: 'no', metadata: { a: 1 } },
    });
  });

  it('never throws', () => {
    const keys = fc.constantFrom(
      ...[
        'job',
        'jobs',
        'j0',
        'j1',
        'data',
        'edges',
        'node',
        'id',
        'status',
        'state',
        'url',
        'output',
        'images',
        'raw',
      ],
      ...['error', 'message', 'usage', 'credits', '__proto__', 'constructor', 'toString'],
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'large' },
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom('a', 'b', 'https://cdn/a'),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.array(fc.tuple(keys, tie('tree')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    const ids = fc.array(fc.oneof(fc.constantFrom('a', 'b'), fc.string()), { maxLength: 3 });
    fc.assert(
      fc.property(tree, ids, fc.constantFrom(...QUERIES), (data, asked, query) => {
        const reported = readStatusAnswer(query, data, asked);
        for (const [id, record] of reported) {
          expect(asked).toContain(id);
          if (record !== null) expect(['string', 'undefined']).toContain(typeof record.url);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('withoutFields', () => {
  it('drops what the service does not have', () => {
    expect(withoutFields(PLAIN, ['creditCost', 'metadata'])).toEqual({
      ...plainQuery('job', 'id'),
      creditCost: undefined,
      others: [['createdAt']],
    });
    expect(withoutFields(PLAIN, ['id'])?.id).toBeUndefined();
    expect(withoutFields(NESTED, ['images', 'message'])).toMatchObject({
      urls: [['output', 'image'], ['raw']],
      reasons: [],
    });
    const less = withoutFields(PLAIN, ['creditCost']) ?? PLAIN;
    expect(statusDocument(less, ['a'])).toBe('query { job: job(id: "a") { id status url createdAt metadata } }');
    expect(statusQuerySchema.safeParse(less).success).toBe(true);
  });

  it.each([
    ['nothing', PLAIN, []],
    ['a field that is not asked for', PLAIN, ['other']],
    ['the address', PLAIN, ['url']],
    ['the status', PLAIN, ['status']],
    ['the id in a list', LIST, ['id']],
    ['the way to the job', NESTED, ['data']],
  ])('does not do without %s', (_, query, names) => {
    expect(withoutFields(query, names)).toBeUndefined();
  });

  it('ends, because each step asks for less', () => {
    let query: StatusQuery | undefined = PLAIN;
    for (const name of ['createdAt', 'metadata', 'creditCost', 'id']) query = query && withoutFields(query, [name]);
    expect(statusDocument(query ?? PLAIN, ['a'])).toBe('query { job: job(id: "a") { status url } }');
    expect(withoutFields(query ?? PLAIN, ['id'])).toBeUndefined();
  });
});

describe('statusQuerySchema', () => {
  it.each([
    ['a hostile field', { ...PLAIN, field: 'job { id } evil' }],
    ['a hostile path', { ...PLAIN, urls: [['url }']] }],
    ['no address', { ...PLAIN, urls: [] }],
    ['something more', { ...PLAIN, more: true }],
    ['nothing', undefined],
  ])('refuses %s from the disk', (_, value) => {
    expect(statusQuerySchema.safeParse(value).success).toBe(false);
  });
});
