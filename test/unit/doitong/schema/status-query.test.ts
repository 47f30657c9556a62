/** Proves that the status query is found in schemas of many kinds, and that what is asked of it can be answered and read. */
import { buildSchema, execute, type GraphQLSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { fenced } from '../../../../src/core/untrusted-text.ts';
import { readStatusAnswer, statusDocument } from '../../../../src/doitong/schema/status-document.ts';
import {
  findStatusQueries,
  plainQuery,
  type StatusQuery,
  statusQuerySchema,
} from '../../../../src/doitong/schema/status-query.ts';
import { readWireJob } from '../../../../src/doitong/wire-job.ts';
import { fixtureSchema, modelOf } from './fixture.ts';
import { NONE_FITTING, SERVICES, UNKNOWN_ID } from './services.ts';

const optionsOf = (submitField: string | undefined): { submitField?: string } =>
  submitField === undefined ? {} : { submitField };

function ask(schema: GraphQLSchema, query: StatusQuery, ids: string[], answers: (args: never) => unknown): unknown {
  const document = parse(statusDocument(query, ids));
  expect(validate(schema, document).map(({ message }) => message)).toEqual([]);
  const result = execute({ schema, document, rootValue: { [query.field]: answers } });
  expect(result).not.toHaveProperty('errors');
  return structuredClone((result as { data: unknown }).data);
}

describe.each(SERVICES)('$fixture', ({ fixture, submitField, finds, answers, reads, knowsAll = false }) => {
  const schema = fixtureSchema(fixture);
  const queries = findStatusQueries(modelOf(schema), optionsOf(submitField));
  const query = queries[0] ?? plainQuery('none', 'none');

  it('is found', () => {
    expect(queries[0]).toMatchObject(finds);
  });

  it('is plain data that may be remembered', () => {
    for (const found of queries) expect(statusQuerySchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
  });

  it.each([[['one']], [['one', 'tw"o \\ {three}', 'four']]])('is answered for %j', (ids) => {
    const reported = readStatusAnswer(query, ask(schema, query, ids, answers), ids);
    expect([...reported]).toEqual(ids.map((id) => [id, reads(id)]));
    for (const [id, record] of reported) expect(readWireJob(record ?? {}, fenced)?.job.remoteId).toBe(id);
  });

  it('says so when a job is unknown', () => {
    const expected = (id: string): unknown => (id === UNKNOWN_ID && !knowsAll ? null : reads(id));
    for (const ids of [[UNKNOWN_ID], ['one', UNKNOWN_ID]]) {
      const reported = readStatusAnswer(query, ask(schema, query, ids, answers), ids);
      expect([...reported]).toEqual(ids.map((id) => [id, expected(id)]));
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
    const again = findStatusQueries({ ...model, types: new Map(turned as [string, never][]) }, optionsOf(submitField));
    expect(again.map(({ field, argument }) => [field, argument])).toEqual(
      queries.map(({ field, argument }) => [field, argument]),
    );
  });
});

describe('of several candidates', () => {
  const find = (sdl: string, submitField?: string): string[] =>
    findStatusQueries(modelOf(buildSchema(sdl)), optionsOf(submitField)).map(({ field }) => field);
  const JOB = 'type Job { id: ID! status: String! url: String }';
  const PICTURE = 'type Picture { id: ID! status: String! url: String }';
  const argument = '(id: ID!)';

  it('the one that answers what the order answers comes first, then what is inside its payload', () => {
    const query = `type Query { jobStatus${argument}: Job picture${argument}: Picture } ${JOB} ${PICTURE}`;
    expect(find(query)).toEqual(['jobStatus', 'picture']);
    expect(find(`${query} type Mutation { generate: Picture }`)).toEqual(['picture', 'jobStatus']);
    expect(find(`${query} type Mutation { generateImage: Out } type Out { picture: Picture }`)[0]).toBe('picture');
    expect(find(`${query} type Mutation { generate: Job order: Picture }`, 'order')[0]).toBe('picture');
  });

  it('names that speak of a job come before names that speak of a picture or of nothing', () => {
    const names = ['taskStatus', 'job', 'generation', 'statusOf', 'picture', 'run', 'thing'];
    for (const order of [names, [...names].reverse()]) {
      expect(find(`${JOB} type Query { ${order.map((name) => `${name}${argument}: Job`).join(' ')} }`)).toEqual(names);
    }
  });

  it('what a user has made is taken for a picture, what a user is or owns otherwise is not', () => {
    const types = 'UserGeneration GenerationOwner UserStatus UserInvoiceJob'.split(' ');
    const fields = types.map((type) => `${type.charAt(0).toLowerCase()}${type.slice(1)}${argument}: ${type}`);
    const sdl = (url: string): string =>
      `${types.map((type) => `type ${type} { id: ID! status: String! ${url}: String }`).join(' ')} type Query { ${fields.join(' ')} }`;
    expect(find(sdl('imageUrl'))).toEqual(['userGeneration']);
    expect(find(sdl('url'))).toEqual([]);
  });

  it('a deprecated one is the last resort', () => {
    const old = `job${argument}: Job @deprecated(reason: "old")`;
    expect(find(`${JOB} type Query { ${old} thing${argument}: Job }`)).toEqual(['thing', 'job']);
    expect(find(`${JOB} type Query { ${old} }`)).toEqual(['job']);
  });

  it('one for a single job comes before a list, a required id before an optional one, a plain one before an input', () => {
    const fields =
      'jobs(ids: [ID!]!): [Job] job1(id: ID!): Job job2(id: ID): Job job3(key: Key!): Job job4(key: ID!): Job';
    expect(find(`${JOB} input Key { id: ID } type Query { ${fields} }`)).toEqual([
      'job1',
      'job2',
      'job4',
      'job3',
      'jobs',
    ]);
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
    expect(findStatusQueries(modelOf(fixtureSchema(fixture)))).toEqual([]);
  });
});
