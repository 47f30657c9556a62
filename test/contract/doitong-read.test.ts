/** Proves how the status of a job is read, and how the query for it is found, remembered and given up. */
import { buildSchema, graphqlSync } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import { errors, type Harness, job, type Script, startHarness } from '../unit/doitong/scripted-service.ts';

const never = new AbortController().signal;
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function start(script: Script, jobQuery: 'auto' | { field: string; argument: string } = 'auto') {
  harness = await startHarness(script, { settings: { jobQuery } });
  const { provider, service, clock, lines } = harness;
  return {
    read: (id = 'job-1', signal = never) => provider.read(id, signal),
    failure: async (id = 'job-1', signal = never): Promise<Failure> => {
      const error: unknown = await provider.read(id, signal).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FluxError);
      return (error as FluxError).failure;
    },
    asked: () => service.arrived.map(({ query }) => (query.includes('__schema') ? 'schema' : rootOf(query))),
    service,
    clock,
    lines,
  };
}
const rootOf = (query: string): string => /job: (\w+\(\w+):/u.exec(query)?.[1] ?? query;

/** Answers as a real GraphQL server with this schema would. */
function schemaOf(sdl: string, rootValue: Record<string, unknown>, introspection = true): Script {
  const schema = buildSchema(sdl);
  return ({ query }) => {
    if (!introspection && query.includes('__schema')) {
      return { status: 400, body: errors({ message: 'Introspection is off', code: 'INTROSPECTION_DISABLED' }) };
    }
    const { data, errors: list } = graphqlSync({ schema, source: query, rootValue });
    return {
      status: data === undefined ? 400 : 200,
      body: { data, ...(list && { errors: list.map(({ message }) => ({ message })) }) },
    };
  };
}
const JOB_TYPE = 'scalar JSON type Job { id: ID! status: String! url: String creditCost: Int metadata: JSON }';
const DONE = { id: 'job-1', status: 'completed', url: 'https://cdn/a.jpg', creditCost: 12 };

describe('the configured query', () => {
  const query = { field: 'myJob', argument: 'key' };

  it('is asked before anything else, with the id as a literal and no idempotency key', async () => {
    const { read, service } = await start([{ body: job(DONE) }], query);
    expect(await read('a"b')).toEqual({
      remoteId: 'a"b',
      phase: 'completed',
      remoteStatus: 'completed',
      url: 'https://cdn/a.jpg',
      creditCost: 12,
    });
    expect(service.arrived[0]?.query).toBe(
      String.raw`query { job: myJob(key: "a\"b") { id status url creditCost createdAt metadata } }`,
    );
    expect(service.arrived[0]?.headers).not.toHaveProperty('idempotency-key');
  });

  it('that the service lacks is a clear error, and never a lost job', async () => {
    const unknown = { status: 400, body: errors({ message: 'Cannot query field "myJob" on type "Query".' }) };
    const { failure, asked } = await start([unknown, unknown], query);
    const told = await failure();
    expect(told).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'maybe', retry: 'no' });
    expect(told.message).toContain('myJob(key)');
    expect(told.remedy).toContain('DOITONG_JOB_QUERY');
    await failure();
    expect(asked()).toEqual(['myJob(key', 'myJob(key']);
  });

  it('must be made of names', async () => {
    const { failure, service } = await start([], { field: 'job(id: 1) { id } x', argument: 'id' });
    expect((await failure()).remedy).toContain('DOITONG_JOB_QUERY');
    expect(service.arrived).toEqual([]);
  });
});

describe('finding the query', () => {
  it('asks for the schema once and remembers what fits, with the fields that are there', async () => {
    const sdl = `${JOB_TYPE} type Query { ping: String taskState(uid: String!): Job }`;
    const { read, asked, service } = await start(schemaOf(sdl, { taskState: () => DONE }));
    expect((await read()).phase).toBe('completed');
    await read();
    expect(asked()).toEqual(['schema', 'taskState(uid', 'taskState(uid']);
    expect(service.arrived.at(-1)?.query).toContain('{ id status url creditCost metadata }');
  });

  it('is done once for many readers at a time', async () => {
    const sdl = `${JOB_TYPE} type Query { job(id: ID!): Job }`;
    const { read, asked } = await start(schemaOf(sdl, { job: () => DONE }));
    await Promise.all(['a', 'b', 'c', 'd'].map((id) => read(id)));
    expect(asked().filter((query) => query === 'schema')).toHaveLength(1);
    expect(asked()).toHaveLength(5);
  });

  it('tries the names in their order where the schema is kept secret, and remembers the one that works', async () => {
    const sdl = `${JOB_TYPE} type Query { jobStatus(id: ID!): Job getJob(id: ID!): Job image(id: ID!): Job }`;
    const { read, asked, service } = await start(schemaOf(sdl, { getJob: () => DONE }, false));
    expect((await read()).phase).toBe('completed');
    await read();
    expect(asked()).toEqual([
      'schema',
      'checkJobStatus(jobId',
      'jobStatus(jobId',
      'job(id',
      // Twice: this service does not know `createdAt`.
      'getJob(id',
      'getJob(id',
      'getJob(id',
    ]);
    expect(service.arrived.at(-1)?.query).toContain('{ id status url creditCost metadata }');
  });

  it('takes no other error for proof: it neither moves on nor settles', async () => {
    let healthy = false;
    const sdl = `${JOB_TYPE} type Query { jobStatus(jobId: ID!): Job }`;
    const answers = schemaOf(sdl, { jobStatus: () => DONE }, false);
    const script: Script = (arrived, count) => {
      if (!healthy && arrived.query.includes('jobStatus(')) return { status: 401 };
      return typeof answers === 'function' ? answers(arrived, count) : {};
    };
    const { read, failure, asked } = await start(script);
    expect((await failure()).kind).toBe('bad_key');
    healthy = true;
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual([
      'schema',
      'checkJobStatus(jobId',
      'jobStatus(jobId',
      'jobStatus(jobId',
      'jobStatus(jobId',
    ]);
  });

  it('gives up when nothing fits, says what to set, and does not ask again', async () => {
    const { failure, asked } = await start(schemaOf('type Query { ping: String }', {}, false));
    for (let time = 0; time < 2; time += 1) {
      const told = await failure();
      expect(told).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'maybe', retry: 'no' });
      expect(told.remedy).toContain('for example job(id)');
    }
    expect(asked()).toHaveLength(8);
  });

  it('asks only for names that the schema has', async () => {
    const sdl = `${JOB_TYPE} type Query { job(id: ID): Job ping: String }`;
    const { read, asked } = await start(schemaOf(sdl, { job: () => DONE }));
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['schema', 'job(id', 'job(id']);
  });

  it('goes on to the names when the question for the schema ends in 5xx', async () => {
    const { read } = await start(({ query }) => (query.includes('__schema') ? { status: 500 } : { body: job(DONE) }));
    expect((await read()).phase).toBe('completed');
  });

  it('finds a query anew when the one it found is gone', async () => {
    let sdl = `${JOB_TYPE} type Query { oldJob(id: ID!): Job }`;
    const script: Script = (arrived, count) => {
      const answers = schemaOf(sdl, { oldJob: () => DONE, newJob: () => DONE });
      return typeof answers === 'function' ? answers(arrived, count) : {};
    };
    const { read, failure } = await start(script);
    await read();
    sdl = sdl.replace('oldJob', 'newJob');
    expect((await failure()).kind).toBe('unsupported_service');
    expect((await read()).phase).toBe('completed');
  });
});

