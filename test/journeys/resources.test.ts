/** What a host can read next to the tools: jobs, pictures, limits and the guide, in every protocol era. */
import { afterEach, describe, expect, it } from 'vitest';
import { ERAS, type Story, startStory } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const SMALL = { width: 256, height: 256 };
const urisOf = async (from: Story, cursor?: string): Promise<string[]> =>
  (await from.listResources(cursor)).resources.map(({ uri }) => uri);

describe.each(ERAS)('resources (%s)', (era) => {
  it('are limits and guide at first, then jobs and their pictures, the newest first', async () => {
    story = await startStory({ era, sandbox: { jobDurationMs: 0 } });
    expect(await urisOf(story)).toEqual(['flux://limits', 'flux://guide/prompting']);
    const ids: unknown[] = [];
    for (const prompt of ['a kite', 'a lamp']) {
      const { structuredContent } = await story.call('generate_image', { prompt, ...SMALL });
      ids.unshift(structuredContent?.job_id);
    }
    expect(await urisOf(story)).toEqual([
      'flux://limits',
      'flux://guide/prompting',
      ...ids.flatMap((id) => [`flux://images/${id}`, `flux://jobs/${id}`]),
    ]);
    expect((await story.listTemplates()).map(({ uriTemplate }) => uriTemplate)).toEqual([
      'flux://images/{job_id}',
      'flux://jobs/{job_id}',
    ]);
  });

  it('are read as what they are', async () => {
    story = await startStory({ era, sandbox: { jobDurationMs: 0 } });
    const { structuredContent: job = {} } = await story.call('generate_image', { prompt: 'a kite', ...SMALL });
    const json = async (uri: string): Promise<unknown> => {
      const [contents] = (await (story as Story).readResource(uri)).contents;
      expect(contents?.mimeType).toBe('application/json');
      return JSON.parse(contents?.text ?? '');
    };
    expect(await json(`flux://jobs/${job.job_id}`)).toEqual(job);
    const limits = (await story.call('check_rate_limits')).structuredContent;
    expect(await json('flux://limits')).toMatchObject({ plan: limits?.plan, credits: limits?.credits });
    const [guide] = (await story.readResource('flux://guide/prompting')).contents;
    expect(guide).toMatchObject({ mimeType: 'text/markdown' });
    expect(guide?.text).toMatch(/lighting/i);
  });

  it.each([
    'flux://jobs/job_nobody',
    'flux://images/job_nobody',
    'flux://images/',
    'flux://images/../../etc/passwd',
    'flux://other',
    'file:///etc/passwd',
    'https://example.org/',
  ])('that are not there are refused: %s', async (uri) => {
    story = await startStory({ era });
    // The code of the eras before 2026-07-28; clients of the second SDK turn it into the later one.
    const code = era === 'v1' ? -32002 : -32602;
    await expect(story.readResource(uri)).rejects.toMatchObject({ code });
    await expect(story.listResources('no cursor')).rejects.toMatchObject({ code: -32602 });
  });

  it('of jobs notify subscribers of changes and of new jobs', async () => {
    story = await startStory({ era, sandbox: { jobDurationMs: 40_000 } });
    const first = await story.call('generate_image', { prompt: 'a kite', ...SMALL, wait_seconds: 0 });
    const uri = `flux://jobs/${first.structuredContent?.job_id}`;
    const news: string[] = [];
    await story.subscribe([uri], (what) => news.push(what));
    const other = await story.call('generate_image', { prompt: 'a lamp', ...SMALL, wait_seconds: 0 });
    await story.call('get_job_status', { job_id: String(first.structuredContent?.job_id), wait_seconds: 200 });
    await story.call('get_job_status', { job_id: String(other.structuredContent?.job_id), wait_seconds: 200 });
    await story.clock.until(() => news.includes(`changed ${uri}`) && news.includes('list'));
    expect(new Set(news)).toEqual(new Set([`changed ${uri}`, 'list']));

    await story.unsubscribe([uri]);
    await story.clock.pass(1_000);
    news.length = 0;
    await story.call('generate_image', { prompt: 'a third', ...SMALL });
    await story.clock.pass(10_000);
    expect(news).not.toContain(`changed ${uri}`);
  });

  it('complete the ids of jobs and of finished pictures', async () => {
    story = await startStory({ era, sandbox: { jobDurationMs: 60_000 } });
    const open = await story.call('generate_image', { prompt: 'a kite', ...SMALL, wait_seconds: 0 });
    const id = String(open.structuredContent?.job_id);
    const jobs = { type: 'ref/resource', uri: 'flux://jobs/{job_id}' } as const;
    const images = { type: 'ref/resource', uri: 'flux://images/{job_id}' } as const;
    expect(await story.complete(jobs, 'job_id', id.slice(0, 6))).toEqual([id]);
    expect(await story.complete(jobs, 'job_id', 'job_zzzz')).toEqual([]);
    expect(await story.complete(images, 'job_id', '')).toEqual([]);
    await story.call('get_job_status', { job_id: id, wait_seconds: 200 });
    expect(await story.complete(images, 'job_id', '')).toEqual([id]);
  });
});

