/** Proves how the plan's limits show to a client: waiting for a slot, for a permit, and taking an order back. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Story, type StoryOptions, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => story?.close());

const begin = async (options: StoryOptions): Promise<Story> => {
  story = await startStory({ preview: 'off', ...options });
  return story;
};
const submissions = (of: Story): number => of.wire.requests().filter(({ target }) => target === 'submit').length;

describe('one job at a time', () => {
  const FREE: StoryOptions = { sandbox: { plan: 'free' }, settings: { plan: 'free' } };

  it('lets the second order wait for its slot, which is reported as progress', async () => {
    const { call } = await begin(FREE);
    const messages: (string | undefined)[] = [];
    // Whichever of the two comes second.
    const onProgress = ({ message }: { message?: string | undefined }) => messages.push(message);
    const [first, second] = await Promise.all([
      call('generate_image', { prompt: 'one' }, { onProgress }),
      call('generate_image', { prompt: 'two' }, { onProgress }),
    ]);
    for (const answer of [first, second]) expect(answer.structuredContent).toMatchObject({ status: 'completed' });
    expect(messages.some((message) => /^waiting for a free slot, about \d+ s$/.test(message ?? ''))).toBe(true);
    // The service was never asked for a slot that it would have refused.
    expect(submissions(story as Story)).toBe(2);
  });

  it('hands a job back that is still waiting, and get_job_status waits on', async () => {
    const { call } = await begin({ ...FREE, sandbox: { plan: 'free', jobDurationMs: 8_000 } });
    await call('generate_image', { prompt: 'one', wait_seconds: 0 });
    const waiting = await call('generate_image', { prompt: 'two', wait_seconds: 1 });
    expect(waiting.structuredContent).toMatchObject({ status: 'queued' });
    expect(waiting.isError).toBeUndefined();
    expect(textOf(waiting)).toContain('The order has not been sent yet');
    const job_id = waiting.structuredContent?.job_id;
    const answer = await call('get_job_status', { job_id, wait_seconds: 60 });
    expect(answer.structuredContent).toMatchObject({ status: 'completed' });
  });

  it('takes an order back when its call is cancelled while it waits: nothing is sent or spent', async () => {
    const { call, clock } = await begin({ ...FREE, sandbox: { plan: 'free', jobDurationMs: 8_000 } });
    await call('generate_image', { prompt: 'one', wait_seconds: 1 });
    const caller = new AbortController();
    const cancelled = call(
      'generate_image',
      { prompt: 'two' },
      { signal: caller.signal, onProgress: ({ message }) => message?.startsWith('waiting for') && caller.abort() },
    );
    await expect(cancelled).rejects.toThrow();
    const failed = async (): Promise<unknown[]> =>
      (await call('list_jobs', { status: 'failed' })).structuredContent?.jobs as unknown[];
    await clock.until(async () => (await failed()).length > 0);
    expect((await failed())[0]).toMatchObject({
      prompt: 'two',
      error: {
        kind: 'rate_limited',
        credits_spent: 'no',
        message: expect.stringContaining('never sent, because its call was cancelled'),
      },
    });
    expect(submissions(story as Story)).toBe(1);
    const limits = await call('check_rate_limits');
    expect(limits.structuredContent).toMatchObject({ daily: { used: 1 } });
  });

  it('counts slots and jobs of the day in check_rate_limits', async () => {
    const { call } = await begin({ ...FREE, sandbox: { plan: 'free', jobDurationMs: 20_000 } });
    await call('generate_image', { prompt: 'one', wait_seconds: 1 });
    const { structuredContent } = await call('check_rate_limits');
    expect(structuredContent).toMatchObject({
      plan: 'free',
      concurrent: { limit: 1, in_use: 1 },
      daily: { limit: 100, used: 1 },
    });
    expect((structuredContent as { requests: { remaining: number } }).requests.remaining).toBeLessThan(10);
  });
});

describe('how many more pictures can be ordered', () => {
  const canOrder = async (): Promise<unknown> =>
    (await (story as Story).call('check_rate_limits')).structuredContent?.can_order;

  it('is what is left of the budget, and exactly that many are ordered', async () => {
    const { call } = await begin({ settings: { maxCreditsPerDay: 130, confirmAboveCredits: 200 } });
    expect(await canOrder()).toEqual({ standard: 6, large: 2, limited_by: 'budget_per_day' });
    await call('generate_images', { images: [{ prompt: 'one' }, { prompt: 'two' }], wait_seconds: 60 });
    const { standard } = (await canOrder()) as { standard: number };
    const images = Array.from({ length: standard + 1 }, (_, n) => ({ prompt: `picture ${n}` }));
    const refused = await call('generate_images', { images });
    expect(refused.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    const ordered = await call('generate_images', { images: images.slice(1), wait_seconds: 120 });
    expect(ordered.structuredContent).toMatchObject({ completed: standard });
  });

  it('is none after the service has refused an order for lack of credits', async () => {
    const { call } = await begin({ sandbox: { credits: 0 } });
    const refused = await call('generate_image', { prompt: 'a fox' });
    expect(refused.structuredContent).toMatchObject({ error: { kind: 'no_credits' } });
    const answer = await call('check_rate_limits');
    expect(answer.structuredContent).toMatchObject({
      can_order: { standard: 0, large: 0, limited_by: 'last_known_balance' },
      credits: { last_known_balance: 0, low: true },
    });
    expect(textOf(answer)).toContain('Next: No picture can be ordered now');
    expect(textOf(answer)).not.toContain('can still be ordered');
  });
});

describe('requests of a minute', () => {
  it('are never more than the plan allows, and the wait is reported', async () => {
    const { call } = await begin({ sandbox: { plan: 'free', jobDurationMs: 100 }, settings: { plan: 'free' } });
    const messages: (string | undefined)[] = [];
    const onProgress = ({ message }: { message?: string | undefined }) => messages.push(message);
    for (let asked = 1; asked <= 9; asked += 1) await askElsewhere(story as Story);
    await call('check_rate_limits', { refresh: true });
    for (let picture = 1; picture <= 4; picture += 1) {
      const args = { prompt: `picture ${picture}`, wait_seconds: 120 };
      const answer = await call('generate_image', args, { onProgress });
      expect(answer.structuredContent).toMatchObject({ status: 'completed' });
    }
    expect(messages.some((message) => /^waiting until the rate limit allows/.test(message ?? ''))).toBe(true);
    // No answer of the service was a refusal: every request was one that it allows.
    expect(story?.logLines.filter((line) => line.includes('rateLimited'))).toEqual([]);
  });

  it('are reported again by check_rate_limits with refresh, at the price of one request', async () => {
    const { call, wire } = await begin({});
    const known = await call('check_rate_limits');
    expect(known.structuredContent).toMatchObject({ plan: 'free', plan_known: false, requests: { source: 'plan' } });
    expect(wire.requests()).toHaveLength(0);
    const fresh = await call('check_rate_limits', { refresh: true });
    expect(fresh.structuredContent).toMatchObject({
      plan: 'pro',
      plan_known: true,
      requests: { source: 'headers', limit: 60, remaining: 59 },
    });
    expect(wire.requests()).toHaveLength(1);
  });

  it('are none during a pause that the service has asked for, which is what is advised then', async () => {
    const { call, wire } = await begin({});
    wire.script([{ status: 429, headers: { 'retry-after': '600' }, body: '{"errors":[{"message":"No."}]}' }]);
    const refused = await call('generate_image', { prompt: 'a fox' });
    expect(refused.structuredContent).toMatchObject({ error: { kind: 'rate_limited', credits_spent: 'no' } });
    const { structuredContent } = await call('check_rate_limits');
    expect(structuredContent).toMatchObject({
      requests: { remaining: 0 },
      advice: expect.stringMatching(/^Wait until \d{4}-.* before you send another request\.$/u),
    });
  });

  it('cannot be refreshed with a wrong key, which is said', async () => {
    const { call } = await begin({ settings: { apiKey: 'sk-a-wrong-key' } });
    const answer = await call('check_rate_limits', { refresh: true });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain('The service refused the API key');
    expect(textOf(answer)).toContain('No credits were spent.');
  });
});

/** Somebody else uses the same key. */
async function askElsewhere({ sandbox }: Story): Promise<void> {
  const answer = await fetch(`${sandbox.url}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${sandbox.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  await answer.arrayBuffer();
}
