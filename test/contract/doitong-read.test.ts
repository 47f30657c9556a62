/** Proves how the status of a job is read, and how the query for it is found, remembered and given up. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import { createPlainWireMemory, type PlainWireMemory } from '../support/plain-wire-memory.ts';
import { nameOf, schemaService, stepOf } from '../unit/doitong/schema-service.ts';
import {
  errors,
  type Harness,
  job,
  KEY,
  type Script,
  type Scripted,
  startHarness,
} from '../unit/doitong/scripted-service.ts';
import { wordsOf } from '../support/words.ts';

const never = new AbortController().signal;
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function start(
  script: Script,
  jobQuery: 'auto' | { field: string; argument: string } = 'auto',
  memory: PlainWireMemory = createPlainWireMemory(),
) {
  harness = await startHarness(script, { settings: { jobQuery }, memory });
  const { provider, service, clock, lines } = harness;
  return {
    read: (id = 'job-1', signal = never) => provider.read(id, signal),
    failure: async (id = 'job-1', signal = never): Promise<Failure> => {
      const error: unknown = await provider.read(id, signal).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(FluxError);
      return (error as FluxError).failure;
    },
    asked: () => service.arrived.map(nameOf),
    service,
    clock,
    lines,
    memory,
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
    const reported = await failure();
    expect(reported).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'maybe', retry: 'no' });
    expect(wordsOf(reported).what).toContain('myJob(key)');
    expect(wordsOf(reported).next).toContain('DOITONG_JOB_QUERY');
    await failure();
    expect(asked()).toEqual(['myJob(key', 'myJob(key']);
  });

  it('must be made of names', async () => {
    const { failure, service } = await start([], { field: 'job(id: 1) { id } x', argument: 'id' });
    expect(wordsOf(await failure()).next).toContain('DOITONG_JOB_QUERY');
    expect(service.arrived).toEqual([]);
  });
});

describe('finding the query', () => {
  it('asks for the schema once and remembers what fits, with the fields that are there', async () => {
    const sdl = `${JOB_TYPE} type Query { ping: String taskState(uid: String!): Job }`;
    const { read, asked, service } = await start(schemaService(sdl, { taskState: () => DONE }));
    expect((await read()).phase).toBe('completed');
    await read();
    expect(asked()).toEqual(['schema', 'taskState(uid', 'taskState(uid']);
    expect(service.arrived.at(-1)?.query).toContain('{ id status url creditCost metadata }');
  });

  it('is done once for many readers at a time', async () => {
    const sdl = `${JOB_TYPE} type Query { job(id: ID!): Job }`;
    const { read, asked } = await start(schemaService(sdl, { job: () => DONE }));
    await Promise.all(['a', 'b', 'c', 'd'].map((id) => read(id)));
    expect(asked().filter((query) => query === 'schema')).toHaveLength(1);
    expect(asked()).toHaveLength(5);
  });

  it('tries the names in their order where the schema is kept secret, and remembers the one that works', async () => {
    const sdl = `${JOB_TYPE} type Query { jobStatus(id: ID!): Job getJob(id: ID!): Job image(id: ID!): Job }`;
    const { read, asked, service } = await start(schemaService(sdl, { getJob: () => DONE }, { introspection: false }));
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
    const answers = schemaService(sdl, { jobStatus: () => DONE }, { introspection: false });
    const script: Script = (arrived, count) => {
      if (!healthy && arrived.query.includes('jobStatus(')) return { status: 401 };
      return stepOf(answers, arrived, count);
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

  it('gives up when nothing fits, says what to set, and asks for none of the names again', async () => {
    const { failure, asked } = await start(schemaService('type Query { ping: String }', {}, { introspection: false }));
    for (let time = 0; time < 3; time += 1) {
      const reported = await failure();
      expect(reported).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'maybe', retry: 'no' });
      expect(wordsOf(reported).next).toContain('for example job(id)');
      expect(wordsOf(reported).next).toContain('The jobs are not lost');
    }
    const byRest = 'GET /v1/text_to_image/job-1';
    expect(asked()).toEqual([...asked().slice(0, 8), byRest, byRest, byRest]);
    expect(new Set(asked()).size).toBe(9);
  });

  it('asks only for what the schema has', async () => {
    const sdl = `${JOB_TYPE} type Query { job(id: ID): Job ping: String }`;
    const { read, asked } = await start(schemaService(sdl, { job: () => DONE }));
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['schema', 'job(id']);
    await harness?.close();

    const { failure, asked: none } = await start(schemaService('type Query { ping: String }', {}));
    expect(wordsOf(await failure()).next).toContain('DOITONG_JOB_QUERY');
    expect(none()).toEqual(['schema', 'GET /v1/text_to_image/job-1']);
  });

  it('reads past a neighbour that knows no such job, and settles on what has led to a job', async () => {
    const sdl = `${JOB_TYPE} type Query { jobStatus(jobId: ID!): Job generation(id: ID!): Job }`;
    const answers = { jobStatus: () => null, generation: ({ id }: { id: string }) => (id === 'job-1' ? DONE : null) };
    const { read, failure, asked, memory } = await start(schemaService(sdl, answers, { introspection: false }));
    expect(await failure('gone')).toMatchObject({ kind: 'service_error', retry: 'later' });
    expect(memory.known()).toBeUndefined();
    expect((await read()).phase).toBe('completed');
    expect(memory.known()).toMatchObject({ reading: { field: 'generation', argument: ['id'] } });
    const before = asked().length;
    expect(await failure('gone')).toMatchObject({ kind: 'service_error', retry: 'later' });
    expect(asked().slice(before)).toEqual(['generation(id']);
  });

  it('goes on to the names when the question for the schema ends in 5xx', async () => {
    const { read } = await start(({ query }) => (query.includes('__schema') ? { status: 500 } : { body: job(DONE) }));
    expect((await read()).phase).toBe('completed');
  });

  it('looks for a query again when the one it found is gone, once for all readers', async () => {
    let sdl = `${JOB_TYPE} type Query { oldJob(id: ID!): Job }`;
    const script: Script = (arrived, count) =>
      stepOf(schemaService(sdl, { oldJob: () => DONE, newJob: () => DONE }), arrived, count);
    const { read, asked, memory } = await start(script);
    await read();
    sdl = sdl.replace('oldJob', 'newJob');
    const jobs = await Promise.all(['a', 'b', 'c', 'd'].map((id) => read(id)));
    expect(jobs.map(({ phase }) => phase)).toEqual(Array.from({ length: 4 }, () => 'completed'));
    expect(asked().filter((query) => query === 'schema')).toHaveLength(2);
    expect(memory.known()).toMatchObject({ reading: { field: 'newJob' } });
  });

  it('waits for an answer about the schema that came to nothing only once more', async () => {
    let asks = 0;
    const answers = schemaService(`${JOB_TYPE} type Query { strangeName(id: ID!): Job }`, { strangeName: () => DONE });
    const script: Script = (arrived, count) => {
      if (!arrived.query.includes('__schema')) return stepOf(answers, arrived, count);
      asks += 1;
      return asks === 1 ? { text: '{"data":{"__schema"' } : stepOf(answers, arrived, count);
    };
    const { read, asked } = await start(script);
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['schema', 'schema', 'strangeName(id']);
  });
});

describe('what was found', () => {
  const sdl = `${JOB_TYPE} type Query { taskState(uid: String!): Job }`;

  it('is used by the next process without asking for the schema', async () => {
    const first = await start(schemaService(sdl, { taskState: () => DONE }));
    await first.read();
    await harness?.close();
    const { read, asked } = await start(schemaService(sdl, { taskState: () => DONE }), 'auto', first.memory);
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['taskState(uid']);
  });

  it('is forgotten by the next process when it does not fit any more', async () => {
    const first = await start(schemaService(sdl, { taskState: () => DONE }));
    await first.read();
    await harness?.close();
    const other = schemaService(sdl.replace('taskState', 'renderState'), { renderState: () => DONE });
    const { read, asked, memory } = await start(other, 'auto', first.memory);
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['taskState(uid', 'schema', 'renderState(uid']);
    expect(memory.known()).toMatchObject({ reading: { field: 'renderState' } });
  });

  it.each([
    { reading: { field: 'job(id: 1) { id } evil', argument: ['id'] } },
    { reading: 'by mail', leftOut: 7 },
    { dialect: 'constructor' },
    {},
  ])('counts for nothing when it is none: %j', async (facts) => {
    const { read, asked } = await start(
      schemaService(sdl, { taskState: () => DONE }),
      'auto',
      createPlainWireMemory(facts),
    );
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['schema', 'taskState(uid']);
  });

  it('does not stand in the way of what is configured, and is not replaced by it', async () => {
    const memory = createPlainWireMemory({ reading: 'rest' });
    const { read, asked } = await start([{ body: job(DONE) }], { field: 'myJob', argument: 'key' }, memory);
    expect((await read()).phase).toBe('completed');
    expect(asked()).toEqual(['myJob(key']);
    expect(memory.known()).toEqual({ reading: 'rest' });
  });
});

describe('reading by REST', () => {
  const none: Scripted = { status: 404, body: errors({ message: 'nothing here', code: 'NOT_FOUND' }) };
  const rest =
    (answer: (path: string) => Scripted): Script =>
    ({ method, path }) =>
      method === 'GET' ? answer(path) : none;

  it('is found where there is no GraphQL, by one status read, and remembered', async () => {
    const { read, asked, service, memory } = await start(rest(() => ({ body: DONE })));
    expect(await read('a/b?c')).toEqual({
      remoteId: 'a/b?c',
      phase: 'completed',
      remoteStatus: 'completed',
      url: 'https://cdn/a.jpg',
      creditCost: 12,
    });
    await read();
    expect(asked()).toEqual([
      'schema',
      'checkJobStatus(jobId',
      'GET /v1/text_to_image/a%2Fb%3Fc',
      'GET /v1/text_to_image/job-1',
    ]);
    expect(service.arrived.at(-1)?.headers).toMatchObject({ 'x-api-key': KEY });
    expect(service.arrived.at(-1)?.headers).not.toHaveProperty('authorization');
    expect(memory.known()).toMatchObject({ reading: 'rest' });
  });

  it.each([{ job: DONE }, { data: DONE }, { result: DONE }, { data: { job: DONE } }])('takes %j', async (body) => {
    const { read } = await start(rest(() => ({ body })));
    expect((await read()).url).toBe(DONE.url);
  });

  it('takes what a failed job says of itself for the reason', async () => {
    const { read } = await start(rest(() => ({ body: { id: 'job-1', status: 'failed', error: 'GPU on fire' } })));
    const { failure } = await read();
    expect(failure).toMatchObject({ kind: 'generation_failed' });
    expect(wordsOf(failure).what).toContain('GPU on fire');
  });

  it('tells an unknown job from an endpoint that is gone', async () => {
    let answer: Scripted = none;
    const memory = createPlainWireMemory({ reading: 'rest' });
    const { failure, asked } = await start(
      rest(() => answer),
      'auto',
      memory,
    );
    expect(await failure()).toMatchObject({ kind: 'service_error', retry: 'later' });
    expect(memory.known()).toEqual({ reading: 'rest' });
    answer = { status: 404, text: '<h1>Not found</h1>' };
    expect(wordsOf(await failure()).next).toContain('DOITONG_JOB_QUERY');
    expect(memory.known()).not.toHaveProperty('reading');
    expect(asked()).toContain('schema');
  });

  it.each([
    [401, 'bad_key'],
    [429, 'rate_limited'],
    [500, 'service_error'],
  ])('that is refused with %i where it is the only endpoint is reported as that', async (status, kind) => {
    const { failure } = await start(rest(() => ({ status })));
    expect(await failure()).toMatchObject({ kind, creditsSpent: 'maybe' });
  });

  it.each([401, 400, 302])('that is refused with %i next to GraphQL is no way to read', async (status) => {
    const answers = schemaService('type Query { ping: String }', {});
    const { failure } = await start((arrived, count) =>
      arrived.method === 'GET' ? { status } : stepOf(answers, arrived, count),
    );
    expect(wordsOf(await failure()).next).toContain('DOITONG_JOB_QUERY');
  });

  it('does not take the id of a refusal for a job', async () => {
    const body = { id: 'req_1', status: 'error', message: 'Not for you' };
    const { failure } = await start(rest(() => ({ status: 403, body })));
    expect((await failure()).kind).toBe('bad_key');
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
    const { failure } = await start(() => ({ text: `{"data":{"job":null},"x":"${'x'.repeat(42_000_000)}"}` }), query);
    expect((await failure()).kind).toBe('unreachable');
  });

  it('tells an unknown status once per word in the log', async () => {
    const { read, lines } = await start(() => ({ body: job({ status: 'UPSCALING' }) }), query);
    for (let time = 0; time < 3; time += 1) {
      expect(await read()).toMatchObject({ phase: 'processing', remoteStatus: 'UPSCALING' });
    }
    expect(lines.filter((line) => line.includes('UPSCALING'))).toHaveLength(1);
  });

  it('quotes the error next to a failed job as the reason', async () => {
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
    const reason = new Error('given up');
    const { read, service } = await start([() => setTimeout(() => controller.abort(reason), 20)]);
    const ended = await Promise.allSettled(['job-1', 'job-2'].map((id) => read(id, controller.signal)));
    expect(ended).toEqual([1, 2].map(() => ({ status: 'rejected', reason })));
    expect(service.arrived).toHaveLength(1);
    await expect(read('job-3', AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
