/** The service tells when a picture is ready: it is looked at once more and then, and nothing else is believed. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioName } from '../../sandbox/sandbox.ts';
import { SIGNATURE_HEADER, signWebhook } from '../../sandbox/webhooks.ts';
import type { FaultTarget } from '../support/fault-server.ts';
import { type Answer, type Story, type StoryOptions, startStory, textOf } from '../support/start-client.ts';

let story: Story;
afterEach(() => story.close());

const ORDER = { prompt: 'A kite over the dunes', width: 256, height: 256, wait_seconds: 120 };
/** Of the story's clock: some four polls long, and far shorter than the wait of those who expect an event. */
const JOB_MS = 12_000;

type Options = Omit<StoryOptions, 'sandbox'> & { jobDurationMs?: number };

async function start(scenario: ScenarioName | undefined, options: Options = {}): Promise<void> {
  const { jobDurationMs = JOB_MS, ...rest } = options;
  const scenarios = scenario === undefined ? [] : [scenario];
  story = await startStory({ preview: 'off', webhooks: true, sandbox: { jobDurationMs, scenarios }, ...rest });
}

const sent = (target: FaultTarget): number => story.wire.requests().filter((one) => one.target === target).length;

/** Orders a picture; how often the service was asked for it. */
async function order(prompt: string): Promise<{ answer: Answer; polls: number }> {
  const before = sent('status');
  const answer = await story.call('generate_image', { ...ORDER, prompt });
  expect(answer.structuredContent, textOf(answer)).toMatchObject({ status: 'completed', prompt });
  return { answer, polls: sent('status') - before };
}

/** A job that the service has taken and not ended. */
async function openOrder(prompt: string): Promise<{ id: string; doitongId: string }> {
  let answer = await story.call('generate_image', { ...ORDER, prompt, wait_seconds: 1 });
  const id = String(answer.structuredContent?.job_id);
  while (answer.structuredContent?.doitong_id === undefined)
    answer = await story.call('get_job_status', { job_id: id, wait_seconds: 1 });
  expect(answer.structuredContent.status).toBe('processing');
  return { id, doitongId: String(answer.structuredContent.doitong_id) };
}

/** The statuses that the service got for its webhooks. */
async function delivered(count: number): Promise<number[]> {
  const webhooks = () => story.sandbox.inspect().webhooks;
  await story.clock.until(() => webhooks().length >= count);
  return webhooks().map(({ httpStatus }) => httpStatus);
}

async function post(body: object, secret = story.sandbox.webhookSecret): Promise<number> {
  const text = JSON.stringify(body);
  const headers = { [SIGNATURE_HEADER]: signWebhook(text, secret), connection: 'close' };
  const answer = await story.clock.during(fetch(String(story.webhookUrl), { method: 'POST', body: text, headers }));
  await answer.arrayBuffer();
  return answer.status;
}

async function waitForPicture(id: string): Promise<Record<string, unknown>> {
  const { structuredContent = {} } = await story.call('get_job_status', { job_id: id, wait_seconds: 120 });
  expect(structuredContent.status).toBe('completed');
  return structuredContent;
}

describe('with webhooks', () => {
  it.each([
    ['on disk, shared by processes', { sandboxed: false }],
    ['in memory', { sandboxed: true }],
  ])('a picture is looked for once instead of many times; marks %s', async (_, options) => {
    // Long enough for several polls, which wait for no discovery, and shorter than the wait of those who expect an event.
    const jobQuery = { field: 'checkJobStatus', argument: 'jobId' };
    await start('webhooks', { ...options, jobDurationMs: 25_000, settings: { dialect: 'generate', jobQuery } });
    const first = await order('the first, of which nobody knew that it would be told');
    expect(await delivered(1)).toEqual([200]);
    const [second, third] = [await order('the second'), await order('the third')];
    expect(first.polls).toBeGreaterThan(1);
    expect([second.polls, third.polls]).toEqual([1, 1]);
    const state = story.sandbox.inspect();
    expect(state.webhooks.map(({ httpStatus, url }) => [httpStatus, url])).toEqual(
      [1, 2, 3].map(() => [200, story.webhookUrl]),
    );
    expect(state.charges).toHaveLength(3);
    expect(sent('picture')).toBe(3);
  });

  it('nobody listens before the first order', async () => {
    await start('webhooks');
    await story.call('check_rate_limits');
    await expect(post({ id: 'dt_1' })).rejects.toThrow();
    await order('the first');
    expect(await post({ id: 'dt_1' })).toBe(200);
  });

  it('that come late change nothing any more', async () => {
    await start('webhooks-late');
    const { answer } = await order('a kite');
    const before = [sent('status'), sent('picture')];
    expect(await delivered(1)).toEqual([200]);
    await story.clock.pass(1_000);
    expect([sent('status'), sent('picture')]).toEqual(before);
    expect(await waitForPicture(String(answer.structuredContent?.job_id))).toMatchObject({
      file: answer.structuredContent?.file,
      completed_at: answer.structuredContent?.completed_at,
    });
    expect(story.sandbox.inspect().charges).toHaveLength(1);
  });

  it('that come twice are used once', async () => {
    await start('webhooks-twice', { sandboxed: false });
    await order('the first');
    expect(await delivered(2)).toEqual([200, 200]);
    expect((await order('the second')).polls).toBe(1);
    expect(await delivered(4)).toEqual([200, 200, 200, 200]);
    await story.clock.pass(1_000);
    expect([sent('picture'), story.sandbox.inspect().charges.length]).toEqual([2, 2]);
  });

  it('that find nobody cost a late look and no picture', async () => {
    await start('webhooks', { sandboxed: false, jobDurationMs: 20_000 });
    await order('the first');
    expect(await delivered(1)).toEqual([200]);
    const { id } = await openOrder('the second');
    // Who only looks after orders of before does not listen.
    await story.restart();
    const before = sent('status');
    await waitForPicture(id);
    expect(await delivered(2)).toEqual([200, 0]);
    expect(sent('status') - before).toBe(2);
    expect(story.sandbox.inspect().charges).toHaveLength(2);
  });
});

