// Owns the proof of the scenarios that spoil answers or the balance: what arrives on the wire, and what it costs.

import { afterEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';

const START = Date.UTC(2026, 10, 20, 12, 0, 0);
let sandbox: Sandbox;
afterEach(() => sandbox?.close());

async function start(scenarios: readonly ScenarioName[], options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox({ now: () => START, seed: 'faults', scenarios, ...options });
}

const DIALECTS = ['generate', 'generateImage', 'rest'] as const;
type Dialect = (typeof DIALECTS)[number];
type Order = { key?: string; prompt?: string; side?: number };

type Reply = { status: number; headers: Headers; text: string };
/** `lost`: no answer at all; `cut`: the answer broke off. */
type Outcome = Reply | 'lost' | { cut: { status: number; promised: number; received: number } };

async function receive(sent: Promise<Response>): Promise<Outcome> {
  const response = await sent.catch(() => undefined);
  if (!response) return 'lost';
  const { status, headers } = response;
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
  } catch {
    const received = Buffer.concat(chunks).length;
    return { cut: { status, promised: Number(headers.get('content-length')), received } };
  }
  return { status, headers, text: Buffer.concat(chunks).toString() };
}

function post(path: string, headers: Record<string, string>, body: object): Promise<Outcome> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  return receive(fetch(sandbox.url + path, { ...init, body: JSON.stringify(body) }));
}

function order(dialect: Dialect, { key, prompt = 'a fox', side = 1024 }: Order = {}): Promise<Outcome> {
  const idempotency: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
  const table = { service: 'flux-pro', prompt, width: side, height: side };
  if (dialect === 'rest') return post('/v1/text_to_image', { 'x-api-key': sandbox.key, ...idempotency }, table);
  const options = { width: side, height: side };
  const input =
    dialect === 'generate' ? { type: 'IMAGE', provider: 'flux-pro', input: { text: prompt }, options } : table;
  const type = dialect === 'generate' ? 'GenerateInput' : 'ImageGenerationInput';
  return graphql(`mutation ($input: ${type}!) { job: ${dialect}(input: $input) { id } }`, { input }, idempotency);
}

