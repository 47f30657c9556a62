// Owns the proof that a sandbox with a state file goes on where an earlier one was, or another one is.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts';

const START = Date.UTC(2026, 10, 20, 12, 0, 0);

let now = START;
let folder: string;
let stateFile: string;
const running: Sandbox[] = [];
beforeEach(async () => {
  now = START;
  folder = await mkdtemp(join(tmpdir(), 'flux-sandbox-'));
  stateFile = join(folder, 'kept', 'service.json');
});
afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ now: () => now, jobDurationMs: 4_000, stateFile, ...options });
  running.push(sandbox);
  return sandbox;
}

type Reply = { httpStatus: number; id: string; status: string; url: string | null };

async function request({ url, key }: Sandbox, path: string, init: RequestInit = {}): Promise<Reply> {
  const headers = { 'x-api-key': key, 'content-type': 'application/json', ...init.headers };
  const response = await fetch(url + path, { ...init, headers });
  return { httpStatus: response.status, ...((await response.json()) as Omit<Reply, 'httpStatus'>) };
}

const order = (sandbox: Sandbox, key: string, prompt = 'a fox'): Promise<Reply> =>
  request(sandbox, '/v1/text_to_image', {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: JSON.stringify({ service: 'flux-pro', prompt, width: 256, height: 256 }),
  });
const read = (sandbox: Sandbox, id: string): Promise<Reply> => request(sandbox, `/v1/text_to_image/${id}`);

it('finishes a job that was processing, by its own times, and serves the same picture', async () => {
  const first = await start();
  const { id } = await order(first, 'key-1');
  const finished = await order(first, 'key-2', 'a finished one');
  now += 5_000;
  const seen = new Uint8Array(await (await fetch(`${first.url}/outputs/${finished.id}.jpg`)).arrayBuffer());
  now = START + 1_000;
  // Its end is as sudden as that of a killed process: nothing is written then.
  const second = await start({ jobDurationMs: 60_000 });
  expect(await read(second, id)).toMatchObject({ id, status: 'processing', url: null });
  now = START + 5_000;
  expect(await read(second, id)).toMatchObject({ status: 'completed', url: `${second.url}/outputs/${id}.jpg` });
  const again = await fetch(`${second.url}/outputs/${finished.id}.jpg`);
  expect(new Uint8Array(await again.arrayBuffer())).toEqual(seen);
});

it('keeps keys, charges, refunds, the balance and the limits', async () => {
  const first = await start({ plan: 'free', jobDurationMs: 0 });
  await order(first, 'key-1');
  const failed = await order(first, 'key-2', 'sandbox:fail');
  const before = first.inspect();
  const second = await start({ plan: 'free' });
  expect(second.inspect()).toMatchObject({
    charges: before.charges,
    refunds: [{ jobId: failed.id, credits: 10 }],
    credits: 990,
  });
  expect(await order(second, 'key-1')).toMatchObject({ httpStatus: 200, id: before.charges[0]?.jobId });
  expect(second.inspect().charges).toEqual(before.charges);
  expect((await order(second, 'key-3')).httpStatus).toBe(200);
  // The plan allows one at a time, whichever process took it.
  expect((await order(await start({ plan: 'free' }), 'key-4')).httpStatus).toBe(429);
});

it('lets several processes share it, without losing what one of them ordered', async () => {
  const [one, other] = [await start({ jobDurationMs: 0 }), await start({ jobDurationMs: 0 })];
  const mine = await order(one, 'key-1');
  expect(await read(other, mine.id)).toMatchObject({ status: 'completed' });
  const theirs = await order(other, 'key-2');
  expect((await order(one, 'key-2')).id).toBe(theirs.id);
  await order(one, 'key-3');
  const third = await start();
  expect(third.inspect()).toMatchObject({ jobs: [{}, {}, {}], credits: 970 });
});

it('begins each day with the whole balance, because nobody can top it up', async () => {
  const sandbox = await start({ jobDurationMs: 0, credits: 20 });
  await order(sandbox, 'key-1');
  await order(sandbox, 'key-2');
  expect((await order(sandbox, 'key-3')).httpStatus).toBe(402);
  now += 24 * 60 * 60_000;
  expect((await order(await start({ credits: 20 }), 'key-3')).httpStatus).toBe(200);
});

it('is written whole, for the user alone, and holds no key of the API', async () => {
  const sandbox = await start();
  await order(sandbox, 'key-1');
  expect(await readdir(join(folder, 'kept'))).toEqual(['service.json']);
  expect((await stat(stateFile)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'kept'))).mode & 0o777).toBe(0o700);
  expect(await readFile(stateFile, 'utf8')).not.toContain(sandbox.key);
});

it.each(['', 'null', '{"jobs":[{"id":"x"}]}', '{"jobs":[{'])(
  'begins again where it cannot be read: %j',
  async (text) => {
    stateFile = join(folder, 'service.json');
    await writeFile(stateFile, text);
    const sandbox = await start();
    expect(sandbox.inspect()).toMatchObject({ jobs: [], credits: 1000 });
    await order(sandbox, 'key-1');
    expect((await start()).inspect().jobs).toHaveLength(1);
  },
);

it('takes orders where it cannot be written, and without it keeps nothing', async () => {
  await writeFile(join(folder, 'kept'), 'a file in the way');
  const sandbox = await start();
  const { id } = await order(sandbox, 'key-1');
  expect(await read(sandbox, id)).toMatchObject({ status: 'processing' });
  expect((await order(await startSandboxWithoutFile(), 'key-1')).id).not.toBe(id);
  expect(await readdir(folder)).toEqual(['kept']);
});

async function startSandboxWithoutFile(): Promise<Sandbox> {
  const sandbox = await startSandbox({ now: () => now });
  running.push(sandbox);
  return sandbox;
}