it('are listed page by page, each job once, also while new ones come in', async () => {
  story = await startStory({
    sandbox: { jobDurationMs: 0, plan: 'enterprise' },
    settings: { plan: 'enterprise', maxCreditsPerDay: 100_000, maxCreditsPerCall: 100_000 },
  });
  const order = (count: number, prompt: string) =>
    (story as Story).call('generate_images', {
      images: Array.from({ length: count }, (_, n) => ({ prompt: `${prompt} ${n}`, ...SMALL })),
      max_credits: 2_000,
      wait_seconds: 120,
    });
  await order(50, 'first');
  await order(11, 'second');
  const first = await story.listResources();
  const jobsIn = ({ resources }: typeof first): number =>
    resources.filter(({ uri }) => uri.startsWith('flux://jobs/')).length;
  expect(jobsIn(first)).toBe(50);
  await order(3, 'third');
  const second = await story.listResources(first.nextCursor);
  expect(jobsIn(second)).toBe(11);
  expect(second.nextCursor).toBeUndefined();
  const uris = [...first.resources, ...second.resources].map(({ uri }) => uri);
  expect(new Set(uris).size).toBe(uris.length);
}, 60_000);

it('of an earlier process are listed and read before any tool was called', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 0 } });
  const { structuredContent: job = {} } = await story.call('generate_image', { prompt: 'a kite', ...SMALL });
  await story.restart();
  expect(await urisOf(story)).toContain(`flux://images/${job.job_id}`);
  expect((await story.readResource(`flux://images/${job.job_id}`)).contents[0]?.blob).toBeTruthy();
  expect(story.sandbox.inspect().submissions).toBe(1);
});

it('list nothing of a sandbox that has not begun, and do not begin it', async () => {
  story = await startStory();
  await urisOf(story);
  expect(story.startedApps()).toBe(0);
});

it('that stay are listed also where the key cannot be read', async () => {
  story = await startStory({
    sandboxed: false,
    settings: { apiKey: undefined, apiKeyFile: '/nowhere/key' },
  });
  expect(await urisOf(story)).toEqual(['flux://limits', 'flux://guide/prompting']);
  await expect(story.readResource('flux://limits')).rejects.toThrow(/key/);
});

it('have no secret from a prompt: such an order is refused and leaves no record', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 0 } });
  const { key } = story.sandbox;
  const answer = await story.call('generate_image', { prompt: `a kite ${key}`, ...SMALL });
  expect(answer.isError).toBe(true);
  const listed = JSON.stringify([answer, await story.listResources()]);
  expect(listed).not.toContain(key);
  expect(listed).not.toContain('flux://jobs/');
});
