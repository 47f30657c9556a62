// Owns the proof of what the sandbox remembers: idempotency, credits, limits and the life of a job.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';

type Reply = {
  status: number;
  headers: Headers;
  data: { job: { id: string; status: string; url: string | null; creditCost?: number; metadata?: unknown } | null };
  errors: { message: string; extensions: Record<string, unknown> }[] | undefined;
};

const START = Date.UTC(2026, 10, 20, 12, 0, 0);
let now = START;
let sandbox: Sandbox;

beforeEach(() => {
  now = START;
});
afterEach(() => sandbox?.close());

async function start(options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox({ now: () => now, seed: 'tests', ...options });
}

async function post(query: string, variables: object, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(`${sandbox.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<Reply, 'data' | 'errors'>;
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors };
}

const GENERATE =
  'mutation ($input: GenerateInput!) { job: generate(input: $input) { id status url creditCost metadata } }';
const GENERATE_IMAGE =
  'mutation ($input: ImageGenerationInput!) { job: generateImage(input: $input) { id status url } }';
const STATUS = 'query ($id: ID!) { job: checkJobStatus(jobId: $id) { id status url creditCost metadata } }';

function submit(text: string, key?: string, width = 1024, height = width): Promise<Reply> {
  const input = { type: 'IMAGE', provider: 'flux-pro', input: { text }, options: { width, height } };
  return post(GENERATE, { input }, key === undefined ? {} : { 'idempotency-key': key });
}
const poll = (id: string): Promise<Reply> => post(STATUS, { id });
const idOf = (reply: Reply): string => reply.data.job?.id ?? expect.fail(JSON.stringify(reply.errors));
const codeOf = (reply: Reply): unknown => reply.errors?.[0]?.extensions.code;

describe('idempotency', () => {
  it('charges once for twenty equal submissions that arrive together', async () => {
    await start();
    const replies = await Promise.all(Array.from({ length: 20 }, () => submit('a fox', 'key-1')));
    expect(new Set(replies.map(idOf)).size).toBe(1);
    const state = sandbox.inspect();
    expect(state.charges).toEqual([
      { jobId: idOf(replies[0] as Reply), idempotencyKey: 'key-1', credits: 20, at: START },
    ]);
    expect(state).toMatchObject({ credits: 980, submissions: 20 });
    expect(state.jobs).toHaveLength(1);
    expect(state.requests).toHaveLength(20);
  });

  it('charges every submission without a key', async () => {
    await start();
    const replies = await Promise.all([submit('a fox'), submit('a fox')]);
    expect(new Set(replies.map(idOf)).size).toBe(2);
    expect(sandbox.inspect().charges).toHaveLength(2);
  });

  it('refuses a key that comes back with another input or through another mutation', async () => {
    await start();
    await submit('a fox', 'key-1');
    const others = [
      await submit('a hare', 'key-1'),
      await submit('a fox', 'key-1', 512),
      await post(GENERATE_IMAGE, { input: { service: 'flux-pro', prompt: 'a fox' } }, { 'idempotency-key': 'key-1' }),
    ];
    for (const reply of others) {
      expect(reply.status).toBe(400);
      expect(codeOf(reply)).toBe('IDEMPOTENCY_KEY_REUSED');
    }
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it('keeps a key for 24 hours', async () => {
    await start();
    const first = await submit('a fox', 'key-1');
    now += 24 * 3_600_000 - 1;
    const again = await submit('a fox', 'key-1');
    expect(idOf(again)).toBe(idOf(first));
    expect(again.data.job?.status).toBe('completed');
    now += 1;
    expect(idOf(await submit('a fox', 'key-1'))).not.toBe(idOf(first));
    expect(sandbox.inspect().charges).toHaveLength(2);
  });

  it('does not remember the key of a refused submission', async () => {
    await start({ credits: 15 });
    expect((await submit('a fox', 'key-1')).status).toBe(402);
    expect((await submit('a fox', 'key-1', 512)).status).toBe(200);
  });

  it('repeats a job even where a new one would be refused', async () => {
    await start({ plan: 'free', credits: 20 });
    const first = await submit('a fox', 'key-1');
    expect(idOf(await submit('a fox', 'key-1'))).toBe(idOf(first));
  });

  it('refuses a key of more than 255 characters', async () => {
    await start();
    expect(codeOf(await submit('a fox', 'k'.repeat(256)))).toBe('BAD_USER_INPUT');
    expect(sandbox.inspect().charges).toEqual([]);
  });
});

describe('credits', () => {
  it('refuses with 402 and the figures, and charges nothing', async () => {
    await start({ credits: 39 });
    const reply = await submit('a fox', undefined, 2048);
    expect(reply.status).toBe(402);
    expect(reply.errors).toEqual([
      {
        message: 'Insufficient credits for this operation',
        extensions: { code: 'INSUFFICIENT_CREDITS', creditsRequired: 40, creditsAvailable: 39 },
      },
    ]);
    expect(sandbox.inspect()).toMatchObject({ credits: 39, charges: [], jobs: [] });
  });

  it.each([
    [256, 256, 10],
    [512, 512, 10],
    [768, 768, 15],
    [1024, 1024, 20],
    [1024, 1032, 21],
    [2048, 1024, 27],
    [2048, 2048, 40],
  ])('asks for %i × %i a price inside the documented range', async (width, height, credits) => {
    await start();
    expect((await submit('a fox', undefined, width, height)).data.job?.creditCost).toBe(credits);
    expect(sandbox.inspect().credits).toBe(1000 - credits);
  });
});

describe('limits', () => {
  it('counts requests down in the headers and refuses the one above the limit until the window ends', async () => {
    await start({ plan: 'free' });
    const id = idOf(await submit('a fox'));
    for (let left = 8; left >= 0; left--) {
      const { status, headers } = await poll(id);
      expect(status).toBe(200);
      expect(headers.get('x-ratelimit-limit')).toBe('10');
      expect(headers.get('x-ratelimit-remaining')).toBe(String(left));
      expect(headers.get('x-ratelimit-reset')).toBe(String((START + 60_000) / 1000));
    }
    now += 20_500;
    const refused = await poll(id);
    expect(refused.status).toBe(429);
    expect(codeOf(refused)).toBe('RATE_LIMIT_EXCEEDED');
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(refused.headers.get('date')).toBe(new Date(now).toUTCString());
    now = START + 60_000;
    expect((await poll(id)).headers.get('x-ratelimit-remaining')).toBe('9');
  });

  it('logs what a rate-limited request wanted, and does not let it reach the service', async () => {
    await start({ plan: 'free' });
    for (let index = 0; index < 10; index++) await poll('none');
    await submit('a fox', 'key-1');
    const state = sandbox.inspect();
    expect(state.requests.at(-1)).toEqual({
      at: START,
      method: 'POST',
      path: '/graphql',
      operation: 'generate',
      idempotencyKey: 'key-1',
      httpStatus: 429,
    });
    expect(state).toMatchObject({ submissions: 0, charges: [] });
  });

  it.each([
    ['free', '10'],
    ['starter', '30'],
    ['pro', '60'],
    ['enterprise', '600'],
  ] as const)('gives the plan %s %s requests a window', async (plan, limit) => {
    await start({ plan });
    expect((await poll('none')).headers.get('x-ratelimit-limit')).toBe(limit);
  });

  it('takes another window', async () => {
    await start({ windowMs: 2_000 });
    expect((await poll('none')).headers.get('x-ratelimit-reset')).toBe(String(START / 1000 + 2));
  });

  it('refuses one job too many at a time, until one ends', async () => {
    await start({ plan: 'starter', jobDurationMs: 4_000 });
    for (const text of ['a', 'b', 'c']) expect((await submit(text)).status).toBe(200);
    const refused = await submit('d');
    expect(refused.status).toBe(429);
    expect(codeOf(refused)).toBe('CONCURRENT_LIMIT_EXCEEDED');
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(4);
    expect(wait).toBeLessThanOrEqual(5);
    now += wait * 1000;
    expect((await submit('d')).status).toBe(200);
  });

  it('refuses the picture above the daily limit until midnight UTC', async () => {
    await start({ plan: 'free', jobDurationMs: 0, credits: 100_000 });
    for (let index = 0; index < 100; index++) {
      if (index % 10 === 0) now += 60_000;
      expect((await submit(`picture ${index}`)).status).toBe(200);
    }
    now += 60_000;
    const refused = await submit('one more');
    expect(refused.status).toBe(429);
    expect(codeOf(refused)).toBe('DAILY_LIMIT_EXCEEDED');
    const midnight = Date.UTC(2026, 10, 21);
    expect(refused.headers.get('retry-after')).toBe(String((midnight - now) / 1000));
    now = midnight;
    expect((await submit('one more')).status).toBe(200);
  });
});

describe('the life of a job', () => {
  it('is processing, then completed with a URL', async () => {
    await start({ jobDurationMs: 4_000 });
    const submitted = await submit('a fox');
    expect(submitted.data.job).toMatchObject({ status: 'processing', url: null, creditCost: 20 });
    const id = idOf(submitted);
    now += 3_399;
    expect((await poll(id)).data.job).toMatchObject({ id, status: 'processing', url: null });
    now += 1_202;
    expect((await poll(id)).data.job).toMatchObject({
      id,
      status: 'completed',
      url: `${sandbox.url}/outputs/${id}.jpg`,
      creditCost: 20,
    });
  });

  it('ends at once with a duration of 0', async () => {
    await start({ jobDurationMs: 0 });
    expect((await submit('a fox')).data.job?.status).toBe('completed');
  });

  it('fails when the prompt asks for it, and gives the credits back', async () => {
    await start({ jobDurationMs: 1_000 });
    const id = idOf(await submit('a fox sandbox:fail'));
    expect(sandbox.inspect()).toMatchObject({ credits: 980, refunds: [] });
    now += 1_150;
    const { data } = await poll(id);
    expect(data.job).toMatchObject({ status: 'failed', url: null, metadata: { error: { code: 'FAILED' } } });
    expect(sandbox.inspect()).toMatchObject({ credits: 1000, refunds: [{ jobId: id, credits: 20 }] });
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it('is moderated when the prompt asks for it, and keeps the credits', async () => {
    await start({ jobDurationMs: 0 });
    const id = idOf(await submit('a fox SANDBOX:moderated'));
    expect((await poll(id)).data.job).toMatchObject({ status: 'moderated', url: null });
    expect(sandbox.inspect()).toMatchObject({ credits: 980, refunds: [] });
  });

  it('is null when it is unknown', async () => {
    await start();
    const reply = await poll('none');
    expect(reply.status).toBe(200);
    expect(reply.data).toEqual({ job: null });
    expect(reply.errors).toBeUndefined();
  });

  it('has the same ids and durations for the same seed', async () => {
    await start({ seed: 'one' });
    const id = idOf(await submit('a fox'));
    await sandbox.close();
    await start({ seed: 'one' });
    expect(idOf(await submit('a hare'))).toBe(id);
    await sandbox.close();
    await start({ seed: 'two' });
    expect(idOf(await submit('a fox'))).not.toBe(id);
  });

  it('runs next to others of one request, each charged', async () => {
    await start();
    const input = { type: 'IMAGE', provider: 'flux-pro', input: { text: 'a fox' } };
    const reply = await post(
      'mutation ($a: GenerateInput!, $b: GenerateInput!) { job: generate(input: $a) { id } b: generate(input: $b) { id } }',
      { a: input, b: { ...input, provider: 'other' } },
    );
    expect(reply.status).toBe(200);
    expect(reply.data).toMatchObject({ job: { id: expect.any(String) }, b: null });
    expect(codeOf(reply)).toBe('BAD_USER_INPUT');
    expect(sandbox.inspect().charges).toHaveLength(1);
  });
});
