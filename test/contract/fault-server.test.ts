// Owns the proof that the fault server does to the wire what each fault says, and to the sandbox no more than that.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type Fault, type FaultServer, startFaultServer } from '../support/fault-server.ts';
import { decodeJpeg } from '../support/jpeg.ts';

let sandbox: Sandbox;
let server: FaultServer;

beforeEach(async () => {
  sandbox = await startSandbox({ jobDurationMs: 0 });
  server = await startFaultServer(sandbox.url);
});
afterEach(() => Promise.all([server.close(), sandbox.close()]));

function post(query: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.url}/graphql`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${sandbox.key}`,
      'content-type': 'application/json',
      'idempotency-key': 'key-1',
    },
    body: JSON.stringify({ query }),
    ...(signal && { signal }),
  });
}

const SUBMIT = `mutation {
  job: generate(input: { type: IMAGE, provider: "flux-pro", input: { text: "a fox" }, options: { width: 256, height: 256 } }) { id url }
}`;
const STATUS = '{ checkJobStatus(jobId: "none") { id } }';
const charges = (): number => sandbox.inspect().charges.length;

async function jobOf(response: Response): Promise<{ id: string; url: string }> {
  return ((await response.json()) as { data: { job: { id: string; url: string } } }).data.job;
}

describe('the fault server', () => {
  it('passes everything without a script, headers included, with links to itself', async () => {
    const response = await post(SUBMIT);
    expect(response.headers.get('x-ratelimit-remaining')).toBe('59');
    const job = await jobOf(response);
    expect(job.url).toBe(`${server.url}/outputs/${job.id}.jpg`);
    const picture = await decodeJpeg(new Uint8Array(await (await fetch(job.url)).arrayBuffer()));
    expect(picture).toMatchObject({ width: 256, height: 256 });
    expect(server.requests()).toEqual([
      { method: 'POST', path: '/graphql', target: 'submit', idempotencyKey: 'key-1', fault: 'pass' },
      { method: 'GET', path: `/outputs/${job.id}.jpg`, target: 'picture', idempotencyKey: undefined, fault: 'pass' },
    ]);
    expect(sandbox.inspect().requests[0]?.idempotencyKey).toBe('key-1');
  });

  it('takes reading by REST for asking the status', async () => {
    server.script(['status-503'], 'status');
    const path = '/v1/text_to_image/sbx_none';
    const read = () => fetch(`${server.url}${path}`, { headers: { 'x-api-key': sandbox.key } });
    expect([(await read()).status, (await read()).status]).toEqual([503, 404]);
    expect(server.requests().map(({ method, target }) => [method, target])).toEqual([
      ['GET', 'status'],
      ['GET', 'status'],
    ]);
  });

  it.each<[Fault, number]>([
    ['drop-before', 0],
    ['drop-after', 1],
  ])('%s destroys the socket; charges: %i', async (fault, charged) => {
    server.script([fault]);
    await expect(post(SUBMIT)).rejects.toThrow('fetch failed');
    expect(charges()).toBe(charged);
    await expect(jobOf(await post(SUBMIT))).resolves.toBeDefined();
    expect(charges()).toBe(1);
    expect(server.requests().map((request) => request.fault)).toEqual([fault, 'pass']);
  });

  it.each<[Fault, number]>([
    ['stall', 1],
    ['stall-before', 0],
  ])('%s never answers; charges: %i', async (fault, charged) => {
    server.script([fault]);
    await expect(post(SUBMIT, AbortSignal.timeout(300))).rejects.toThrow(/timeout/);
    expect(charges()).toBe(charged);
  });

  it('truncate announces the whole and ends halfway; the sandbox has acted', async () => {
    server.script(['truncate']);
    const response = await post(SUBMIT);
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(60);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(charges()).toBe(1);
  });

  it('truncate-clean sends half as if it were all; the sandbox has acted', async () => {
    server.script(['truncate-clean']);
    const text = await (await post(SUBMIT)).text();
    expect(text).toMatch(/^\{"data":/);
    expect(() => JSON.parse(text)).toThrow();
    expect(charges()).toBe(1);
  });

  it.each<[Fault, number, number]>([
    ['html-200', 200, 1],
    ['html-502', 502, 0],
    ['html-502-after', 502, 1],
    ['status-500-before', 500, 0],
    ['status-500-after', 500, 1],
    ['status-503', 503, 0],
    ['429', 429, 0],
    ['429-retry-after', 429, 0],
    ['redirect', 302, 0],
    [{ status: 418, body: 'tea' }, 418, 0],
    [{ status: 418, body: 'tea', forward: true }, 418, 1],
  ])('%j answers %i; charges: %i', async (fault, status, charged) => {
    server.script([fault]);
    const response = await post(SUBMIT);
    expect(response.status).toBe(status);
    const html = typeof fault === 'string' && fault.startsWith('html');
    expect((await response.text()).startsWith('<!doctype html>')).toBe(html);
    expect(response.headers.get('retry-after')).toBe(fault === '429-retry-after' ? '1' : null);
    expect(charges()).toBe(charged);
  });

  it('keeps one script for each kind of request', async () => {
    server.script(['status-503', 'status-503']);
    server.script(['429'], 'status');
    server.script([{ status: 500 }], 'any');
    server.script([{ status: 404 }], 'picture');
    const statuses: number[] = [];
    for (const query of [STATUS, SUBMIT, STATUS, SUBMIT, SUBMIT]) statuses.push((await post(query)).status);
    expect(statuses).toEqual([429, 503, 500, 503, 200]);
    expect((await fetch(`${server.url}/outputs/none.jpg`)).status).toBe(404);
    expect(server.requests().map(({ target }) => target)).toEqual([
      'status',
      'submit',
      'status',
      'submit',
      'submit',
      'picture',
    ]);
  });

  it('shows who follows a redirect', async () => {
    server.script(['redirect']);
    const location = (await post(SUBMIT)).headers.get('location') ?? '';
    await fetch(location);
    expect(server.requests().at(-1)).toMatchObject({ method: 'GET', path: '/redirected' });
  });

  it('closes promptly although a request stalls', async () => {
    server.script(['stall-before']);
    const stalled = post(SUBMIT).catch((error: unknown) => error);
    while (server.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
    // The limit of the test ends what hangs.
    await server.close();
    expect(await stalled).toBeInstanceOf(Error);
  });
});
