/** Proves where in an answered type things are looked for, and that looking ends. */
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { idArgument } from '../../../../src/doitong/schema/id-argument.ts';
import { fieldsOf } from '../../../../src/doitong/schema/introspection.ts';
import { createJobFields, type JobFields } from '../../../../src/doitong/schema/job-fields.ts';
import { fixtureSchema, modelOf } from './fixture.ts';

const fieldsOfType = (type: string, more = ''): JobFields =>
  createJobFields(modelOf(buildSchema(`scalar JSON ${more} type T { ${type} } type Query { t: T }`)), {
    steps: 10_000,
  }).of('T');

describe('a job has', () => {
  it.each([
    ['ids', 'id: ID! jobId: ID! userId: ID!', [['id'], ['jobId']]],
    ['ids', 'job_uuid: String! parentId: ID', [['job_uuid']]],
    ['urls', 'webhookUrl: String url: String thumbnailUrl: String', [['url']]],
    ['urls', 'page: String imageUrl: String image: String', [['imageUrl'], ['image']]],
    ['urls', 'url: Int result: [JSON]', [['result']]],
    ['urls', 'data: String content: String input: JSON', []],
    ['creditCost', 'cost: Float creditsRemaining: Int creditsUsed: Int', ['creditsUsed']],
    ['creditCost', 'price: Float', undefined],
    ['status', 'paymentStatus: String state: String', ['state']],
    ['status', 'status: Boolean phase: String', ['phase']],
    ['status', 'status: Int', undefined],
    ['reasons', 'message: String failReason: String error: String', [['error'], ['failReason'], ['message']]],
    ['metadata', 'metadata: JSON', ['metadata']],
    ['metadata', 'metadata: String', undefined],
  ])('%s in %s', (what, type, paths) => {
    expect(fieldsOfType(type)[what as keyof JobFields]).toEqual(paths);
  });

  it('the enum that speaks of phases as its status', () => {
    const enums = 'enum Place { HOME AWAY } enum Phase { QUEUED DONE }';
    expect(fieldsOfType('state: Place jobPhase: Phase', enums).status).toEqual(['jobPhase']);
    expect(fieldsOfType('state: Place', enums).status).toEqual(['state']);
  });
});

it('looks no further when what it may look at is spent', () => {
  const model = modelOf(fixtureSchema('relay-connection'));
  const jobs = fieldsOf(model, 'Query').find(({ name }) => name === 'jobs');
  if (jobs === undefined) throw new Error('There are jobs.');
  const of = (steps: number): unknown[] => {
    const budget = { steps };
    return [createJobFields(model, budget).locationIn(jobs.type)?.path, idArgument(model, jobs, true, budget)?.path];
  };
  expect(of(1_000)).toEqual([['edges', 'node'], ['ids']]);
  expect(of(5)).toEqual([undefined, undefined]);
});
