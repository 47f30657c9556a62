/** The host gives a call up, and the picture is made all the same: it is found again, without a charge and without a search. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Answer, type Story, type StoryOptions, startStory, textOf } from '../support/start-client.ts';

const HOUR_MS = 60 * 60_000;
const MINUTE_MS = 60_000;

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const begin = async (options: StoryOptions = {}): Promise<Story> => {
  story = await startStory({ preview: 'off', sandbox: { plan: 'pro', jobDurationMs: 20_000 }, ...options });
  return story;
};
const FOX = { prompt: 'a fox in the snow' };
const charges = (): number => story?.sandbox.inspect().charges.length ?? 0;
const idOf = ({ structuredContent }: Answer): unknown => structuredContent?.job_id;
type Listed = { job_id: string; prompt: string; file: string };
const listed = async (): Promise<Listed[]> =>
  (await (story as Story).call('list_jobs')).structuredContent?.jobs as Listed[];
const WORDS = 'Earlier calls that were cancelled left orders that no answer has shown';

/** The host cancels the call after so long; the picture is made and saved, unless the server ends meanwhile. */
async function giveUp({ call, clock }: Story, args: Record<string, unknown> = FOX): Promise<void> {
  const host = new AbortController();
  const tool = 'images' in args ? 'generate_images' : 'generate_image';
  const given = expect(call(tool, args, { signal: host.signal })).rejects.toThrow();
  await clock.pass(3_000);
  host.abort();
  await given;
}

describe('a call that its host has given up', () => {
  it('finds its picture 23 hours later without a charge', async () => {
    const { call, clock } = await begin({ preview: 'auto' });
    await giveUp(story as Story);
    await clock.pass(23 * HOUR_MS);
    const again = await call('generate_image', FOX);
    expect(again.structuredContent).toMatchObject({ status: 'completed', duplicate: true });
    expect(again.content.some(({ type }) => type === 'image')).toBe(true);
    expect(charges()).toBe(1);
  });

  it('finds it just so when its server ended meanwhile, and the picture was saved by the next one', async () => {
    const { call, clock, restart } = await begin();
    await giveUp(story as Story);
    await restart();
    await clock.pass(MINUTE_MS);
    // Whatever the first call is about, it looks after what the earlier server has left.
    await call('check_rate_limits');
    await clock.pass(23 * HOUR_MS);
    const again = await call('generate_image', FOX);
    expect(again.structuredContent).toMatchObject({ status: 'completed', duplicate: true });
    expect(charges()).toBe(1);
  });

  it('finds it while the picture cannot be fetched for an hour, and pays nothing', async () => {
    const { call, clock, wire } = await begin();
    wire.script(
      Array.from({ length: 500 }, () => 'status-503' as const),
      'picture',
    );
    await giveUp(story as Story);
    await clock.pass(59 * MINUTE_MS);
    const during = await call('generate_image', { ...FOX, wait_seconds: 10 });
    expect(during.structuredContent).toMatchObject({
      status: 'completed',
      duplicate: true,
      error: { kind: 'download_failed', credits_spent: 'yes' },
    });
    expect(during.structuredContent).not.toHaveProperty('file');
    wire.heal('picture');
    // Nobody asks for it: it is fetched by itself, an hour after the last try at the latest.
    await clock.pass(61 * MINUTE_MS);
    const after = await call('generate_image', { ...FOX, wait_seconds: 0 });
    expect(after.structuredContent).toMatchObject({ duplicate: true, file: expect.stringContaining('.jpg') });
    expect(charges()).toBe(1);
  });
});

describe('an answer to another order', () => {
  it('names what was given up, once, with its id and file', async () => {
    const { call, clock } = await begin();
    await giveUp(story as Story);
    await clock.pass(MINUTE_MS);
    const first = await call('generate_image', { prompt: 'a red fox in snow' });
    const fox = (await listed()).find(({ prompt }) => prompt === FOX.prompt);
    expect(textOf(first)).toContain(`${WORDS}: ${fox?.job_id} ("a fox in the snow", ${fox?.file}).`);
    expect(first.structuredContent?.next).toContain(fox?.job_id);
    const second = await call('generate_image', { prompt: 'a blue fox' });
    expect(textOf(second)).not.toContain(WORDS);
  });

  it('names it in the next session as well, as long as no answer has shown it', async () => {
    const { call, clock, restart } = await begin();
    await giveUp(story as Story);
    await clock.pass(MINUTE_MS);
    await restart();
    await call('list_jobs');
    expect(textOf(await call('generate_image', { prompt: 'a red fox' }))).toContain(WORDS);
    await restart();
    const again = await call('generate_images', { images: [{ prompt: 'a blue fox' }] });
    expect(textOf(again)).toContain(WORDS);
    expect(again.structuredContent?.next).toContain(WORDS);
  });

  it.each(['get_job_status', 'generate_image'])('does not name it once %s has shown it', async (tool) => {
    const { call, clock } = await begin();
    await giveUp(story as Story);
    await clock.pass(MINUTE_MS);
    const [fox] = await listed();
    const shown = await call(tool, tool === 'generate_image' ? FOX : { job_id: fox?.job_id });
    expect(idOf(shown)).toBe(fox?.job_id);
    expect(textOf(shown)).not.toContain(WORDS);
    expect(textOf(await call('generate_image', { prompt: 'a red fox' }))).not.toContain(WORDS);
  });

  it('still names it when its status was asked for before it was finished', async () => {
    const { call, clock } = await begin();
    await giveUp(story as Story);
    const [fox] = await listed();
    const open = await call('get_job_status', { job_id: fox?.job_id });
    expect(open.structuredContent).toMatchObject({ status: 'processing' });
    await clock.pass(MINUTE_MS);
    expect(textOf(await call('generate_image', { prompt: 'a red fox' }))).toContain(WORDS);
  });

  it('names three at most, and none that is older than a day', async () => {
    const { call, clock, restart } = await begin();
    for (const prompt of ['one', 'two', 'three', 'four']) await giveUp(story as Story, { prompt });
    await clock.pass(MINUTE_MS);
    const named = textOf(await call('generate_image', { prompt: 'another' })).match(/\(".+?", \S+\.jpg\)/gu);
    expect(named).toHaveLength(3);
    await restart();
    await clock.pass(24 * HOUR_MS);
    expect(textOf(await call('generate_image', { prompt: 'late' }))).not.toContain(WORDS);
  });

  it('names none that was taken back unsent', async () => {
    const { call, clock } = await begin({ sandbox: { plan: 'free', jobDurationMs: 20_000 } });
    await giveUp(story as Story, { images: [{ prompt: 'one' }, { prompt: 'two' }] });
    await clock.pass(2 * MINUTE_MS);
    // The plan has one job at a time.
    expect(charges()).toBe(1);
    const text = textOf(await call('generate_image', { prompt: 'another', wait_seconds: 60 }));
    expect(text).toContain('("one", ');
    expect(text).not.toContain('("two", ');
  });
});
