// Owns the proof of the sandbox's endpoints: authentication, both dialects and REST, error bodies, introspection, state.

import { connect } from 'node:net';
import { buildClientSchema, buildSchema, getIntrospectionQuery, type IntrospectionQuery, printSchema } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, type SandboxState, startSandbox } from '../../sandbox/sandbox.ts';
import { schemaSdl } from '../../sandbox/schema.ts';

const START = Date.UTC(2026, 10, 20, 12, 0, 0);
let sandbox: Sandbox;
afterEach(() => sandbox?.close());

async function start(options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox({ now: () => START, jobDurationMs: 4_000, ...options });
}

type ErrorBody = { errors: { message: string; extensions: { code: string } }[] };

async function send(path: string, init: RequestInit): Promise<{ status: number; headers: Headers; body: unknown }> {
  const response = await fetch(sandbox.url + path, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function graphql(body: unknown, headers: Record<string, string> = {}) {
  return send('/graphql', {
    method: 'POST',
    headers: { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

function rest(body: unknown, headers: Record<string, string> = { 'x-api-key': sandbox.key }) {
  return send('/v1/text_to_image', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

const STATUS = '{ checkJobStatus(jobId: "none") { id } }';
const GENERATE = `mutation ($input: GenerateInput!) {
  generate(input: $input) { id status type provider url metadata creditCost createdAt }
}`;
const GENERATE_IMAGE = `mutation ($input: ImageGenerationInput!) {
  generateImage(input: $input) { id url width height status webhookUrl duration createdAt }
}`;
const code = (reply: { body: unknown }): string | undefined => (reply.body as ErrorBody).errors[0]?.extensions.code;

describe('authentication', () => {
  it('refuses a missing, a wrong and an oddly given key on GraphQL', async () => {
    await start();
    for (const authorization of ['', 'Bearer wrong', sandbox.key, `Basic ${sandbox.key}`]) {
      const reply = await graphql({ query: STATUS }, { authorization });
      expect(reply.status).toBe(401);
      expect(code(reply)).toBe('UNAUTHENTICATED');
      expect(reply.headers.get('x-ratelimit-remaining')).toBe('60');
    }
    expect((await graphql({ query: STATUS })).status).toBe(200);
  });

  it('refuses a wrong key on REST, and the other style of header', async () => {
    await start();
    const body = { service: 'flux-pro', prompt: 'a fox' };
    expect((await rest(body, { 'x-api-key': 'wrong' })).status).toBe(401);
    expect((await rest(body, { authorization: `Bearer ${sandbox.key}` })).status).toBe(401);
    expect(sandbox.inspect()).toMatchObject({ charges: [], submissions: 0 });
  });

  it('takes a given key and makes one otherwise', async () => {
    await start({ key: 'my-key' });
    expect(sandbox.key).toBe('my-key');
    await sandbox.close();
    await start();
    expect(sandbox.key).toMatch(/^sandbox-[0-9a-f]{24}$/);
  });
});

describe('dialects', () => {
  it('answers generate with the documented fields', async () => {
    await start();
    const input = {
      type: 'IMAGE',
      provider: 'flux-pro',
      input: { text: 'a fox' },
      options: { width: 1280, height: 720, version: 'flux-pro-1.1', quality: 'high' },
      webhookUrl: 'https://example.com/hook',
    };
    const { status, body } = await graphql({ query: GENERATE, variables: { input } });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: {
        generate: {
          id: expect.stringMatching(/^sbx_[0-9a-f]{20}$/),
          status: 'processing',
          type: 'IMAGE',
          provider: 'flux-pro',
          url: null,
          metadata: { duration: null, width: 1280, height: 720, version: 'flux-pro-1.1', quality: 'high' },
          creditCost: 19,
          createdAt: '2026-11-20T12:00:00.000Z',
        },
      },
    });
  });

  it('answers generateImage with the documented fields and default sizes', async () => {
    await start();
    const input = { service: 'flux-pro', prompt: 'a fox', webhookUrl: 'https://example.com/hook' };
    const { body } = await graphql({ query: GENERATE_IMAGE, variables: { input } });
    expect(body).toEqual({
      data: {
        generateImage: {
          id: expect.any(String),
          url: null,
          width: 1024,
          height: 1024,
          status: 'processing',
          webhookUrl: 'https://example.com/hook',
          duration: null,
          createdAt: '2026-11-20T12:00:00.000Z',
        },
      },
    });
  });

  it('takes a submission by REST, idempotent as the others, and polled like them', async () => {
    await start();
    const headers = { 'x-api-key': sandbox.key, 'idempotency-key': 'key-1' };
    const request = { service: 'flux-pro', prompt: 'a fox', width: 512, height: 768 };
    const first = await rest(request, headers);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ status: 'processing', url: null, width: 512, height: 768, creditCost: 12 });
    expect(first.headers.get('x-ratelimit-remaining')).toBe('59');
    expect((await rest(request, headers)).body).toEqual(first.body);
    expect(sandbox.inspect().charges).toHaveLength(1);
    const { id } = first.body as { id: string };
    const polled = await graphql({ query: `{ checkJobStatus(jobId: "${id}") { id status width } }` });
    expect(polled.body).toEqual({ data: { checkJobStatus: { id, status: 'processing', width: 512 } } });
  });

  it('logs which way each request came', async () => {
    await start();
    await graphql({ query: GENERATE, variables: {} });
    await graphql({ query: GENERATE_IMAGE, variables: {} });
    await graphql({ query: STATUS });
    await graphql({ query: '{ __schema { queryType { name } } }' });
    await rest({});
    await fetch(`${sandbox.url}/outputs/none.jpg`);
    await fetch(`${sandbox.url}/elsewhere`);
    expect(sandbox.inspect().requests.map(({ operation, httpStatus }) => [operation, httpStatus])).toEqual([
      ['generate', 400],
      ['generateImage', 400],
      ['status', 200],
      ['introspection', 200],
      ['rest', 400],
      ['picture', 404],
      ['other', 404],
    ]);
  });
});

describe('errors', () => {
  const input = { type: 'IMAGE', provider: 'flux-pro', input: { text: 'a fox' } };
  it.each([
    ['too small a width', { ...input, options: { width: 248 } }, 'width must be between 256 and 2048'],
    ['too large a height', { ...input, options: { height: 2056 } }, 'height must be between 256 and 2048'],
    ['a width off the grid', { ...input, options: { width: 1023 } }, 'width must be a multiple of 8'],
    ['an empty text', { ...input, input: { text: ' ' } }, 'input.input.text must not be empty'],
    ['another provider', { ...input, provider: 'dall-e' }, 'input.provider must be "flux-pro"'],
    ['an unknown version', { ...input, options: { version: '2' } }, 'version must be one of: flux-pro, flux-pro-1.1'],
    ['an unknown quality', { ...input, options: { quality: 'low' } }, 'quality must be one of: high'],
    ['a bad webhook', { ...input, webhookUrl: 'nowhere' }, 'webhookUrl must be a URL'],
  ])('refuses %s with the documented error body', async (_what, bad, message) => {
    await start();
    const reply = await graphql({ query: GENERATE, variables: { input: bad } });
    expect(reply.status).toBe(400);
    expect(reply.body).toEqual({ errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] });
    expect(sandbox.inspect()).toMatchObject({ charges: [], submissions: 0 });
  });

  it.each([
    ['a misspelt input field', { query: GENERATE, variables: { input: { ...input, seed: 1 } } }, 'BAD_USER_INPUT'],
    ['an unknown field', { query: '{ job(id: "1") { id } }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['a broken document', { query: '{ checkJobStatus(' }, 'GRAPHQL_PARSE_FAILED'],
    ['a body without a query', { variables: {} }, 'BAD_REQUEST'],
    ['a body that is not JSON', '{"query":', 'BAD_REQUEST'],
  ])('answers %s with 400', async (_what, body, expected) => {
    await start();
    const reply = await graphql(body);
    expect(reply.status).toBe(400);
    expect(code(reply)).toBe(expected);
    expect(reply.headers.get('x-ratelimit-remaining')).toBe('59');
  });

  it('answers the wrong type, method, path and size', async () => {
    await start();
    const headers = { authorization: `Bearer ${sandbox.key}` };
    expect((await graphql('query={x}', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await send('/graphql', { headers })).status).toBe(405);
    expect(code(await send('/elsewhere', {}))).toBe('NOT_FOUND');
    const large = await graphql({ query: 'x'.repeat(1024 * 1024) });
    expect(large.status).toBe(413);
    expect(code(large)).toBe('PAYLOAD_TOO_LARGE');
    expect((await rest([])).status).toBe(400);
  });
});

describe('the schema', () => {
  it('is what introspection reports', async () => {
    await start();
    const { body } = await graphql({ query: getIntrospectionQuery() });
    const reported = buildClientSchema((body as { data: IntrospectionQuery }).data);
    expect(printSchema(reported)).toBe(printSchema(buildSchema(schemaSdl())));
  });

  it('is not reported when introspection is off; the rest works', async () => {
    await start({ scenarios: ['no-introspection'] });
    const reply = await graphql({ query: getIntrospectionQuery() });
    expect(reply.status).toBe(400);
    expect(code(reply)).toBe('GRAPHQL_VALIDATION_FAILED');
    expect((await graphql({ query: STATUS })).body).toEqual({ data: { checkJobStatus: null } });
  });
});

describe('the state', () => {
  it('is served to whoever has the key, either way, and does not count itself', async () => {
    await start({ plan: 'free' });
    await graphql({
      query: GENERATE,
      variables: { input: { type: 'IMAGE', provider: 'flux-pro', input: { text: 'fox' } } },
    });
    const headers = { 'x-api-key': sandbox.key };
    for (let index = 0; index < 20; index++) await fetch(`${sandbox.url}/sandbox/state`, { headers });
    const { body } = await send('/sandbox/state', { headers: { authorization: `Bearer ${sandbox.key}` } });
    expect(body).toEqual(sandbox.inspect());
    expect(body as SandboxState).toMatchObject({
      credits: 980,
      submissions: 1,
      charges: [{ credits: 20 }],
      jobs: [{ status: 'processing', prompt: 'fox', width: 1024, height: 1024 }],
    });
    expect((body as SandboxState).requests).toHaveLength(1);
    for (const other of [
      {},
      { 'x-api-key': 'wrong' },
      { authorization: 'Bearer wrong' },
      { authorization: sandbox.key },
    ]) {
      const refused = await send('/sandbox/state', { headers: other as Record<string, string> });
      expect(refused.status).toBe(401);
      expect(code(refused)).toBe('UNAUTHENTICATED');
    }
  });

  it('is a copy', async () => {
    await start();
    await graphql({ query: STATUS });
    const state = sandbox.inspect();
    state.requests.length = 0;
    expect(sandbox.inspect().requests).toHaveLength(1);
  });

  it('keeps no more than the last 10,000 requests', async () => {
    const { record } = await import('../../sandbox/http.ts');
    const log: SandboxState['requests'] = [];
    const request = { method: 'GET', path: '/', operation: 'other', httpStatus: 200 } as const;
    for (let at = 0; at < 10_050; at++) record(log, { at, ...request });
    expect(log).toHaveLength(10_000);
    expect(log[0]?.at).toBe(50);
  });
});

describe('stopping', () => {
  it('is prompt although a connection is open', async () => {
    await start();
    const socket = connect(Number(new URL(sandbox.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write('POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf');
    // Else it would wait for the rest of the request: the limit of the test ends what hangs.
    await sandbox.close();
    await expect(fetch(sandbox.url)).rejects.toThrow();
  });

  it('fails to start on a port that is taken', async () => {
    await start();
    await expect(startSandbox({ port: Number(new URL(sandbox.url).port) })).rejects.toThrow(/EADDRINUSE/);
  });
});
