/** The API key is replaced while orders are open: they are named, not paid for again, and taken over on request. */
import { readFile } from 'node:fs/promises';
import { afterEach, expect, it } from 'vitest';
import { decodeJpeg } from '../support/jpeg.ts';
import { type Answer, ERAS, type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story;
afterEach(() => story.close());

const ORDER = { prompt: 'A clockwork owl', width: 256, height: 256 };
const NEW_KEY = 'dt_test_the_key_of_today';

const charges = () => story.sandbox.inspect().charges.length;
const generate = (more = {}): Promise<Answer> => story.call('generate_image', { ...ORDER, ...more });

async function rotate(): Promise<void> {
  story.wire.rotateKey(story.sandbox.key, NEW_KEY);
  await story.restart({ apiKey: NEW_KEY });
}

async function adopt() {
  const { otherKeys } = await story.jobs();
  return story.clock.during(otherKeys.adopt());
}

it.each(ERAS)('the picture of an order that the service has arrives once it is taken over: %s', async (era) => {
  story = await startStory({ era, sandboxed: false, sandbox: { jobDurationMs: 60_000 } });
  const id = String((await generate({ wait_seconds: 0 })).structuredContent?.job_id);
  await story.clock.until(async () => charges() === 1);
  await rotate();

  const list = await story.call('list_jobs');
  expect(list.structuredContent).toMatchObject({ jobs: [], note: expect.stringContaining(id) });
  expect(textOf(list)).toContain(String(list.structuredContent?.note));
  const asked = await story.call('get_job_status', { job_id: id });
  expect(asked.isError).toBe(true);
  expect(textOf(asked)).toContain(`there is no job "${id}" on record for this service and key.`);
  expect(textOf(asked)).toContain(String(list.structuredContent?.note));
  const refused = await generate();
  expect(refused.isError).toBe(true);
  expect(textOf(refused)).toContain(`unfinished and may be charged: ${id} (`);
  expect(textOf(refused)).toContain('So nothing was ordered now. No credits were spent.');
  expect(textOf(refused)).toMatch(/Next: Ask the user to run "flux-pro-mcp jobs adopt" .+ allow_duplicate true/u);

  expect(await adopt()).toMatchObject({ adopted: [{ id }], busy: [] });
  const done = await generate({ wait_seconds: 200 });
  expect(done.structuredContent).toMatchObject({ job_id: id, status: 'completed', duplicate: true });
  await decodeJpeg(await readFile(String(done.structuredContent?.file)));
  expect(charges()).toBe(1);
  expect((await story.call('list_jobs')).structuredContent?.note).toBeUndefined();
});

it('an order whose answer was lost is not sent again under the new key, whoever asks for it', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 1_000 } });
  story.wire.script(['drop-after', 'drop-after', 'drop-after']);
  const id = String((await generate({ wait_seconds: 9 })).structuredContent?.job_id);
  await rotate();
  await adopt();
  const submits = () => story.wire.requests().filter(({ target }) => target === 'submit').length;
  const before = submits();
  const answer = await generate();
  expect(answer.structuredContent).toMatchObject({ job_id: id, status: 'unknown', error: { credits_spent: 'maybe' } });
  expect(textOf(answer)).toMatch(
    /was sent with another API key, .+\nNext: Ask the user to check the account at Doitong\./su,
  );
  await story.call('get_job_status', { job_id: id, wait_seconds: 60 });
  await story.clock.during((await story.jobs()).resumeAll());
  expect(submits()).toBe(before);
  expect(charges()).toBe(1);

  await generate({ allow_duplicate: true });
  expect(charges()).toBe(2);
});

it('the old key is given back what it had, when the new one belongs to another account', async () => {
  story = await startStory({ sandboxed: false, sandbox: { jobDurationMs: 60_000 } });
  const id = String((await generate({ wait_seconds: 0 })).structuredContent?.job_id);
  await story.clock.until(async () => charges() === 1);
  await story.restart({ apiKey: NEW_KEY });
  await adopt();
  await story.restart({});
  expect((await story.call('list_jobs')).structuredContent).toMatchObject({ note: expect.stringContaining(id) });
  await adopt();
  const done = await story.call('get_job_status', { job_id: id, wait_seconds: 200 });
  expect(done.structuredContent).toMatchObject({ job_id: id, status: 'completed' });
  expect(charges()).toBe(1);
});
