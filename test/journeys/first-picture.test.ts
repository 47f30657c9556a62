/** The main job: an agent of any protocol era asks for a picture and gets it. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import { ERAS, type ProgressStep, type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const PROMPT = 'A red fox in fresh snow at dusk, photograph';

describe.each(ERAS)('with a client of era %s', (era) => {
  it('orders, shows progress, saves and returns the picture', async () => {
    // A host that takes the whole picture, and the data.
    story = await startStory({ era, clientName: 'claude-ai' });
    const steps: ProgressStep[] = [];
    const answer = await story.call(
      'generate_image',
      { prompt: PROMPT, width: 512, height: 256 },
      { onProgress: (step) => steps.push(step) },
    );
    expect(answer.isError ?? false).toBe(false);

    const job = answer.structuredContent ?? {};
    expect(job).toMatchObject({ status: 'completed', prompt: PROMPT, width: 512, height: 256, sandbox: true });
    const picture = await decodeJpeg(await readFile(String(job.file)));
    expect([picture.width, picture.height]).toEqual([512, 256]);
    expect(String(job.file).startsWith(story.outputDir)).toBe(true);

    const image = answer.content.find((part) => part.type === 'image');
    expect(Buffer.from(image?.data ?? '', 'base64').equals(await readFile(String(job.file)))).toBe(true);
    const text = textOf(answer);
    for (const fact of [job.file, job.url, job.job_id, job.doitong_id, PROMPT, 'Next:', 'sandbox'])
      expect(text).toContain(String(fact));

    const values = steps.map((step) => step.progress);
    expect(values.length).toBeGreaterThanOrEqual(2);
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    expect(Math.max(...values)).toBeLessThan(1);
    for (const step of steps) expect(step.message).toMatch(/so far/);

    const state = story.sandbox.inspect();
    expect(state.charges).toHaveLength(1);
    expect(state.jobs[0]?.creditCost).toBe((job.credits as { exact: number }).exact);
  });

  it('gives the link as a resource that can be read, listed and found by its template', async () => {
    const resultContent = ['text', 'image', 'link', 'structured'] as const;
    story = await startStory({ era, resultContent, sandbox: { jobDurationMs: 0 } });
    const answer = await story.call('generate_image', { prompt: PROMPT, width: 256, height: 256 });
    const job = answer.structuredContent ?? {};
    const link = answer.content.find((part) => part.type === 'resource_link');
    expect(link?.uri).toBe(`flux://images/${job.job_id}`);
    const read = await story.readResource(String(link?.uri));
    expect(read.contents[0]?.mimeType).toBe('image/jpeg');
    expect(Buffer.from(read.contents[0]?.blob ?? '', 'base64').equals(await readFile(String(job.file)))).toBe(true);
  });

  it('speaks the era that it was asked for', async () => {
    story = await startStory({ era });
    expect(story.protocol()).toBe(era === '2026' ? '2026-07-28' : '2025-11-25');
    expect(story.instructions()).toContain('get_job_status');
    expect(story.startedApps()).toBe(0);
  });
});
