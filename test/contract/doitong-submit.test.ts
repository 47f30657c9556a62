/** Proves what an order does on the wire: what is sent, how often, under which key, and what is said of it. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../src/core/failure.ts';
import { createDoitongProvider } from '../../src/doitong/doitong-provider.ts';
import { createManualClock, MANUAL_CLOCK_START } from '../support/manual-clock.ts';
import { createOpenLimiter } from '../support/open-limiter.ts';
import { createPlainWireMemory } from '../support/plain-wire-memory.ts';
import { wordsOf } from '../support/words.ts';
import {
  errors,
  type Harness,
  job,
  KEY,
  PLAIN_SETTINGS,
  REQUEST,
  type Script,
  startHarness,
  unmarked,
} from '../unit/doitong/scripted-service.ts';

const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };
let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

async function start(script: Script, options?: Parameters<typeof startHarness>[1]): Promise<Harness> {
  harness = await startHarness(script, options);
  return harness;
}
/** What arrived but the questions for the schema. */
const orders = (service: Harness['service']) => service.arrived.filter(({ query }) => !query.includes('__schema'));
async function failureOf(order: Promise<unknown>): Promise<Failure> {
  const error: unknown = await order.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FluxError);
  return (error as FluxError).failure;
}

describe('an order', () => {
  it('is one POST with the key, the idempotency key and the variables, and nothing else of the request', async () => {
    const { provider, service } = await start([{ body: job() }]);
    expect(await provider.submit({ ...REQUEST, version: 'flux-pro' }, 'key-1', unmarked())).toEqual({
      remoteId: 'job-1',
      phase: 'processing',
      remoteStatus: 'processing',
      creditCost: 12,
    });
    const [arrived] = service.arrived;
    expect(arrived).toMatchObject({ method: 'POST', path: '/graphql' });
    expect(arrived?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'content-type': 'application/json',
      'idempotency-key': 'key-1',
      'user-agent': 'flux-pro-mcp/test',
      connection: 'close',
    });
    expect(arrived?.query).toMatch(/^mutation \(\$input: GenerateInput!\) \{ job: generate\(input: \$input\)/u);
    expect(arrived?.query).not.toContain('fox');
    expect(arrived?.variables).toMatchObject({ input: { options: { version: 'flux-pro' } } });
  });

  it('takes a job that comes with errors, with any status, and a job under another name', async () => {
    const { provider, lines } = await start([
      { body: { ...(job() as object), ...(errors({ message: 'no creditCost', code: 'FORBIDDEN' }) as object) } },
      { status: 500, body: job({ id: 'job-2' }) },
      { body: { data: { generateimage: { id: 3, status: 'completed', url: 'https://cdn/3.jpg' } } } },
    ]);
    expect((await provider.submit(REQUEST, 'key-1', unmarked())).remoteId).toBe('job-1');
    expect(lines.join()).toContain('together with errors');
    expect((await provider.submit(REQUEST, 'key-2', unmarked())).remoteId).toBe('job-2');
    expect(await provider.submit(REQUEST, 'key-3', unmarked())).toMatchObject({ remoteId: '3', phase: 'completed' });
  });

  it('is tried again under the same key after it was lost, until a job comes', async () => {
    const { provider, service, clock } = await start([
      (response) => response.destroy(),
      { status: 503, text: '<html>' },
      { body: job() },
    ]);
    expect((await provider.submit(REQUEST, 'key-1', unmarked())).remoteId).toBe('job-1');
    expect(service.arrived.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-1', 'key-1']);
    expect(clock.slept).toEqual([250, 500]);
  });

  it.each([
    [
      'lost, then refused for credits',
      'ambiguous',
      [(r) => void r.destroy(), { status: 402, body: errors({ message: 'no' }) }],
    ],
    ['failed, then refused for the key', 'ambiguous', [{ status: 500 }, { status: 401 }]],
    ['a page, then invalid', 'ambiguous', [{ text: '<html>' }, { status: 400, body: errors({ message: 'no' }) }]],
    [
      'in use, then unknown to the schema',
      'ambiguous',
      [{ status: 409 }, { status: 400, body: errors({ message: 'Unknown type "GenerateInput".' }) }],
    ],
    ['failed every time', 'service_error', [{ status: 500 }, { status: 502 }, { status: 504 }]],
    [
      'a job without a usable id',
      'ambiguous',
      [
        { body: job({ id: '' }) },
        { body: job({ id: 'a\u0000' }) },
        {
          body: { ...(job({ id: null }) as object), ...(errors({ message: 'no', code: 'BAD_USER_INPUT' }) as object) },
        },
      ],
    ],
  ] as [string, string, Script][])('that was %s may have been charged', async (_, kind, script) => {
    const { provider, service } = await start(script);
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind, creditsSpent: 'maybe', retry: 'same_job' });
    expect(orders(service)).toHaveLength(script.length);
  });

  it.each([
    [400, 'bad_input'],
    [401, 'bad_key'],
    [402, 'no_credits'],
    [403, 'bad_key'],
    [404, 'unsupported_service'],
    [413, 'bad_input'],
  ])('that is refused with %i is sent once and costs nothing', async (status, kind) => {
    const settings = { dialect: 'generate' } as const;
    const { provider, service } = await start(() => ({ status, text: '<html>no</html>' }), { settings });
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind, creditsSpent: 'no', retry: 'no', httpStatus: status });
    expect(orders(service)).toHaveLength(1);
  });

  it('learns the balance from a refusal', async () => {
    const extensions = { code: 'INSUFFICIENT_CREDITS', creditsRequired: 100, creditsAvailable: 50 };
    const { provider, limiter } = await start([{ body: errors({ message: 'Insufficient credits', ...extensions }) }]);
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toMatchObject({
      kind: 'no_credits',
      creditsRequired: 100,
      creditsAvailable: 50,
    });
    expect(limiter.balance()).toBe(50);
  });

  it('is not sent when nobody listens: three tries, no credits', async () => {
    const { provider, service, clock } = await start([], { memory: createPlainWireMemory({ dialect: 'generate' }) });
    await service.close();
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind: 'unreachable', creditsSpent: 'no', retry: 'later' });
    expect(wordsOf(failure).what).toContain('the connection was refused');
    expect(clock.slept).toHaveLength(2);
  });

  it('is not sent when the service does not speak TLS', async () => {
    const { service } = await start([]);
    const apiUrl = service.url.replace('http:', 'https:');
    const { provider, close } = await startHarness([], { settings: { apiUrl } });
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind: 'unreachable', creditsSpent: 'no' });
    await close();
  });

  it('never follows a redirect', async () => {
    const elsewhere = await startHarness([{ body: job() }]);
    const { provider } = await start([{ status: 307, headers: { location: `${elsewhere.service.url}/graphql` } }]);
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'no' });
    expect(wordsOf(failure).next).toContain('DOITONG_API_URL');
    expect(elsewhere.service.arrived).toEqual([]);
    await elsewhere.close();
  });

  it('drops fields that the service does not know, under the same key, and remembers that', async () => {
    const { provider, service, clock } = await start([
      {
        status: 400,
        body: errors(
          { message: 'Cannot query field "creditCost" on type "Generation". Did you mean "cost"?' },
          { message: 'Cannot query field "createdAt" on type "Generation".' },
        ),
      },
      { body: job({ creditCost: undefined }) },
      { body: job() },
    ]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    await provider.submit(REQUEST, 'key-2', unmarked());
    expect(service.arrived.map(({ query }) => /\{ (id[^}]*?) \}/u.exec(query)?.[1])).toEqual([
      'id status url creditCost createdAt',
      'id status url',
      'id status url',
    ]);
    expect(service.arrived.map(({ headers }) => headers['idempotency-key'])).toEqual(['key-1', 'key-1', 'key-2']);
    expect(clock.slept).toEqual([]);
  });

  it.each([
    'Cannot query field "generate" on type "Mutation". Did you mean "generateImage"?',
    'Unknown type "GenerateInput". Did you mean "ImageGenerationInput"?',
  ])('to a service without this dialect costs nothing: %s', async (message) => {
    const { provider, service } = await start(() => ({ body: errors({ message }) }), {
      settings: { dialect: 'generate' },
    });
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(failure).toMatchObject({ kind: 'unsupported_service', creditsSpent: 'no', retry: 'no' });
    expect(wordsOf(failure).next).toContain('DOITONG_DIALECT');
    expect(orders(service)).toHaveLength(1);
  });

  it.each([{ data: { job: null } }, { data: { generate: {} } }])(
    'that was executed is not called free because its error reads like a validation error: %j',
    async (data) => {
      const body = { ...data, ...(errors({ message: 'Unknown type "GenerateInput".' }) as object) };
      const { provider } = await start(() => ({ body }));
      expect((await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).creditsSpent).toBe('maybe');
    },
  );

  it('that made a job without a usable id is not called free by a code next to it', async () => {
    const adjacent = errors({ message: 'no', code: 'BAD_USER_INPUT' }) as object;
    const { provider } = await start(() => ({ body: { ...(job({ id: null }) as object), ...adjacent } }));
    expect((await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).creditsSpent).toBe('maybe');
  });

  it('with a value that the schema refuses is bad input', async () => {
    const message = 'Variable "$input" got invalid value 1024 at "input.options.width"; too wide.';
    const { provider, service } = await start(() => ({ body: errors({ message }) }));
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toMatchObject({
      kind: 'bad_input',
      creditsSpent: 'no',
    });
    expect(orders(service)).toHaveLength(1);
  });
});