describe('what is not signed by the service', () => {
  it('is refused, and pictures come by polling', async () => {
    await start('webhooks-forged', { sandboxed: false });
    const answers = [await order('the first'), await order('the second')];
    expect(await delivered(2)).toEqual([401, 401]);
    for (const { answer, polls } of answers) {
      expect(polls).toBeGreaterThan(1);
      expect(JSON.stringify(answer)).not.toContain('forged');
    }
    expect(story.logLines.filter((line) => line.includes('X-Doitong-Signature'))).toHaveLength(2);
    expect(story.logLines.join('\n')).not.toContain('forged.example');
  });

  it('changes nothing about a job under way, whatever it says of it', async () => {
    await start(undefined, { jobDurationMs: 40_000 });
    const { id, doitongId } = await openOrder('a kite');
    const lie = { id: doitongId, status: 'completed', url: `${story.wire.url}/outputs/lie.jpg` };
    expect(await post(lie, 'another secret')).toBe(401);
    await story.clock.pass(1_000);
    expect((await story.call('get_job_status', { job_id: id })).structuredContent?.status).toBe('processing');
    const done = await waitForPicture(id);
    expect(done.url).not.toBe(lie.url);
    expect(story.wire.requests().map(({ path }) => path)).not.toContain('/outputs/lie.jpg');
  });
});

describe('what is signed by the service', () => {
  it('is a hint and no more: neither its status nor its url is used', async () => {
    await start(undefined, { jobDurationMs: 40_000 });
    const { id, doitongId } = await openOrder('a kite');
    const before = sent('status');
    const lie = { id: doitongId, status: 'completed', url: `${story.wire.url}/outputs/lie.jpg` };
    expect(await post(lie)).toBe(200);
    expect(await post({ ...lie, status: 'failed' })).toBe(200);
    await story.clock.until(() => sent('status') > before);
    expect((await story.call('get_job_status', { job_id: id })).structuredContent?.status).toBe('processing');
    const done = await waitForPicture(id);
    expect(done.url).toBe(`${story.wire.url}/outputs/${doitongId}.jpg`);
    expect(story.wire.requests().map(({ path }) => path)).not.toContain('/outputs/lie.jpg');
  });

  it('about jobs that are not on record here is ignored', async () => {
    await start(undefined);
    const { answer } = await order('a kite');
    const before = story.wire.requests().length;
    for (const id of ['nobody', String(answer.structuredContent?.job_id), '../../etc/passwd'])
      expect(await post({ id, status: 'completed', url: `${story.wire.url}/outputs/lie.jpg` })).toBe(200);
    await story.clock.pass(1_000);
    expect(story.wire.requests()).toHaveLength(before);
  });
});

describe('the address of the setting', () => {
  const SET = 'https://hooks.example.org/doitong';

  it('goes with every order', async () => {
    await start('webhooks', { webhooks: false, settings: { webhookUrl: SET }, jobDurationMs: 0 });
    await order('as set');
    await delivered(1);
    expect(story.sandbox.inspect().webhooks.map(({ url }) => url)).toEqual([SET]);
  });

  it.each<[string, string, (args: Record<string, unknown>) => Record<string, unknown>]>([
    ['generate_image', '', (args) => ({ ...ORDER, ...args })],
    ['generate_images', '', (args) => ({ images: [{ prompt: ORDER.prompt }], ...args })],
    ['generate_images', ', nor of one of its pictures', (args) => ({ images: [{ prompt: ORDER.prompt, ...args }] })],
  ])('is no argument of %s%s: the setting is named, and nothing is sent', async (tool, _, argumentsWith) => {
    await start(undefined, { webhooks: false, settings: { webhookUrl: SET } });
    const answer = await story.call(tool, argumentsWith({ webhook_url: `${SET}/mine` }));
    expect(answer).toMatchObject({ isError: true, structuredContent: { error: { kind: 'bad_input' } } });
    for (const part of ['"webhook_url" is not an argument', 'DOITONG_WEBHOOK_URL', 'No credits were spent.', 'Next: '])
      expect(textOf(answer)).toContain(part);
    expect(story.sandbox.inspect().requests).toEqual([]);
  });
});
