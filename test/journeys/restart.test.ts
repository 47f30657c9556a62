/** The server ends in the midst of an order and another one begins: nothing is lost, nothing is paid twice. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { storedText } from '../../src/storage/versioned-file.ts';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const ORDER = { prompt: 'A clockwork owl', width: 256, height: 256 };

const jobsOf = async (from: Story): Promise<Record<string, unknown>[]> =>
  (await from.call('list_jobs')).structuredContent?.jobs as Record<string, unknown>[];

/** The folders and files of the job records. */
async function records(from: Story): Promise<{ folder: string; files: string[] }> {
  const state = join(from.outputDir, 'state');
  const [partition = ''] = await readdir(state);
  const folder = join(state, partition, 'jobs');
  return { folder, files: (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json')) };
}

it('a running job is found by list_jobs and resumed until it has its picture', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 60_000 } });
  const order = await story.call('generate_image', { ...ORDER, wait_seconds: 0 });
  const { clock } = story;
  await clock.until(async () => (await jobsOf(story as Story))[0]?.status === 'processing');
  await story.restart();

  const [listed] = await jobsOf(story);
  expect(listed).toMatchObject({ status: 'processing', prompt: ORDER.prompt });
  const done = await story.call('get_job_status', { job_id: String(listed?.job_id), wait_seconds: 200 });
  expect(done.structuredContent).toMatchObject({ job_id: order.structuredContent?.job_id, status: 'completed' });
  await decodeJpeg(await readFile(String(done.structuredContent?.file)));
  expect(story.sandbox.inspect().charges).toHaveLength(1);
});

it.each<[string, Record<string, unknown>]>([
  ['get_job_status', {}],
  ['list_jobs', {}],
  ['check_rate_limits', {}],
  ['generate_image', { prompt: 'A second owl', width: 256, height: 256 }],
])('an order whose answer was lost is repeated under its own key after the first call: %s', async (tool, args) => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 1_000 } });
  story.wire.script(['drop-before', 'drop-before', 'drop-before']);
  // It would be sent again by itself 10 s later.
  const order = await story.call('generate_image', { ...ORDER, wait_seconds: 9 });
  expect(order.structuredContent).toMatchObject({ status: 'submitting', error: { kind: 'ambiguous' } });
  await story.restart();
  const submits = () => (story as Story).wire.requests().filter(({ target }) => target === 'submit');
  const lost = submits()[0]?.idempotencyKey;

  const id = String(order.structuredContent?.job_id);
  await story.call(tool, tool === 'get_job_status' ? { job_id: id } : args);
  const { clock, sandbox } = story;
  await clock.until(async () => sandbox.inspect().charges.some(({ idempotencyKey }) => idempotencyKey === lost));
  const done = await story.call('get_job_status', { job_id: id, wait_seconds: 60 });
  expect(done.structuredContent).toMatchObject({ job_id: id, status: 'completed' });
  const sent = submits().map(({ idempotencyKey }) => idempotencyKey);
  expect(sent.filter((key) => key === lost).length).toBeGreaterThan(3);
  expect(new Set(sent).size).toBe(tool === 'generate_image' ? 2 : 1);
  expect(sandbox.inspect().charges).toHaveLength(tool === 'generate_image' ? 2 : 1);
});

it('an order whose answer was lost after it was taken is paid for once', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 1_000 } });
  story.wire.script(['drop-after', 'drop-after', 'drop-after']);
  const order = await story.call('generate_image', { ...ORDER, wait_seconds: 9 });
  expect(order.structuredContent).toMatchObject({ status: 'submitting', error: { kind: 'ambiguous' } });
  await story.restart();

  const id = String(order.structuredContent?.job_id);
  const done = await story.call('get_job_status', { job_id: id, wait_seconds: 60 });
  expect(done.structuredContent).toMatchObject({ job_id: id, status: 'completed' });
  const keys = story.wire.requests().filter(({ target }) => target === 'submit');
  expect(new Set(keys.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  expect(story.sandbox.inspect().charges).toHaveLength(1);
});

it('an order that left in a dialect of a newer version is not sent again, and the user is told to update', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 1_000 } });
  story.wire.script(['drop-after', 'drop-after', 'drop-after']);
  const order = await story.call('generate_image', { ...ORDER, wait_seconds: 9 });
  const { folder, files } = await records(story);
  for (const file of files) {
    const { value, changes } = JSON.parse(await readFile(join(folder, file), 'utf8'));
    expect(value).toMatchObject({ state: 'submitting', dialect: 'generate' });
    await writeFile(join(folder, file), storedText({ ...value, dialect: 'generatePicture' }, changes));
  }
  const submits = () => (story as Story).wire.requests().filter(({ target }) => target === 'submit');
  const before = submits().length;
  await story.restart();

  const id = String(order.structuredContent?.job_id);
  const met = await story.call('get_job_status', { job_id: id, wait_seconds: 5 });
  expect(met.structuredContent).toMatchObject({
    status: 'submitting',
    error: { kind: 'unsupported_service', credits_spent: 'maybe' },
  });
  expect(textOf(met)).toContain('Ask the user to update flux-pro-mcp everywhere.');
  expect(submits()).toHaveLength(before);
  expect(story.sandbox.inspect().charges).toHaveLength(1);
});

