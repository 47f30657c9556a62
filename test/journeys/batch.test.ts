/** Several pictures of one call: in order, each with its own fate, found again by the same call, never paid twice. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import {
  type Answer,
  ERAS,
  type ProgressStep,
  type Story,
  type StoryOptions,
  startStory,
  textOf,
} from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

async function begin(options: StoryOptions = {}): Promise<Story> {
  story = await startStory({ ...options, sandbox: { jobDurationMs: 3_000, ...options.sandbox } });
  return story;
}

type Batch = {
  batch_id?: string;
  jobs: {
    job_id: string;
    batch_id?: string;
    number?: number;
    status: string;
    prompt: string;
    file?: string;
    duplicate?: boolean;
    error?: { kind: string };
  }[];
  completed: number;
  failed: number;
  pending: number;
  next: string;
};
const batchOf = (answer: Answer): Batch => answer.structuredContent as Batch;
const image = (prompt: string, more: Record<string, unknown> = {}) => ({ prompt, width: 256, height: 256, ...more });
const charges = (): number => story?.sandbox.inspect().charges.length ?? -1;

describe.each(ERAS)('with a client of era %s', (era) => {
  it('orders all, tells how far they are, and brings them in order', async () => {
    const { call } = await begin({ era });
    const steps: ProgressStep[] = [];
    const images = ['one', 'two', 'three', 'four'].map((prompt) => image(prompt));
    const answer = await call(
      'generate_images',
      { images, wait_seconds: 120 },
      { onProgress: (step) => steps.push(step) },
    );
    expect(answer.isError ?? false).toBe(false);
    const batch = batchOf(answer);
    expect(batch).toMatchObject({ completed: 4, failed: 0, pending: 0 });
    expect(batch.jobs.map(({ prompt }) => prompt)).toEqual(['one', 'two', 'three', 'four']);
    expect(batch.jobs.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(new Set(batch.jobs.map(({ batch_id }) => batch_id))).toEqual(new Set([batch.batch_id]));
    expect(batch.batch_id).toBe(batch.jobs[0]?.job_id);
    const listed = (await call('list_jobs')).structuredContent as Batch;
    expect(listed.jobs.map(({ prompt }) => prompt)).toEqual(['one', 'two', 'three', 'four']);
    expect(listed.jobs.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(listed.jobs.map(({ batch_id }) => batch_id)).toEqual(batch.jobs.map(({ batch_id }) => batch_id));
    for (const { file } of batch.jobs) expect((await decodeJpeg(await readFile(String(file)))).width).toBe(256);
    // Four of them would be too small to judge on an unknown host: one sheet shows them all.
    const [sheet, ...others] = answer.content.flatMap((part) => (part.type === 'image' ? [part] : []));
    expect(others).toEqual([]);
    const { width, height } = await decodeJpeg(Buffer.from(sheet?.data ?? '', 'base64'));
    expect(width).toBe(height);
    const text = textOf(answer);
    expect(text).toContain(
      'The picture in this answer is a contact sheet of the finished pictures, numbered as above;',
    );
    expect(text).toMatch(/^4 of 4 pictures are finished\.\n1\. completed, "one", 256 × 256, \d+ credits, job job_/);
    expect(text).toMatch(/\nNext: Show the saved pictures/);
    const values = steps.map(({ progress }) => progress);
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    expect(values.at(-1)).toBeLessThan(1);
    for (const { message } of steps) expect(message).toMatch(/^[0-3] of 4, about \d+ s left$/);
    expect(charges()).toBe(4);
  });
});

it('is listed by its numbers, newest call first, through all pages', async () => {
  const { call } = await begin({ settings: { plan: 'pro' } });
  const three = (name: string) => ['one', 'two', 'three'].map((prompt) => image(`${name} ${prompt}`));
  await call('generate_images', { images: three('old') });
  await call('generate_image', image('single'));
  await call('generate_images', { images: three('new') });
  const listed: string[] = [];
  for (let cursor: unknown; ; ) {
    const { jobs, next_cursor } = (await call('list_jobs', { limit: 2, ...(cursor ? { cursor } : {}) }))
      .structuredContent as Batch & { next_cursor?: string };
    listed.push(...jobs.map(({ prompt, number }) => `${prompt}, ${number}`));
    cursor = next_cursor;
    if (cursor === undefined) break;
  }
  const numbered = (name: string) => three(name).map(({ prompt }, at) => `${prompt}, ${at + 1}`);
  expect(listed).toEqual([...numbered('new'), 'single, undefined', ...numbered('old')]);
  const found = (await call('list_jobs', { query: 'TWO old', since: '2020-01-01' })).structuredContent as Batch;
  expect(found.jobs.map(({ prompt }) => prompt)).toEqual(['old two']);
});

it('one that fails is told alone, and stops no other', async () => {
  const { call } = await begin();
  const images = [image('one'), image('two sandbox:fail'), image('three')];
  const answer = await call('generate_images', { images, wait_seconds: 120 });
  expect(batchOf(answer)).toMatchObject({ completed: 2, failed: 1, pending: 0 });
  expect(batchOf(answer).jobs[1]).toMatchObject({ status: 'failed', error: { kind: 'generation_failed' } });
  expect(answer.isError ?? false).toBe(false);
  expect(textOf(answer)).toMatch(/^2 of 3 pictures are finished, 1 failed\./);
  expect(textOf(answer)).toMatch(/Next: .*a new, paid order\.$/m);
});

it('is an error only when every picture failed', async () => {
  const { call } = await begin();
  const answer = await call('generate_images', {
    images: [image('sandbox:fail'), image('sandbox:moderated')],
    wait_seconds: 60,
  });
  expect(answer.isError).toBe(true);
  expect(textOf(answer)).toMatch(/^0 of 2 pictures are finished, 2 failed\./);
});

it('hands all jobs back when the time is over; the same call finds each of them and pays for nothing', async () => {
  const { call, sandbox } = await begin({ sandbox: { jobDurationMs: 20_000 } });
  const args = { images: [image('fox'), image('fox'), image('hare')], wait_seconds: 1 };
  const first = batchOf(await call('generate_images', args));
  expect(first).toMatchObject({ completed: 0, failed: 0, pending: 3 });
  expect(new Set(first.jobs.map(({ job_id }) => job_id)).size).toBe(3);
  expect(first.next).toMatch(
    /^Call get_job_status with the job_ids of the pictures that are unfinished or being saved/,
  );
  const again = await call('generate_images', { ...args, wait_seconds: 120 });
  expect(batchOf(again)).toMatchObject({ completed: 3, pending: 0 });
  expect(batchOf(again).jobs.map(({ job_id, duplicate }) => [job_id, duplicate])).toEqual(
    first.jobs.map(({ job_id }) => [job_id, true]),
  );
  expect(batchOf(again).batch_id).toBe(first.batch_id);
  expect(textOf(again)).toContain('ordered before; not paid again');
  expect(charges()).toBe(3);
  expect(sandbox.inspect().submissions).toBe(3);
});

it('is found again after a restart amid the batch', async () => {
  const { call, restart } = await begin({ sandboxed: false, sandbox: { plan: 'starter', jobDurationMs: 8_000 } });
  const args = { images: ['1', '2', '3', '4', '5'].map((prompt) => image(prompt)), wait_seconds: 4 };
  const first = batchOf(await call('generate_images', args));
  expect(first.pending).toBeGreaterThan(0);
  await restart();
  const again = batchOf(await call('generate_images', { ...args, wait_seconds: 300 }));
  expect(again).toMatchObject({ completed: 5, failed: 0 });
  expect(charges()).toBe(5);
});

describe('the price', () => {
  it('over the budget refuses the call as a whole, before anything is sent', async () => {
    const { call, wire } = await begin({ settings: { maxCreditsPerDay: 50 } });
    const answer = await call('generate_images', { images: ['1', '2', '3'].map((prompt) => image(prompt)) });
    expect(answer.isError).toBe(true);
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(textOf(answer)).toContain('These 3 pictures may cost up to 60 credits');
    expect(wire.requests()).toHaveLength(0);
  });

  it('above the threshold is confirmed by repeating the call with it', async () => {
    const { call } = await begin({ settings: { confirmAboveCredits: 40 } });
    const images = ['1', '2', '3'].map((prompt) => image(prompt));
    const refused = await call('generate_images', { images });
    expect(refused.structuredContent).toMatchObject({ error: { kind: 'not_confirmed' } });
    expect(textOf(refused)).toContain('call generate_images again with the same arguments and max_credits 60');
    expect(charges()).toBe(0);
    expect(batchOf(await call('generate_images', { images, max_credits: 60, wait_seconds: 60 })).completed).toBe(3);
  });

  it('is put to the user where the host can ask, once for all', async () => {
    const questions: string[] = [];
    const { call } = await begin({
      settings: { confirmAboveCredits: 40 },
      onQuestion: ({ message }) => {
        questions.push(message);
        return { action: 'accept', content: { confirm: true } };
      },
    });
    const images = ['1', '2', '3'].map((prompt) => image(prompt));
    expect(batchOf(await call('generate_images', { images, wait_seconds: 60 })).completed).toBe(3);
    // The repeated call orders nothing, so that there is nothing to ask.
    await call('generate_images', { images });
    expect(questions).toEqual([
      'Order 3 pictures (256 × 256 pixels) from Flux Pro for 30 to 60 credits? Prompts: "1", "2", "3". ' +
        "1,000 of today's 1,000 credits are left. This is the sandbox: no real credits are spent.",
    ]);
  });

  it('of all pictures together stays within max_credits', async () => {
    const { call } = await begin();
    const answer = await call('generate_images', { images: [image('1'), image('2')], max_credits: 39 });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget' } });
    expect(textOf(answer)).toContain('more than max_credits (39)');
    expect(charges()).toBe(0);
  });
});

describe('what holds for all pictures', () => {
  const ordered = () => story?.sandbox.inspect().jobs.map(({ prompt }) => prompt);

  it('is given once: the style joins each prompt, and the records keep what was sent', async () => {
    const { call } = await begin();
    const images = [image('A red fox. '), image('A hare')];
    const shared = { style: ' flat icon, two colours ', version: 'flux-pro', quality: 'high', wait_seconds: 120 };
    const batch = batchOf(await call('generate_images', { images, ...shared }));
    const prompts = ['A red fox. flat icon, two colours', 'A hare, flat icon, two colours'];
    expect(batch).toMatchObject({ completed: 2, jobs: prompts.map((prompt) => ({ prompt, version: 'flux-pro' })) });
    expect(ordered()).toEqual(prompts);

    // A single call finds the entry: the order is equal when all that is sent is.
    const single = { ...image('A hare, flat icon, two colours'), version: 'flux-pro', quality: 'high' };
    const found = await call('generate_image', single);
    expect(found.structuredContent).toMatchObject({ job_id: batch.jobs[1]?.job_id, duplicate: true });
    expect(charges()).toBe(2);

    // Another style, version or quality makes other pictures; the waiting does not.
    const again = batchOf(await call('generate_images', { images, ...shared, wait_seconds: 60 }));
    expect(again.jobs.map(({ duplicate }) => duplicate)).toEqual([true, true]);
    for (const other of [{ style: 'photo' }, { version: 'flux-pro-1.1' }, { quality: undefined }])
      await call('generate_images', { images: images.slice(0, 1), ...shared, ...other });
    expect(charges()).toBe(5);
  });

  it('makes another picture of each with allow_duplicate', async () => {
    const { call } = await begin();
    const images = [image('one'), image('two')];
    await call('generate_images', { images, wait_seconds: 60 });
    await call('generate_images', { images, allow_duplicate: true, wait_seconds: 60 });
    expect(charges()).toBe(4);
  });

  it('is part of the bound of a prompt: the answer names both', async () => {
    const { call } = await begin();
    const images = [image('short'), image('x'.repeat(3_900))];
    const answer = await call('generate_images', { images, style: 'y'.repeat(100) });
    expect(textOf(answer)).toMatch(
      /^- images\[1\]\.prompt: "x+…" and style must be at most 4000 characters together; they have 4002, 3900 of them in the prompt$/mu,
    );
    expect(textOf(answer)).not.toContain('images[0]');
    expect(ordered()).toEqual([]);
    const fitting = { images: [image('x'.repeat(3_898), { file_name: 'x' })], style: 'y'.repeat(100) };
    expect(batchOf(await call('generate_images', { ...fitting, wait_seconds: 60 })).completed).toBe(1);
  });

  it('may be shapes as different as the entries say, next to sides that agree with them', async () => {
    const { call } = await begin();
    const images = [
      { prompt: 'wide', aspect_ratio: '16:9', width: 512, height: 288 },
      { prompt: 'square', aspect_ratio: '1:1', size: 'standard', width: 256, height: 256 },
    ];
    await call('generate_images', { images, wait_seconds: 60 });
    expect(story?.sandbox.inspect().jobs).toMatchObject([
      { width: 512, height: 288 },
      { width: 256, height: 256 },
    ]);
  });
});

it('a call that is cancelled takes back what has not been sent, and what was sent goes on', async () => {
  const { call, clock, sandbox } = await begin({
    sandbox: { plan: 'free', jobDurationMs: 30_000 },
    settings: { plan: 'free' },
  });
  const caller = new AbortController();
  const cancelled = call(
    'generate_images',
    { images: ['1', '2', '3'].map((prompt) => image(prompt)), wait_seconds: 60 },
    { signal: caller.signal, onProgress: () => void (charges() === 1 && caller.abort()) },
  );
  await expect(cancelled).rejects.toThrow();
  const failed = async (): Promise<unknown[]> =>
    (await call('list_jobs', { status: 'failed' })).structuredContent?.jobs as unknown[];
  await clock.until(async () => (await failed()).length === 2);
  expect(sandbox.inspect().charges).toHaveLength(1);
});

it('fifty small pictures are one call', async () => {
  // A host that takes the data of so many: others get the text and as many pictures as fit.
  const { call } = await begin({
    clientName: 'claude-ai',
    settings: { maxCreditsPerCall: 1_000, confirmAboveCredits: 1_000 },
    sandbox: { jobDurationMs: 2_000, credits: 2_000 },
  });
  const images = Array.from({ length: 50 }, (_, n) => image(`picture ${n}`));
  const answer = await call('generate_images', { images, wait_seconds: 300 });
  expect(batchOf(answer)).toMatchObject({ completed: 50, failed: 0, pending: 0 });
  expect(charges()).toBe(50);
  // No order was refused, and no look at a job: the call keeps the plan's limits by itself.
  expect(story?.logLines.filter((line) => /rateLimited|jobLimited/.test(line))).toEqual([]);
  expect(story?.sandbox.inspect().submissions).toBe(50);
});

it.each([
  ['that refuses documents with many jobs', 'small-queries'],
  ['that counts every job of a document', 'counts-fields'],
] as const)('a service %s delays nothing else', async (_, scenario) => {
  const { call, sandbox } = await begin({ sandbox: { scenarios: [scenario], jobDurationMs: 6_000 } });
  const images = Array.from({ length: 8 }, (_unused, n) => image(`picture ${n}`));
  expect(batchOf(await call('generate_images', { images, wait_seconds: 200, max_credits: 160 }))).toMatchObject({
    completed: 8,
  });
  expect(sandbox.inspect().charges).toHaveLength(8);
  expect(story?.logLines.filter((line) => /rateLimited/.test(line))).toEqual([]);
});

describe('bad input', () => {
  it.each([
    [{ images: [] }, 'images: [] must be a list of 1 to 50 entries'],
    [{}, 'images: is missing; it must be a list of 1 to 50 entries'],
    [
      { images: [image('a'), { prompt: 'b', width: 100 }] },
      'images[1].width: 100 must be a whole number from 256 to 2048, a multiple of 8',
    ],
    [
      { images: [{ prompt: 'a', size: 'large', width: 512 }] },
      'images[0].width: 512 must be left out when aspect_ratio or size is given',
    ],
    [{ images: [{ prompt: '' }] }, 'images[0].prompt: "" must say what the picture shows'],
    [
      { images: [{ prompt: 'a', wait_seconds: 5 }] },
      '"wait_seconds" is not an argument of an entry in images: give it once, next to images',
    ],
    [{ images: ['a fox'] }, 'images[0]: "a fox" must be an object with prompt, aspect_ratio'],
    [
      { images: [image('a')], prompt: 'b' },
      '"prompt" is not an argument of generate_images: give it in each entry of images',
    ],
  ])('%j is refused by name', async (args, problem) => {
    const { call } = await begin();
    const answer = await call('generate_images', args);
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain(problem);
    expect(textOf(answer)).toContain('nothing was sent');
    expect(charges()).toBe(0);
  });
});