describe('a reading', () => {
  const query = { field: 'job', argument: 'id' };

  it.each([
    ['a null job', { body: { data: { job: null } } }, 'service_error', 'later', 1],
    [
      'a job not found',
      { status: 404, body: errors({ message: 'x', code: 'NOT_FOUND' }) },
      'service_error',
      'later',
      1,
    ],
    ['a bad key', { status: 401 }, 'bad_key', 'no', 1],
    ['a server error', { status: 500 }, 'service_error', 'later', 5],
    ['a page of a proxy', { text: '<html>' }, 'unreachable', 'later', 5],
    ['an empty body', { text: '' }, 'unreachable', 'later', 5],
    ['an error of no known code', { body: errors({ message: 'boom' }) }, 'service_error', 'later', 5],
    ['a redirect', { status: 302, headers: { location: '/x' } }, 'unsupported_service', 'later', 1],
    ['a refused request', { status: 400, text: '{}' }, 'unsupported_service', 'no', 1],
  ])('with %s never means that the job failed', async (_, answer, kind, retry, requests) => {
    const { failure, service } = await start(() => answer, query);
    expect(await failure()).toMatchObject({ kind, retry, creditsSpent: 'maybe' });
    expect(service.arrived).toHaveLength(requests);
  });

  it('is tried again after faults of the network', async () => {
    const { read, service } = await start(
      [
        (response) => response.destroy(),
        { text: '{"data":{"job"' },
        { status: 429, headers: { 'retry-after': '2' } },
        { body: job(DONE) },
      ],
      query,
    );
    expect((await read()).phase).toBe('completed');
    expect(service.arrived).toHaveLength(4);
  });

  it('refuses a body beyond the limit', async () => {
    const { failure } = await start(() => ({ text: `{"data":{"job":null},"x":"${'x'.repeat(1_100_000)}"}` }), query);
    expect((await failure()).kind).toBe('unreachable');
  });

  it('tells an unknown status once per word in the log', async () => {
    const { read, lines } = await start(() => ({ body: job({ status: 'UPSCALING' }) }), query);
    for (let time = 0; time < 3; time += 1) {
      expect(await read()).toMatchObject({ phase: 'processing', remoteStatus: 'UPSCALING' });
    }
    expect(lines.filter((line) => line.includes('UPSCALING'))).toHaveLength(1);
  });

  it('quotes the error beside a failed job as the reason', async () => {
    const body = { ...(job({ status: 'failed' }) as object), ...(errors({ message: 'GPU on fire' }) as object) };
    const { read } = await start([{ body }], query);
    expect((await read()).failure).toMatchObject({ kind: 'generation_failed', creditsSpent: 'maybe' });
    await expect(read()).rejects.toBeInstanceOf(FluxError);
  });

  it.each(['', 'a\nb', 'x'.repeat(201)])('of an id that cannot be one asks nobody: %j', async (id) => {
    const { failure, service } = await start([], query);
    expect(await failure(id)).toMatchObject({ kind: 'bad_input', retry: 'no' });
    expect(service.arrived).toEqual([]);
  });

  it('ends when the caller ends it, also while it waits for its turn', async () => {
    const controller = new AbortController();
    const { read, failure, service } = await start([() => setTimeout(() => controller.abort(), 20)]);
    const other = failure('job-1', controller.signal);
    const waiting = failure('job-2', controller.signal);
    expect(await other).toMatchObject({ kind: 'unreachable', retry: 'later' });
    expect(await waiting).toMatchObject({ kind: 'unreachable', creditsSpent: 'maybe' });
    expect(service.arrived).toHaveLength(1);
    await expect(read('job-3', AbortSignal.abort())).rejects.toBeInstanceOf(FluxError);
  });
});
