/** Proves what examining the service finds out in each scenario of the sandbox, and that it never orders anything. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, type ScenarioName, startSandbox } from '../../../sandbox/sandbox.ts';
import type { ServiceReport } from '../../../src/core/image-provider.ts';
import type { WireFacts } from '../../../src/core/wire-memory.ts';
import { createDoitongProvider, type DoitongSettings } from '../../../src/doitong/doitong-provider.ts';
import type { RequestLimiter } from '../../../src/limits/limits.ts';
import { systemClock } from '../../../src/runtime/system.ts';
import { createOpenLimiter } from '../../support/open-limiter.ts';
import { createPlainWireMemory } from '../../support/plain-wire-memory.ts';
import { schemaService } from './schema-service.ts';
import { type ScriptedService, startScriptedService } from './scripted-service.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function sandboxWith(...scenarios: ScenarioName[]): Promise<Sandbox> {
  const sandbox = await startSandbox({ scenarios, seed: 'probe', plan: 'pro' });
  closing.push(() => sandbox.close());
  return sandbox;
}

const KEY = 'dt_live_0123456789';
const silent = { debug() {}, info() {}, warn() {}, error() {} };

type CheckOptions = Partial<DoitongSettings> & { limiter?: RequestLimiter; facts?: WireFacts; keysIgnored?: true };

async function check(
  { url, key }: { url: string; key: string | undefined },
  { limiter = createOpenLimiter(), facts, keysIgnored, ...settings }: CheckOptions = {},
  signal = new AbortController().signal,
): Promise<ServiceReport> {
  const memory = createPlainWireMemory(facts);
  if (keysIgnored) await memory.keys.noteIgnored();
  const provider = createDoitongProvider(
    { apiUrl: url, apiKey: key, userAgent: 'flux-pro-mcp/test', dialect: 'auto', jobQuery: 'auto', ...settings },
    { clock: systemClock, log: silent, limiter, memory },
  );
  closing.push(() => provider.close());
  return provider.probe(signal);
}

function expectNothingOrdered(sandbox: Sandbox): void {
  const { submissions, charges, jobs, requests } = sandbox.inspect();
  expect({ submissions, charges, jobs }).toEqual({ submissions: 0, charges: [], jobs: [] });
  const orders = requests.filter(({ operation }) => ['generate', 'generateImage', 'rest'].includes(operation));
  expect(orders).toEqual([]);
}

const DOCUMENTED_QUERY = { type: 'works', query: 'checkJobStatus(jobId)', source: 'schema' };
const CANDIDATES_FIRST = { type: 'works', query: 'checkJobStatus(jobId)', source: 'tried' };
const GENERATE = { type: 'settled', dialect: 'generate', source: 'schema' };

it('that the service ignores keys is told from what is remembered', async () => {
  const sandbox = await sandboxWith();
  expect(await check(sandbox, { keysIgnored: true })).toMatchObject({ keysIgnored: true });
  expect(await check(sandbox)).not.toHaveProperty('keysIgnored');
});

describe('what is found in each scenario', () => {
  it.each<[ScenarioName[], Record<string, unknown>]>([
    [[], { schema: 'readable', ordering: GENERATE, reading: DOCUMENTED_QUERY, clockAheadMs: 0 }],
    [['only-generate-image'], { ordering: { ...GENERATE, dialect: 'generateImage' }, reading: DOCUMENTED_QUERY }],
    [
      ['only-rest'],
      {
        schema: 'no_graphql',
        ordering: { type: 'settled', dialect: 'rest', source: 'only_one' },
        reading: { type: 'works', query: 'GET /v1/text_to_image/{id}', source: 'tried' },
      },
    ],
    [
      ['no-introspection'],
      {
        schema: 'withheld',
        ordering: { type: 'open', dialects: ['generate', 'generateImage', 'rest'] },
        reading: CANDIDATES_FIRST,
      },
    ],
    [['renamed-query'], { reading: { ...DOCUMENTED_QUERY, query: 'generationById(generationId)' } }],
    [
      ['renamed-query', 'no-introspection'],
      { reading: { type: 'works', query: 'GET /v1/text_to_image/{id}', source: 'tried' } },
    ],
    [['errors-with-200'], { ordering: GENERATE, reading: DOCUMENTED_QUERY }],
    [['no-rate-headers'], { limits: {}, ordering: GENERATE }],
    [['lost-reply', 'error-before-charge'], { ordering: GENERATE, reading: DOCUMENTED_QUERY }],
    [['proxy-html'], { ordering: GENERATE, reading: DOCUMENTED_QUERY }],
  ])('%j', async (scenarios, expected) => {
    const sandbox = await sandboxWith(...scenarios);
    const report = await check(sandbox);
    expect(report).toMatchObject({
      reached: true,
      ...(scenarios.includes('no-rate-headers') ? {} : { limits: { limit: 60, remaining: expect.any(Number) } }),
      ...expected,
    });
    expectNothingOrdered(sandbox);
    expect(sandbox.inspect().requests.length).toBeLessThanOrEqual(10);
  });

  it('tells how far ahead the other clock is', async () => {
    const report = await check(await sandboxWith('skewed-clock'));
    expect(Math.abs(((report.reached && report.clockAheadMs) || 0) - 600_000)).toBeLessThan(5_000);
  });
});

describe('keys', () => {
  it.each<ScenarioName[][]>([[[]], [['only-rest']], [['errors-with-200']]])(
    'a wrong one is reported: %j',
    async (scenarios) => {
      const sandbox = await sandboxWith(...scenarios);
      const report = await check({ url: sandbox.url, key: 'dt_live_wrong_key' });
      expect(report).toMatchObject({ reached: true, keyRefused: { kind: 'bad_key' } });
      expect(report).not.toHaveProperty('ordering');
      expect(JSON.stringify(report)).not.toContain('dt_live_wrong_key');
      expectNothingOrdered(sandbox);
    },
  );

  it('without one the service is still looked for', async () => {
    const sandbox = await sandboxWith();
    expect(await check({ url: sandbox.url, key: undefined })).toMatchObject({ reached: true });
    expect(sandbox.inspect().requests).toHaveLength(1);
  });
});

describe('what the user has set', () => {
  it.each<[ScenarioName[], CheckOptions, Record<string, unknown>]>([
    [['only-generate-image'], { dialect: 'generate' }, { ordering: { type: 'absent', dialects: ['generate'] } }],
    [['only-rest'], { dialect: 'generate' }, { ordering: { type: 'absent', dialects: ['generate'] } }],
    [['no-introspection'], { dialect: 'rest' }, { ordering: { dialect: 'rest', source: 'configured' } }],
    [['renamed-query'], { jobQuery: { field: 'checkJobStatus', argument: 'jobId' } }, { reading: { type: 'none' } }],
    [
      ['renamed-query', 'no-introspection'],
      { jobQuery: { field: 'generationById', argument: 'generationId' } },
      { reading: { type: 'works', source: 'configured' } },
    ],
    [['no-introspection'], { jobQuery: { field: 'job', argument: 'id' } }, { reading: { type: 'none' } }],
  ])('%j with %j', async (scenarios, settings, expected) => {
    const sandbox = await sandboxWith(...scenarios);
    expect(await check(sandbox, settings)).toMatchObject(expected);
    expectNothingOrdered(sandbox);
  });
});

describe('an order by a schema of its own', () => {
  const services: ScriptedService[] = [];
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.close()));
  });
  const orderingAt = async (sdl: string, options: CheckOptions = {}) => {
    const service = await startScriptedService(schemaService(sdl, {}));
    services.push(service);
    const report = await check({ url: service.url, key: KEY }, options);
    expect(service.arrived.filter(({ query }) => query.startsWith('mutation'))).toEqual([]);
    return report.reached ? report.ordering : undefined;
  };
  const schemaWith = (input: string): string => `
    type Job { id: ID! status: String! url: String }
    type Query { job(id: ID!): Job }
    input Order { ${input} }
    type Mutation { generateImage(input: Order!): Job }`;
  const FITTING = 'service: String! prompt: String! width: Int height: Int';

  it('what it requires beyond the documented parts is named', async () => {
    expect(await orderingAt(schemaWith(`${FITTING} projectId: ID!`))).toEqual({
      type: 'unserved',
      dialect: 'generateImage',
      missing: ['projectId'],
      unknown: [],
    });
  });

  it('what must be sent and has no field is named', async () => {
    const ordering = await orderingAt(schemaWith('service: String! text: String'), { dialect: 'generateImage' });
    expect(ordering).toMatchObject({ type: 'unserved', unknown: ['prompt', 'width', 'height'] });
  });

  it('a dialect that was found before comes first, and counts for nothing when it has gone', async () => {
    const facts = { dialect: 'generateImage' };
    expect(await orderingAt(schemaWith(FITTING), { facts })).toMatchObject({
      dialect: 'generateImage',
      source: 'remembered',
    });
    expect(await orderingAt(schemaWith(FITTING), { facts: { dialect: 'generate' } })).toMatchObject({
      dialect: 'generateImage',
      source: 'schema',
    });
  });

  it('without either mutation REST is left', async () => {
    const sdl = 'type Query { ping: String }';
    expect(await orderingAt(sdl)).toMatchObject({ dialect: 'rest', source: 'only_one' });
    expect(await orderingAt(sdl, { dialect: 'generate' })).toEqual({ type: 'absent', dialects: ['generate'] });
  });
});

/** Answers everything in one way. */
async function serviceThat(status: number, headers: Record<string, string>, body: string): Promise<string> {
  const server = createServer((_, response) => void response.writeHead(status, headers).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };

describe('what is not the service', () => {
  it('nobody listening', async () => {
    const url = await serviceThat(200, {}, '');
    await closing.pop()?.();
    expect(await check({ url, key: KEY })).toMatchObject({
      reached: false,
      failure: { kind: 'unreachable', reason: { code: 'not_connected', errorCode: 'ECONNREFUSED' } },
    });
  });

  it('a name that nobody knows', async () => {
    expect(await check({ url: 'https://doitong.invalid', key: KEY })).toMatchObject({
      failure: { reason: { code: 'not_connected', errorCode: expect.stringMatching(/^(?:ENOTFOUND|EAI_)/u) } },
    });
  });

  it('a listener without encryption behind https', async () => {
    const url = await serviceThat(200, {}, '');
    expect(await check({ url: url.replace('http:', 'https:'), key: KEY })).toMatchObject({
      failure: { reason: { code: 'not_connected', errorCode: expect.stringMatching(/EPROTO|SSL|TLS/u) } },
    });
  });

  it.each<[number, Record<string, string>]>([
    [200, HTML],
    [502, HTML],
    [302, { location: 'https://elsewhere.example/' }],
    [500, { 'content-type': 'application/json' }],
  ])('answers of %i %j', async (status, headers) => {
    const url = await serviceThat(status, headers, '<h1>hello</h1>');
    const report = await check({ url, key: KEY });
    expect(report).toMatchObject({ reached: false, failure: { httpStatus: status } });
  });

  it('another service, with nothing at either endpoint', async () => {
    const url = await serviceThat(404, HTML, 'not here');
    expect(await check({ url, key: KEY })).toMatchObject({
      reached: true,
      ordering: { type: 'absent', dialects: ['/graphql', '/v1/text_to_image'] },
    });
  });

  it('an exhausted limit', async () => {
    const url = await serviceThat(429, { 'retry-after': '30' }, '{}');
    expect(await check({ url, key: KEY })).toMatchObject({
      reached: false,
      failure: { kind: 'rate_limited' },
    });
  });

  it('one that never answers, within the time that is given', async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    closing.push(async () => void server.close().closeAllConnections());
    const report = await check({ url, key: KEY }, {}, AbortSignal.timeout(150));
    expect(report).toMatchObject({
      reached: false,
      failure: { reason: { code: 'answer_lost', purpose: 'probe' } },
    });
  });
});

describe('the limits of others', () => {
  it('nobody is kept waiting for a permit', async () => {
    const sandbox = await sandboxWith();
    const until = systemClock.now() + 40_000;
    const limiter: RequestLimiter = {
      permit: async () => ({ granted: false, until, reported: true }),
      learn: async () => {},
    };
    expect(await check(sandbox, { limiter })).toMatchObject({
      reached: false,
      failure: { kind: 'rate_limited', retryAfterSeconds: 40 },
    });
    expect(sandbox.inspect().requests).toEqual([]);
  });

  it('what was found by then is reported when the permits end', async () => {
    const sandbox = await sandboxWith('no-introspection');
    let left = 2;
    const limiter: RequestLimiter = {
      permit: async () =>
        left-- > 0 ? { granted: true } : { granted: false, until: systemClock.now() + 40_000, reported: false },
      learn: async () => {},
    };
    expect(await check(sandbox, { limiter })).toMatchObject({
      reached: true,
      reading: { type: 'open', failure: { kind: 'rate_limited' } },
    });
  });
});
