/** Proves that the status query is found in schemas of many kinds, and that what is asked of it can be answered and read. */
import { buildSchema, execute, type GraphQLSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from '../../../../src/doitong/dialects.ts';
import { addressIn } from '../../../../src/doitong/picture-address.ts';
import { readStatusAnswer, statusDocument } from '../../../../src/doitong/schema/status-document.ts';
import {
  findStatusQueries,
  plainQuery,
  type StatusQuery,
  statusQuerySchema,
} from '../../../../src/doitong/schema/status-query.ts';
import { reasonText, statusWord } from '../../../../src/doitong/wire-values.ts';
import { fixtureSchema, modelOf } from './fixture.ts';
import { NONE_FITTING, SERVICES, UNKNOWN_ID } from './services.ts';

function ask(schema: GraphQLSchema, query: StatusQuery, ids: string[], answers: (args: never) => unknown): unknown {
  const document = parse(statusDocument(query, ids));
  expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  const result = execute({ schema, document, rootValue: { [query.field]: answers } });
  expect(result).not.toHaveProperty('errors');
  return structuredClone((result as { data: unknown }).data);
}

/** What a job is read as, without what is absent. */
function readJob(id: string, raw: Record<string, unknown>): Record<string, unknown> {
  const read = {
    id,
    status: statusWord(raw.status),
    url: addressIn(raw, false),
    creditCost: raw.creditCost,
    error: reasonText(raw.error),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined && value !== null));
}

describe.each(SERVICES)('$fixture', ({ fixture, submitField, asks, answers, reads, knowsAll = false }) => {
  const schema = fixtureSchema(fixture);
  const mutations = submitField === undefined ? MUTATIONS : [submitField];
  const queries = findStatusQueries(modelOf(schema), mutations);
  const query = queries[0] ?? plainQuery('none', 'none');

  it('is found', () => {
    expect(statusDocument(query, ['one'])).toBe(`query { job: ${asks} }`);
  });

  it('is plain data that may be remembered', () => {
    for (const found of queries) expect(statusQuerySchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
  });

  it.each([[['one']], [['one', 'tw"o \\ {three}', 'four']]])('is answered for %j', (ids) => {
    const reported = readStatusAnswer(ask(schema, query, ids, answers), ids);
    expect([...reported].map(([id, job]) => job && readJob(id, job))).toEqual(ids.map(reads));
  });

  it('says so when a job is unknown', () => {
    for (const ids of [[UNKNOWN_ID], ['one', UNKNOWN_ID]]) {
      const reported = readStatusAnswer(ask(schema, query, ids, answers), ids);
      expect(ids.map((id) => reported.get(id) === null)).toEqual(ids.map((id) => id === UNKNOWN_ID && !knowsAll));
    }
  });

  it('has only neighbours that can be asked as well', () => {
    for (const found of queries) {
      expect(validate(schema, parse(statusDocument(found, ['a', 'b'])))).toEqual([]);
    }
  });

  it('is the same whatever the order of the schema', () => {
    const model = modelOf(schema);
    const turned = [...model.types]
      .reverse()
      .map(([name, type]) => [name, { ...type, fields: [...type.fields].reverse() }]);
    const again = findStatusQueries({ ...model, types: new Map(turned as [string, never][]) }, mutations);
    expect(again.map(({ field, argument }) => [field, argument])).toEqual(
      queries.map(({ field, argument }) => [field, argument]),
    );
  });
});

describe('of several candidates', () => {
  const find = (sdl: string, mutations: readonly string[] = MUTATIONS): string[] =>
    findStatusQueries(modelOf(buildSchema(sdl)), mutations).map(({ field }) => field);
  const JOB = 'type Job { id: ID! status: String! url: String }';
  const PICTURE = 'type Picture { id: ID! status: String! url: String }';
  const argument = '(id: ID!)';

  it('the one that answers what the order answers comes first, then what is inside its payload', () => {
    const query = `type Query { jobStatus${argument}: Job picture${argument}: Picture } ${JOB} ${PICTURE}`;
    expect(find(query)).toEqual(['jobStatus', 'picture']);
    expect(find(`${query} type Mutation { generate: Picture }`)).toEqual(['picture', 'jobStatus']);
    expect(find(`${query} type Mutation { generateImage: Out } type Out { picture: Picture }`)[0]).toBe('picture');
    expect(find(`${query} type Mutation { generate: Job order: Picture }`, ['order'])[0]).toBe('picture');
  });

  it('names that speak of a job come before names that speak of a picture or of nothing', () => {
    const names = ['taskStatus', 'job', 'statusOf', 'picture', 'run', 'thing'];
    for (const order of [names, [...names].reverse()]) {
      expect(find(`${JOB} type Query { ${order.map((name) => `${name}${argument}: Job`).join(' ')} }`)).toEqual(names);
    }
  });

  it('a deprecated one is the last resort', () => {
    const old = `job${argument}: Job @deprecated(reason: "old")`;
    expect(find(`${JOB} type Query { ${old} thing${argument}: Job }`)).toEqual(['thing', 'job']);
    expect(find(`${JOB} type Query { ${old} }`)).toEqual(['job']);
  });

  it('a required id comes before an optional one, a plain one before an input, and lists are left alone', () => {
    const fields = 'job1(id: ID!): Job job2(id: ID): Job job3(key: Key!): Job job4(key: ID!): Job';
    const lists = 'jobs(ids: [ID!]!): Job jobsOf(id: ID!): [Job]';
    expect(find(`${JOB} input Key { id: ID } type Query { ${fields} ${lists} }`)).toEqual([
      'job1',
      'job2',
      'job4',
      'job3',
    ]);
  });

  it('a number is taken for an id where its name says so', () => {
    const [query] = findStatusQueries(modelOf(buildSchema(`${JOB} type Query { job(jobId: Int!): Job }`)), MUTATIONS);
    expect(query?.takesNumber).toBe(true);
    expect(find(`${JOB} type Query { job(number: Int!): Job }`)).toEqual([]);
  });
});

describe('plainQuery', () => {
  it('asks for the documented fields', () => {
    const schema = fixtureSchema('documented');
    const document = statusDocument(plainQuery('checkJobStatus', 'jobId'), ['a']);
    expect(document).toBe('query { job: checkJobStatus(jobId: "a") { id status url creditCost createdAt metadata } }');
    expect(validate(schema, parse(document))).toEqual([]);
  });
});

describe('nothing', () => {
  it.each(NONE_FITTING)('is found in %s', (fixture) => {
    expect(findStatusQueries(modelOf(fixtureSchema(fixture)), MUTATIONS)).toEqual([]);
  });
});