describe('the rate limit', () => {
  const NOW_S = MANUAL_CLOCK_START / 1_000;

  it('is obeyed exactly, noted in the window, and tried again under the same key', async () => {
    const headers = {
      'retry-after': '7',
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': `${NOW_S + 30}`,
    };
    const { provider, clock, service, limiter } = await start([{ status: 429, headers }, { body: job() }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect(clock.slept).toEqual([7_000]);
    expect(limiter.window()).toEqual({
      limit: 10,
      remaining: 0,
      resetsAt: MANUAL_CLOCK_START + 30_000,
      pausedUntil: MANUAL_CLOCK_START + 7_000,
    });
    expect(new Set(service.arrived.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('falls back to the reset of the window', async () => {
    const headers = { 'x-ratelimit-reset': `${NOW_S + 20}` };
    const { provider, clock, limiter } = await start([{ status: 429, headers }, { body: job() }]);
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect(clock.slept).toEqual([20_000]);
    expect(limiter.window().pausedUntil).toBe(MANUAL_CLOCK_START + 20_000);
  });

  it('is handed back when it is longer than a minute', async () => {
    const { provider, clock, service, limiter } = await start([{ status: 429, headers: { 'retry-after': '61' } }]);
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toMatchObject({
      kind: 'rate_limited',
      creditsSpent: 'no',
      retry: 'later',
      retryAfterSeconds: 61,
    });
    expect(clock.slept).toEqual([]);
    expect(service.arrived).toHaveLength(1);
    expect(limiter.window().pausedUntil).toBe(MANUAL_CLOCK_START + 61_000);
  });

  it('on jobs does not silence the asking for their status', async () => {
    const body = errors({ message: 'Only one job at a time', code: 'CONCURRENT_LIMIT_EXCEEDED' });
    const script = [{ status: 429, headers: { 'retry-after': '5' }, body }, { body: job() }];
    const { provider, clock, limiter } = await start(script);
    await provider.submit(REQUEST, 'key-1', unmarked());
    expect(clock.slept).toEqual([5_000]);
    expect(limiter.window().pausedUntil).toBeUndefined();
  });
});

describe('an end that the caller or a deadline makes', () => {
  it('before anything was sent costs nothing', async () => {
    const { provider, service } = await start([]);
    const order = await provider.prepare(REQUEST, { signal: never });
    expect(await provider.send(order, 'key-1', AbortSignal.abort())).toMatchObject({
      type: 'failed',
      failure: { kind: 'unreachable', creditsSpent: 'no' },
    });
    expect(service.arrived).toEqual([]);
  });

  it('while a connection is being made costs nothing', async () => {
    // A full backlog is hard to make; a TLS handshake that nobody answers is not.
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const clock = createManualClock();
    // No question comes before the order.
    const settings = { ...PLAIN_SETTINGS, dialect: 'rest' as const, apiUrl: `https://127.0.0.1:${port}` };
    const provider = createDoitongProvider(settings, {
      clock,
      log,
      limiter: createOpenLimiter(),
      memory: createPlainWireMemory(),
    });
    const controller = new AbortController();
    const order = provider.send(await provider.prepare(REQUEST, { signal: never }), 'key-1', controller.signal);
    setTimeout(() => controller.abort(), 50);
    expect(await order).toMatchObject({ failure: { kind: 'unreachable', creditsSpent: 'no' } });
    await provider.close();
    silent.close();
  });

  it('while the service works leaves the outcome open, and is not tried again', async () => {
    const controller = new AbortController();
    const { provider, service } = await start([() => controller.abort()]);
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked(controller.signal)));
    expect(failure).toMatchObject({ kind: 'ambiguous', creditsSpent: 'maybe', retry: 'same_job' });
    expect(wordsOf(failure).what).toContain('The call was ended after the order was sent');
    expect(service.arrived).toHaveLength(1);
  });

  it('when 30 s have passed leaves it open, too, and tries again', async () => {
    const clock = createManualClock();
    const { provider, service } = await start([() => void clock.advance(30_000), { body: job() }], { clock });
    const order = provider.submit(REQUEST, 'key-1', unmarked());
    while (service.arrived.length < 2) await clock.advance(250);
    expect((await order).remoteId).toBe('job-1');
    expect(clock.slept).toEqual([250]);
    expect(clock.pending()).toBe(0);
  });

  it('by closing the provider ends orders under way as they stand', async () => {
    const { provider, service } = await start([() => void provider.close()]);
    expect(await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).toMatchObject({ creditsSpent: 'maybe' });
    expect(service.arrived).toHaveLength(1);
  });
});

describe('secrets', () => {
  it('never stand in a message or a line of the log', async () => {
    const echo = errors({ message: `Invalid key ${KEY} in Bearer ${KEY}` });
    const { provider, lines } = await start([
      { status: 500, body: echo },
      { status: 401, body: echo },
    ]);
    const failure = await failureOf(provider.submit(REQUEST, 'key-1', unmarked()));
    expect(wordsOf(failure).what).toContain('Invalid key [redacted]');
    expect(`${JSON.stringify(failure)}${lines.join()}`).not.toContain(KEY);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join()).not.toContain('fox');
  });

  it('must be there and fit a header', async () => {
    for (const apiKey of [undefined, '', 'a\nb', 'schlüssel']) {
      const { provider, service, close } = await startHarness([], { settings: { apiKey } });
      expect(provider.unavailable()).toMatchObject({ kind: 'bad_key', creditsSpent: 'no', retry: 'no' });
      expect((await failureOf(provider.submit(REQUEST, 'key-1', unmarked()))).kind).toBe('bad_key');
      expect((await failureOf(provider.read('a', never))).kind).toBe('bad_key');
      expect(service.arrived).toEqual([]);
      await close();
    }
    expect((await start([])).provider.unavailable()).toBeUndefined();
  });
});