function graphql(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Outcome> {
  return post('/graphql', { authorization: `Bearer ${sandbox.key}`, ...headers }, { query, variables });
}

const read = (id = 'none'): Promise<Outcome> => graphql(`{ checkJobStatus(jobId: "${id}") { id } }`);

function reply(outcome: Outcome): Reply {
  if (outcome === 'lost' || 'cut' in outcome) expect.fail(`no whole answer: ${JSON.stringify(outcome)}`);
  return outcome;
}
const codeOf = (outcome: Outcome): string => JSON.parse(reply(outcome).text).errors[0].extensions.code;
const charges = (): number => sandbox.inspect().charges.length;
/** What a first try looks like: its status, or how it broke. */
const encoding = (outcome: Outcome): number | string =>
  outcome === 'lost' ? 'lost' : 'cut' in outcome ? 'cut' : outcome.status;

describe.each(DIALECTS)('the first try of each order by %s', (dialect) => {
  it.each([
    ['rate-limited', 429, 0],
    ['rate-limited-silent', 429, 0],
    ['error-before-charge', 500, 0],
    ['error-after-charge', 500, 1],
    ['lost-reply', 'lost', 1],
    ['truncated-reply', 'cut', 1],
    ['proxy-html', 502, 0],
  ] as const)(
    '%s: %s with %i charges; the retry goes through and is charged once',
    async (scenario, first, charged) => {
      await start([scenario]);
      expect(encoding(await order(dialect, { key: 'key-1' }))).toBe(first);
      expect(charges()).toBe(charged);
      expect(encoding(await order(dialect, { key: 'key-1' }))).toBe(200);
      expect(charges()).toBe(1);
      // Another key is another order, though all else is equal.
      expect(encoding(await order(dialect, { key: 'key-2' }))).toBe(first);
      expect(encoding(await order(dialect, { key: 'key-2' }))).toBe(200);
      expect(charges()).toBe(2);
      const { faults, requests, credits } = sandbox.inspect();
      expect(credits).toBe(1000 - 2 * 20);
      const operation = dialect;
      const path = dialect === 'rest' ? '/v1/text_to_image' : '/graphql';
      expect(faults).toEqual([
        { scenario, at: START, operation, path, idempotencyKey: 'key-1' },
        { scenario, at: START, operation, path, idempotencyKey: 'key-2' },
      ]);
      const reported = first === 'lost' ? 0 : first === 'cut' ? 200 : first;
      expect(requests.map(({ httpStatus }) => httpStatus)).toEqual([reported, 200, reported, 200]);
      expect(requests.map(({ fault }) => fault)).toEqual([scenario, undefined, scenario, undefined]);
    },
  );

  it('goes by the body where no key is sent', async () => {
    await start(['error-before-charge']);
    expect(encoding(await order(dialect))).toBe(500);
    expect(encoding(await order(dialect, { prompt: 'a hare' }))).toBe(500);
    expect(encoding(await order(dialect))).toBe(200);
    expect(charges()).toBe(1);
  });

  it('is charged again by a retry without a key, as the service warns', async () => {
    await start(['lost-reply']);
    expect(encoding(await order(dialect))).toBe('lost');
    expect(encoding(await order(dialect))).toBe(200);
    expect(charges()).toBe(2);
  });
});

describe('the faults of first tries', () => {
  it('rate-limited says when to come back, as any 429', async () => {
    await start(['rate-limited']);
    const refused = reply(await order('generate', { key: 'key-1' }));
    expect(codeOf(refused)).toBe('RATE_LIMIT_EXCEEDED');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('x-ratelimit-limit')).toBe('60');
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('59');
    expect(refused.headers.get('x-ratelimit-reset')).toBe(String(START / 1000 + 60));
  });

  it('rate-limited-silent says nothing of it; other answers do', async () => {
    await start(['rate-limited-silent']);
    const refused = reply(await order('generate', { key: 'key-1' }));
    expect(codeOf(refused)).toBe('RATE_LIMIT_EXCEEDED');
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(refused.headers.get('x-ratelimit-reset')).toBeNull();
    expect(refused.headers.get('x-ratelimit-limit')).toBe('60');
    expect(reply(await read()).headers.get('x-ratelimit-reset')).not.toBeNull();
  });

  it.each(['error-before-charge', 'error-after-charge'] as const)('%s is the documented error body', async (name) => {
    await start([name]);
    const failed = reply(await order('rest', { key: 'key-1' }));
    expect(JSON.parse(failed.text)).toEqual({
      errors: [{ message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect(failed.headers.get('x-ratelimit-remaining')).toBe('59');
  });

  it('truncated-reply promises the whole and sends half', async () => {
    await start(['truncated-reply']);
    const outcome = await order('generate', { key: 'key-1' });
    const whole = reply(await order('generate', { key: 'key-1' })).text;
    expect(outcome).toEqual({ cut: { status: 200, promised: whole.length, received: whole.length >> 1 } });
  });

  it('proxy-html meets every request to the API, before the key is checked, and is not counted', async () => {
    await start(['proxy-html']);
    for (const first of [read, () => read('other'), () => post('/v1/text_to_image', {}, {})]) {
      const page = reply(await first());
      expect(page.status).toBe(502);
      expect(page.headers.get('content-type')).toContain('text/html');
      expect(page.text).toMatch(/^<!doctype html>.*502 Bad Gateway/s);
      expect(page.headers.get('x-ratelimit-limit')).toBeNull();
    }
    expect(reply(await read()).headers.get('x-ratelimit-remaining')).toBe('59');
    expect(encoding(await post('/v1/text_to_image', {}, {}))).toBe(401);
    expect(encoding(await receive(fetch(`${sandbox.url}/v1/text_to_image/none`)))).toBe(502);
    expect(encoding(await receive(fetch(`${sandbox.url}/outputs/none.jpg`)))).toBe(404);
  });

  it('meet orders only, apart from those of the proxy', async () => {
    await start(['rate-limited', 'error-before-charge', 'error-after-charge', 'lost-reply']);
    expect(encoding(await read())).toBe(200);
    expect(encoding(await graphql('{ __schema { queryType { name } } }'))).toBe(200);
    expect(sandbox.inspect().faults).toEqual([]);
  });

  it('are injected one for each try, in the order in which they were named', async () => {
    const scenarios = ['lost-reply', 'proxy-html', 'truncated-reply', 'rate-limited', 'error-after-charge'] as const;
    await start(scenarios);
    const forms: (number | string)[] = [];
    for (let index = 0; index < 6; index++) forms.push(encoding(await order('generate', { key: 'key-1' })));
    expect(forms).toEqual(['lost', 502, 'cut', 429, 500, 200]);
    expect(charges()).toBe(1);
    expect(sandbox.inspect().faults.map(({ scenario }) => scenario)).toEqual(scenarios);
    // A read can meet the proxy alone.
    expect(encoding(await read())).toBe(502);
    expect(encoding(await read())).toBe(200);
  });

  it.each(DIALECTS)('after charging wait for an order by %s that is carried out', async (dialect) => {
    await start(['lost-reply'], { credits: 10 });
    expect(encoding(await order(dialect, { key: 'key-1' }))).toBe(402);
    expect(sandbox.inspect()).toMatchObject({ charges: [], faults: [] });
    expect(encoding(await order(dialect, { key: 'key-1', side: 512 }))).toBe('lost');
    expect(charges()).toBe(1);
  });

  it('do not meet a caller without the key', async () => {
    await start(['rate-limited']);
    expect(encoding(await post('/v1/text_to_image', { 'x-api-key': 'wrong', 'idempotency-key': 'key-1' }, {}))).toBe(
      401,
    );
    expect(encoding(await order('rest', { key: 'key-1' }))).toBe(429);
  });

  it('meet one of several equal orders that arrive together', async () => {
    await start(['lost-reply']);
    const forms = (await Promise.all([1, 2, 3].map(() => order('generate', { key: 'key-1' })))).map(encoding);
    expect(forms.filter((one) => one === 'lost')).toHaveLength(1);
    expect(forms.filter((one) => one === 200)).toHaveLength(2);
    expect(charges()).toBe(1);
  });
});

describe('errors-with-200', () => {
  it.each(DIALECTS)('refuses by %s with HTTP 200 and the errors array, headers as ever', async (dialect) => {
    await start(['errors-with-200', 'out-of-credits']);
    const refused = reply(await order(dialect, { key: 'key-1' }));
    expect(refused.status).toBe(200);
    expect(codeOf(refused)).toBe('INSUFFICIENT_CREDITS');
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('59');
    expect(sandbox.inspect()).toMatchObject({ charges: [], requests: [{ httpStatus: 200 }] });
  });

  it('holds for every refusal of the API', async () => {
    await start(['errors-with-200', 'rate-limited'], { plan: 'free' });
    const limited = reply(await order('generate', { key: 'key-1' }));
    expect([limited.status, codeOf(limited), limited.headers.get('retry-after')]).toEqual([
      200,
      'RATE_LIMIT_EXCEEDED',
      '1',
    ]);
    const refusals: [string, Promise<Outcome>][] = [
      ['UNAUTHENTICATED', post('/graphql', { authorization: 'Bearer wrong' }, { query: '{ __typename }' })],
      ['GRAPHQL_VALIDATION_FAILED', graphql('{ nothing }')],
      ['BAD_USER_INPUT', order('generate', { key: 'key-1', side: 8 })],
      ['METHOD_NOT_ALLOWED', receive(fetch(`${sandbox.url}/graphql`, { headers: bearer() }))],
      ['NOT_FOUND', receive(fetch(`${sandbox.url}/v1/text_to_image/none`, { headers: { 'x-api-key': sandbox.key } }))],
    ];
    for (const [code, outcome] of refusals) {
      expect([code, encoding(await outcome)]).toEqual([code, 200]);
      expect(codeOf(await outcome)).toBe(code);
    }
    expect(encoding(await receive(fetch(`${sandbox.url}/elsewhere`)))).toBe(404);
  });

  it('leaves the page of a proxy as it is', async () => {
    await start(['errors-with-200', 'proxy-html']);
    expect(encoding(await order('generate', { key: 'key-1' }))).toBe(502);
  });
});
const bearer = () => ({ authorization: `Bearer ${sandbox.key}` });

describe('credits', () => {
  it.each(DIALECTS)(
    'out-of-credits refuses by %s with 402 and the figures, whatever the options say',
    async (dialect) => {
      await start(['out-of-credits'], { credits: 500 });
      const refused = reply(await order(dialect, { side: 256 }));
      expect(refused.status).toBe(402);
      expect(JSON.parse(refused.text).errors[0].extensions).toEqual({
        code: 'INSUFFICIENT_CREDITS',
        creditsRequired: 10,
        creditsAvailable: 0,
      });
      expect(sandbox.inspect()).toMatchObject({ credits: 0, charges: [], jobs: [] });
    },
  );

  it('low-credits pays for one picture of the usual size', async () => {
    await start(['low-credits']);
    expect(encoding(await order('generate', { key: 'key-1' }))).toBe(200);
    const refused = reply(await order('generate', { key: 'key-2' }));
    expect(refused.status).toBe(402);
    expect(JSON.parse(refused.text).errors[0].extensions).toMatchObject({ creditsRequired: 20, creditsAvailable: 0 });
    expect(charges()).toBe(1);
  });

  it('low-credits pays for two small ones', async () => {
    await start(['low-credits']);
    const statuses: unknown[] = [];
    for (const prompt of ['a', 'b', 'c']) statuses.push(encoding(await order('rest', { prompt, side: 512 })));
    expect(statuses).toEqual([200, 200, 402]);
    expect(sandbox.inspect()).toMatchObject({ credits: 0, charges: [{ credits: 10 }, { credits: 10 }] });
  });
});