it('of twelve pictures one call says what became of each, when the server has ended in between', async () => {
  story = await startStory({ sandboxed: false, sandbox: { plan: 'starter', jobDurationMs: 4_000 }, preview: 'off' });
  const images = Array.from({ length: 12 }, (_, n) => ({ ...ORDER, prompt: `Icon ${n + 1}` }));
  const first = await story.call('generate_images', { images, max_credits: 240, wait_seconds: 8 });
  const pending = Number(first.structuredContent?.pending);
  expect(pending).toBeGreaterThan(0);
  await story.restart();

  const listed = await jobsOf(story);
  expect(listed.map(({ number }) => number)).toEqual(images.map((_, at) => at + 1));
  const job_ids = listed.map(({ job_id }) => String(job_id));
  const one = await story.call('get_job_status', { job_ids, wait_seconds: 120 });
  const jobs = one.structuredContent?.jobs as Record<string, unknown>[];
  expect(jobs.map(({ job_id }) => job_id)).toEqual(job_ids);
  expect(one.structuredContent).toMatchObject({ pending: 0 });
  const { completed, failed } = one.structuredContent as { completed: number; failed: number };
  expect(completed + failed).toBe(12);
  for (const { status, error } of jobs)
    if (status === 'failed') expect(error).toMatchObject({ kind: 'interrupted', credits_spent: 'no' });
  expect(story.sandbox.inspect().charges).toHaveLength(completed);
  const text = textOf(one);
  for (const id of job_ids) expect(text).toContain(id);
  expect(textOf(await story.call('list_jobs'))).toMatch(/^Next: Interrupted orders were never sent/mu);
});

it('the text of one job has the whole prompt of an old order', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 }, resultContent: ['text'] });
  const prompt = `A clockwork owl ${'with many small cogs, '.repeat(40)}on a shelf`;
  const order = await story.call('generate_image', { ...ORDER, prompt });
  await story.restart();
  const status = await story.call('get_job_status', { job_id: String(/job_\w+/.exec(textOf(order))?.[0]) });
  expect(status.structuredContent).toBeUndefined();
  expect(textOf(status)).toContain(`Prompt: "${prompt}"`);
  expect(textOf(status)).toContain('256 × 256 pixels');
});

it('a finished picture stays known', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 } });
  const order = await story.call('generate_image', ORDER);
  await story.restart();
  const again = await story.call('get_job_status', { job_id: String(order.structuredContent?.doitong_id) });
  expect(again.structuredContent).toEqual(order.structuredContent);
  await story.restart();
  const read = await story.readResource(`flux://images/${order.structuredContent?.job_id}`);
  expect(Buffer.from(read.contents[0]?.blob ?? '', 'base64')).toEqual(
    await readFile(String(order.structuredContent?.file)),
  );
  expect(story.sandbox.inspect().submissions).toBe(1);
});

it('records are readable by the user alone and hold no key of the API', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 } });
  await story.call('generate_image', ORDER);
  const { folder, files } = await records(story);
  expect(files).toHaveLength(1);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  const file = join(folder, files[0] ?? '');
  expect((await stat(dirname(file))).mode & 0o777).toBe(0o700);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readFile(file, 'utf8')) + folder).not.toContain(story.sandbox.key);
});

it('a record that was cut in the middle is set aside and kept, and the others stay known', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 } });
  await story.call('generate_image', ORDER);
  await story.call('generate_image', { ...ORDER, prompt: 'A second owl' });
  const { folder, files } = await records(story);
  const victim = join(folder, files[0] ?? '');
  await writeFile(victim, (await readFile(victim, 'utf8')).slice(0, 80));
  await story.restart();
  expect(await jobsOf(story)).toHaveLength(1);
  expect(await readdir(join(folder, '..', 'damaged'))).toHaveLength(1);
  expect(story.logLines.join('')).toContain('a damaged job record was set aside');
});

it('without a place for records nothing is ordered, and the setting is named', async () => {
  story = await startStory({ sandboxed: false });
  await writeFile(join(story.outputDir, 'state'), 'a file in the way');
  const refused = await story.call('generate_image', ORDER);
  expect(refused.isError).toBe(true);
  expect(refused.structuredContent?.error).toMatchObject({ kind: 'storage_failed', credits_spent: 'no' });
  expect(textOf(refused)).toContain('FLUX_STATE_DIR');
  expect(story.sandbox.inspect().requests).toEqual([]);
});

it('pages list_jobs from the newest to the oldest', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 } });
  for (const number of [1, 2, 3]) await story.call('generate_image', { ...ORDER, prompt: `Owl ${number}` });
  const first = await story.call('list_jobs', { limit: 2 });
  const cursor = String(first.structuredContent?.next_cursor);
  const second = await story.call('list_jobs', { limit: 2, cursor });
  const prompts = [first, second].flatMap(({ structuredContent }) =>
    ((structuredContent?.jobs ?? []) as { prompt: string }[]).map(({ prompt }) => prompt),
  );
  expect(prompts).toEqual(['Owl 3', 'Owl 2', 'Owl 1']);
  expect(second.structuredContent).not.toHaveProperty('next_cursor');
  expect((await story.call('list_jobs', { cursor: 'x' })).isError).toBe(true);
  expect((await story.call('list_jobs', { status: 'failed' })).structuredContent).toEqual({ jobs: [] });
});
