// Owns the proof of the scenarios about jobs, pictures and limits, and of the reading of jobs in both styles.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, type ScenarioName, startSandbox } from '../../sandbox/sandbox.ts';
import { decodeJpeg } from '../support/jpeg.ts';

const START = Date.UTC(2026, 10, 20, 12, 0, 0);
const MEDIAN_MS = 10_000;
/** A job strays up to 15 % from the median. */
const SURELY_FINISHED_MS = MEDIAN_MS * 1.15;

let now = START;
let sandbox: Sandbox;
beforeEach(() => {
  now = START;
});
afterEach(() => sandbox?.close());

async function start(scenarios: readonly ScenarioName[], options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox({ now: () => now, jobDurationMs: MEDIAN_MS, seed: 'jobs', scenarios, ...options });
}

type Job = {
  id: string;
  status: string;
  url: string | null;
  createdAt: string;
  metadata?: { error?: { code: string; message: string } };
};

const restHeaders = () => ({ 'x-api-key': sandbox.key, 'content-type': 'application/json' });

function order(prompt = 'a fox'): Promise<Response> {
  const body = JSON.stringify({ service: 'flux-pro', prompt, width: 256, height: 256 });
  return fetch(`${sandbox.url}/v1/text_to_image`, { method: 'POST', headers: restHeaders(), body });
}

const submit = async (prompt?: string): Promise<Job> => (await (await order(prompt)).json()) as Job;

async function read(id: string): Promise<Job> {
  const response = await fetch(`${sandbox.url}/v1/text_to_image/${id}`, { headers: restHeaders() });
  expect(response.status).toBe(200);
  return (await response.json()) as Job;
}

