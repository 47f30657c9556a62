/** Time runs out before the picture is there: the job is handed back, and nothing is paid twice. */
import { afterEach, expect, it } from 'vitest';
import { ERAS, type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => {
  await story?.close();
  story = undefined;
});

const ORDER = { prompt: 'A paper boat on a pond', width: 256, height: 256 };

it('hands the job back when wait_seconds is over, and get_job_status ends it', async () => {
  // The order must have left by then, and the picture must not be there yet, however slow the machine is.
  story = await startStory({ sandbox: { jobDurationMs: 80_000 } });
  const early = await story.call('generate_image', { ...ORDER, wait_seconds: 20 });
  expect(early.isError ?? false).toBe(false);
  expect(early.structuredContent).toMatchObject({ status: 'processing' });
  const id = String(early.structuredContent?.job_id);
  expect(textOf(early)).toContain(`Call get_job_status with job_id "${id}"`);
  expect(textOf(early)).toContain('do not call generate_image again');

  const late = await story.call('get_job_status', { job_id: id, wait_seconds: 200 });
  expect(late.structuredContent).toMatchObject({ job_id: id, status: 'completed' });
  expect(late.content.some((part) => part.type === 'image')).toBe(true);
  expect(story.sandbox.inspect().charges).toHaveLength(1);
});

it('answers at once with wait_seconds 0, also by the id of the service', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 3_000 } });
  const order = await story.call('generate_image', { ...ORDER, wait_seconds: 0 });
  expect(['queued', 'submitting', 'processing']).toContain(order.structuredContent?.status);
  const id = String(order.structuredContent?.job_id);
  const done = await story.call('get_job_status', { job_id: id, wait_seconds: 60 });
  const again = await story.call('get_job_status', { job_id: String(done.structuredContent?.doitong_id) });
  expect(again.structuredContent).toMatchObject({ job_id: id, status: 'completed' });
});

it.each(ERAS)('a cancelled call ends the wait and not the job (%s)', async (era) => {
  story = await startStory({ era, sandbox: { jobDurationMs: 10_000 } });
  const cancel = new AbortController();
  const call = story.call('generate_image', ORDER, {
    signal: cancel.signal,
    onProgress: (step) => {
      if (/being made/.test(step.message ?? '')) cancel.abort('the user pressed stop');
    },
  });
  await expect(call).rejects.toThrow();
  const [job] = story.sandbox.inspect().jobs;
  const later = await story.call('get_job_status', { job_id: String(job?.id), wait_seconds: 60 });
  expect(later.structuredContent).toMatchObject({ status: 'completed' });
  expect(story.sandbox.inspect().charges).toHaveLength(1);
});

it('tells progress at least every three seconds of waiting', async () => {
  story = await startStory({ sandbox: { jobDurationMs: 30_000 } });
  const seconds: number[] = [];
  await story.call(
    'generate_image',
    { ...ORDER, wait_seconds: 20 },
    { onProgress: (step) => seconds.push(Number(/(\d+) s so far/.exec(step.message ?? '')?.[1])) },
  );
  const gaps = seconds.slice(1).map((second, index) => second - (seconds[index] ?? 0));
  expect(seconds.length).toBeGreaterThan(7);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
});