function graphql(query: string): Promise<Response> {
  const headers = { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json' };
  return fetch(`${sandbox.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
}

describe('reading a job', () => {
  it('by REST has all its fields, with the header of REST, counted against the limit', async () => {
    await start([]);
    const { id } = await submit();
    const path = `${sandbox.url}/v1/text_to_image/${id}`;
    const response = await fetch(path, { headers: restHeaders() });
    expect(response.headers.get('x-ratelimit-remaining')).toBe('58');
    expect(await response.json()).toEqual({
      id,
      status: 'processing',
      type: 'IMAGE',
      provider: 'flux-pro',
      service: 'flux-pro',
      url: null,
      width: 256,
      height: 256,
      webhookUrl: null,
      duration: null,
      creditCost: 10,
      createdAt: '2026-11-20T12:00:00.000Z',
      metadata: { duration: null, width: 256, height: 256 },
    });
    expect((await fetch(path, { headers: { authorization: `Bearer ${sandbox.key}` } })).status).toBe(401);
    expect((await fetch(path, { method: 'POST', headers: restHeaders(), body: '{}' })).status).toBe(405);
    const unknown = await fetch(`${sandbox.url}/v1/text_to_image/none`, { headers: restHeaders() });
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    expect(sandbox.inspect().requests.map(({ operation }) => operation)).toEqual([
      'rest',
      'status',
      'status',
      'status',
      'status',
    ]);
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it('answers for several in one request by aliases, which counts once', async () => {
    await start([], { plan: 'starter' });
    const jobs = [await submit('a'), await submit('b'), await submit('c')];
    const fields = jobs.map(({ id }, index) => `j${index}: checkJobStatus(jobId: "${id}") { id status }`);
    const response = await graphql(`{ ${fields.join(' ')} none: checkJobStatus(jobId: "none") { id } }`);
    const data = Object.fromEntries(jobs.map(({ id }, index) => [`j${index}`, { id, status: 'processing' }]));
    expect(await response.json()).toEqual({ data: { ...data, none: null } });
    expect(response.headers.get('x-ratelimit-remaining')).toBe(String(30 - 3 - 1));
    expect(sandbox.inspect().requests).toHaveLength(4);
  });
});

describe('jobs', () => {
  it('slow ones take ten times as long', async () => {
    await start(['slow']);
    const { id } = await submit();
    now += 10 * MEDIAN_MS * 0.84;
    expect((await read(id)).status).toBe('processing');
    now = START + 10 * SURELY_FINISHED_MS;
    expect((await read(id)).status).toBe('completed');
    expect(sandbox.inspect().charges).toHaveLength(1);
  });

  it.each([
    ['moderated', 990, 0],
    ['failing', 1000, 1],
  ] as const)('%s: every job ends so, whatever its prompt says', async (scenario, credits, refunds) => {
    await start([scenario]);
    const status = scenario === 'failing' ? 'failed' : scenario;
    const { id } = await submit('sandbox:moderated sandbox:fail');
    expect((await read(id)).status).toBe('processing');
    now += SURELY_FINISHED_MS;
    expect(await read(id)).toMatchObject({
      status,
      url: null,
      metadata: { error: { code: status.toUpperCase(), message: expect.stringContaining('a scenario asks for it') } },
    });
    expect((await fetch(`${sandbox.url}/outputs/${id}.jpg`)).status).toBe(404);
    const state = sandbox.inspect();
    expect(state).toMatchObject({ credits, jobs: [{ id, status }] });
    expect(state.charges).toHaveLength(1);
    expect(state.refunds).toHaveLength(refunds);
  });

  it('never-finishing ones are charged, stay, and keep their slot; nobody can say for how long', async () => {
    await start(['never-finishing'], { plan: 'free' });
    const { id } = await submit();
    now += 365 * 24 * 3_600_000;
    expect(await read(id)).toMatchObject({ status: 'processing', url: null });
    const refused = await order('another');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeNull();
    expect(sandbox.inspect()).toMatchObject({ credits: 990, refunds: [], charges: [{ credits: 10 }] });
  });

  it('never-finishing ones stay even where jobs take no time', async () => {
    await start(['never-finishing'], { jobDurationMs: 0 });
    expect((await submit()).status).toBe('processing');
  });

  it('unknown-status is reported in the second half of the time', async () => {
    await start(['unknown-status']);
    const { id } = await submit();
    now += MEDIAN_MS * 0.42;
    expect((await read(id)).status).toBe('processing');
    now = START + MEDIAN_MS * 0.58;
    expect(await read(id)).toMatchObject({ status: 'POSTPROCESSING_v2', url: null });
    expect(sandbox.inspect().jobs[0]?.status).toBe('processing');
    now = START + SURELY_FINISHED_MS;
    expect((await read(id)).status).toBe('completed');
  });

  it('shouting-status has other words, in every style of reading', async () => {
    await start(['shouting-status']);
    const { id, status } = await submit();
    expect(status).toBe('QUEUED');
    now += MEDIAN_MS * 0.4;
    expect((await read(id)).status).toBe('IN_PROGRESS');
    now = START + SURELY_FINISHED_MS;
    expect((await read(id)).status).toBe('SUCCEEDED');
    expect(await (await graphql(`{ checkJobStatus(jobId: "${id}") { status } }`)).json()).toEqual({
      data: { checkJobStatus: { status: 'SUCCEEDED' } },
    });
  });

  it.each([
    ['failing', 'ERROR'],
    ['moderated', 'REJECTED'],
  ] as const)('shouting-status calls %s %s', async (ending, word) => {
    await start(['shouting-status', ending], { jobDurationMs: 0 });
    expect((await submit()).status).toBe(word);
  });

  it('shouting-status and unknown-status share the time', async () => {
    await start(['shouting-status', 'unknown-status']);
    const { id } = await submit();
    const words: string[] = [];
    for (const share of [0, 0.4, 0.7, 1.15]) {
      now = START + share * MEDIAN_MS;
      words.push((await read(id)).status);
    }
    expect(words).toEqual(['QUEUED', 'IN_PROGRESS', 'POSTPROCESSING_v2', 'SUCCEEDED']);
  });
});

describe('pictures', () => {
  it('expired-url: the first address never works, the one reported after that does, for good', async () => {
    await start(['expired-url'], { jobDurationMs: 0 });
    const { id, url: first } = await submit();
    expect(first).toMatch(new RegExp(`^${sandbox.url}/outputs/${id}\\.jpg\\?signature=[0-9a-f]{32}$`));
    // Reading alone changes nothing: nobody knows yet that the address is dead.
    expect((await read(id)).url).toBe(first);
    const refused = await fetch(first ?? '');
    expect([403, 410]).toContain(refused.status);
    const { url: fresh } = await read(id);
    expect(fresh).not.toBe(first);
    for (let time = 0; time < 2; time++) {
      const picture = await fetch(fresh ?? '');
      expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
      expect(await decodeJpeg(new Uint8Array(await picture.arrayBuffer()))).toMatchObject({ width: 256 });
    }
    expect((await fetch(first ?? '')).status).toBe(refused.status);
    expect((await fetch(`${sandbox.url}/outputs/${id}.jpg`)).status).toBe(refused.status);
    expect((await read(id)).url).toBe(fresh);
    const { faults, charges } = sandbox.inspect();
    expect(faults.map(({ scenario, operation }) => [scenario, operation])).toEqual(
      Array.from({ length: 3 }, () => ['expired-url', 'picture']),
    );
    expect(charges).toHaveLength(1);
  });

  it('expired-url answers 403 for some jobs and 410 for others', async () => {
    await start(['expired-url'], { jobDurationMs: 0 });
    const statuses = new Set<number>();
    for (let index = 0; index < 20; index++) {
      const { url } = await submit(`fox ${index}`);
      statuses.add((await fetch(url ?? '')).status);
    }
    expect([...statuses].sort()).toEqual([403, 410]);
  });

  it('wrong-content-type: a JPEG under another name', async () => {
    await start(['wrong-content-type'], { jobDurationMs: 0 });
    const types = new Set<string | null>();
    for (let index = 0; index < 20; index++) {
      const { url } = await submit(`fox ${index % 2}`);
      const picture = await fetch(url ?? '');
      expect(picture.status).toBe(200);
      types.add(picture.headers.get('content-type'));
      expect(Buffer.from(await picture.arrayBuffer()).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    }
    expect([...types].sort()).toEqual(['application/octet-stream', 'text/html; charset=utf-8']);
    expect(sandbox.inspect().faults[0]).toMatchObject({ scenario: 'wrong-content-type', operation: 'picture' });
  });

  it('expired-url and wrong-content-type go together', async () => {
    await start(['expired-url', 'wrong-content-type'], { jobDurationMs: 0 });
    const { id, url } = await submit();
    await fetch(url ?? '');
    const picture = await fetch((await read(id)).url ?? '');
    expect(picture.status).toBe(200);
    expect(picture.headers.get('content-type')).not.toBe('image/jpeg');
  });
});

describe('limits', () => {
  const resetOf = async (): Promise<string | null> =>
    (await graphql('{ __typename }')).headers.get('x-ratelimit-reset');

  it.each([
    ['rate-headers-iso', '2026-11-20T12:01:00.000Z', '2026-11-20T12:01:00.000Z'],
    ['rate-headers-ms', String(START + 60_000), String(START + 60_000)],
    ['rate-headers-delta', '60', '40'],
  ] as const)('%s', async (scenario, atFirst, later) => {
    await start([scenario]);
    expect(await resetOf()).toBe(atFirst);
    now += 20_500;
    expect(await resetOf()).toBe(later);
  });

  it('no-rate-headers: the limit holds unseen', async () => {
    await start(['no-rate-headers'], { plan: 'free' });
    for (let index = 0; index < 10; index++) expect((await graphql('{ __typename }')).status).toBe(200);
    const refused = await graphql('{ __typename }');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect([...refused.headers.keys()].filter((name) => name.startsWith('x-ratelimit'))).toEqual([]);
  });

  it('skewed-clock is ten minutes ahead in all that it reports; durations stay', async () => {
    await start(['skewed-clock']);
    const ahead = START + 600_000;
    const response = await order();
    expect(response.headers.get('date')).toBe(new Date(ahead).toUTCString());
    expect(response.headers.get('x-ratelimit-reset')).toBe(String((ahead + 60_000) / 1000));
    const { id, createdAt } = (await response.json()) as Job;
    expect(createdAt).toBe(new Date(ahead).toISOString());
    expect((await read(id)).status).toBe('processing');
    now += SURELY_FINISHED_MS;
    expect((await read(id)).status).toBe('completed');
    expect(sandbox.inspect()).toMatchObject({ charges: [{ at: ahead }], requests: [{ at: ahead }, {}, {}] });
  });
});
