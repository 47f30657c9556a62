/** Proves what guards the user's credits as a client sees it: questions, estimates, the budget, and repeated calls. */
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ERAS, type Question, type Story, type StoryOptions, startStory, textOf } from '../support/start-client.ts';

let story: Story | undefined;
afterEach(async () => story?.close());

/** Nobody looks at the pictures, but for one. */
const begin = async (options: StoryOptions): Promise<Story> => {
  story = await startStory({ preview: 'off', ...options });
  return story;
};
const HOUR_MS = 60 * 60_000;
const charges = (of: Story): number => of.sandbox.inspect().charges.length;
const EXPENSIVE = { settings: { confirmAboveCredits: 15 } };

describe.each(ERAS)('a call above the threshold, client of %s', (era) => {
  it('is put to the user, and goes on after a yes', async () => {
    const questions: Question[] = [];
    const { call } = await begin({
      era,
      ...EXPENSIVE,
      onQuestion: (question) => {
        questions.push(question);
        return { action: 'accept', content: { confirm: true } };
      },
    });
    const answer = await call('generate_image', { prompt: 'a costly fox' });
    expect(textOf(answer)).toContain('The picture is finished and saved.');
    expect(questions).toHaveLength(1);
    expect(questions[0]?.message).toContain('10 to 20 credits? Prompt: "a costly fox"');
    expect(charges(story as Story)).toBe(1);
  });

  it.each([
    ['declined', { action: 'decline' }, 'The user did not confirm.'],
    ['dismissed', { action: 'cancel' }, 'The question was not answered.'],
    [
      'accepted with the box left empty',
      { action: 'accept', content: { confirm: false } },
      'The user did not confirm.',
    ],
    ['accepted by a host that fills in nothing', { action: 'accept', content: {} }, 'The user did not confirm.'],
  ] as const)('is not made when the question is %s', async (_, reply, words) => {
    const { call, sandbox } = await begin({ era, ...EXPENSIVE, onQuestion: () => reply });
    const answer = await call('generate_image', { prompt: 'a costly fox' });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toContain(words);
    expect(textOf(answer)).toContain('No credits were spent.');
    expect(sandbox.inspect().submissions).toBe(0);
  });

  it('is answered with the quote where nobody can be asked, and accepted with max_credits', async () => {
    const { call, sandbox } = await begin({ era, ...EXPENSIVE });
    const fence = await call('generate_image', { prompt: 'a costly fox' });
    expect(fence.isError).toBe(true);
    expect(fence.structuredContent).toMatchObject({ error: { kind: 'not_confirmed', credits_spent: 'no' } });
    expect(textOf(fence)).toContain('10 to 20 credits');
    expect(textOf(fence)).toContain('max_credits 20');
    expect(sandbox.inspect().submissions).toBe(0);
    const less = await call('generate_image', { prompt: 'a costly fox', max_credits: 19 });
    expect(less.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    const answer = await call('generate_image', { prompt: 'a costly fox', max_credits: 20 });
    expect(textOf(answer)).toContain('The picture is finished and saved.');
  });
});

describe('a host that can ask', () => {
  const LIMIT = { settings: { confirmAboveCredits: 12 } };
  const replying = (reply: { action: 'accept'; content: { confirm: boolean } }) => {
    const questions: string[] = [];
    const onQuestion = ({ message }: { message: string }) => {
      questions.push(message);
      return reply;
    };
    return { questions, onQuestion };
  };
  const YES = { action: 'accept' as const, content: { confirm: true } };

  it.each(ERAS)('is asked whatever max_credits says: %s', async (era) => {
    const { questions, onQuestion } = replying({ action: 'accept', content: { confirm: false } });
    const { call, sandbox } = await begin({ era, ...LIMIT, onQuestion });
    const answer = await call('generate_image', { prompt: 'a costly fox', max_credits: 500 });
    expect(textOf(answer)).toContain('The user did not confirm.');
    expect(questions).toHaveLength(1);
    expect(sandbox.inspect().submissions).toBe(0);
  });

  it.each(ERAS)('is not asked to go above max_credits, which is a ceiling: %s', async (era) => {
    const { questions, onQuestion } = replying(YES);
    const { call, sandbox } = await begin({ era, ...LIMIT, onQuestion });
    const answer = await call('generate_image', { prompt: 'a costly fox', max_credits: 15 });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(questions).toEqual([]);
    expect(sandbox.inspect().submissions).toBe(0);
  });

  it('is asked when single pictures of ten minutes are together above the threshold', async () => {
    const { questions, onQuestion } = replying(YES);
    const { call, clock } = await begin({ settings: { confirmAboveCredits: 50 }, onQuestion });
    const order = (prompt: string) => call('generate_image', { prompt, width: 256, height: 256, wait_seconds: 60 });
    for (const prompt of ['one', 'two', 'three', 'four', 'five', 'six']) await order(prompt);
    // What those before have cost counts, 10 to 20 credits each.
    const asked = questions.length;
    expect(asked).toBeGreaterThan(0);
    await clock.pass(10 * 60_000);
    await order('seven');
    expect(questions).toHaveLength(asked);
  });
});

describe('a budget', () => {
  it('for one call is kept', async () => {
    const { call, sandbox } = await begin({ settings: { maxCreditsPerCall: 30 } });
    const answer = await call('generate_image', { prompt: 'a fox', aspect_ratio: '1:1', size: 'large' });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(textOf(answer)).toContain('up to 50 credits; one call may cost at most 30');
    expect(textOf(answer)).toContain('FLUX_MAX_CREDITS_PER_CALL');
    expect(sandbox.inspect().submissions).toBe(0);
  });

  it('that the caller sets is kept', async () => {
    const { call, sandbox } = await begin({});
    const answer = await call('generate_image', { prompt: 'a fox', max_credits: 19 });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(textOf(answer)).toContain('more than max_credits (19)');
    expect(sandbox.inspect().submissions).toBe(0);
  });

  it('for a day is settled with the exact price, and says what is left when it is used up', async () => {
    const { call, sandbox } = await begin({ settings: { maxCreditsPerDay: 50 } });
    for (const prompt of ['one', 'two']) await call('generate_image', { prompt });
    const limits = await call('check_rate_limits');
    const spent = sandbox.inspect().charges.reduce((sum, { credits }) => sum + credits, 0);
    expect(limits.structuredContent).toMatchObject({
      credits: { spent_today: spent, budget_per_day: 50, reserved: 0, low: false },
    });
    const answer = await call('generate_image', { prompt: 'three' });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(textOf(answer)).toContain(`only ${50 - spent} of today's 50 are left`);
    expect(charges(story as Story)).toBe(2);
  });

  it('takes parallel calls one by one: they never overshoot', async () => {
    const { call } = await begin({ settings: { maxCreditsPerDay: 60 }, sandbox: { plan: 'enterprise' } });
    const prompts = Array.from({ length: 12 }, (_, index) => `picture ${index}`);
    const answers = await Promise.all(prompts.map((prompt) => call('generate_image', { prompt })));
    const refused = answers.filter((answer) => answer.isError);
    expect(refused.length).toBeGreaterThanOrEqual(12 - 6);
    for (const answer of refused)
      expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget', credits_spent: 'no' } });
    expect(charges(story as Story)).toBe(12 - refused.length);
    expect(charges(story as Story)).toBeGreaterThan(0);
  });

  it('is not used up by a price that cannot be right', async () => {
    const { call, wire, logLines } = await begin({ settings: { maxCreditsPerDay: 60 } });
    const odd = { id: 'odd', status: 'failed', creditCost: 1e15 };
    const headers = { 'content-type': 'application/json' };
    wire.script([{ status: 200, headers, body: JSON.stringify({ data: { job: odd } }) }], 'submit');
    const first = await call('generate_image', { prompt: 'one' });
    expect(first.structuredContent).toMatchObject({ status: 'failed', credits: { min: 10, max: 20 } });
    expect(first.structuredContent?.credits).not.toHaveProperty('exact');
    const said = 'reported a price of 1000000000000000 credits, which cannot be right: 20 are counted.';
    expect(first.structuredContent?.next).toContain(said);
    expect(textOf(first)).toContain(said);
    expect(logLines.join('')).toContain('A price that cannot be right is not taken');
    // The highest price of the list is counted for it.
    const { credits } = (await call('check_rate_limits')).structuredContent as { credits: object };
    expect(credits).toMatchObject({ spent_today: 20, reserved: 0 });
    const second = await call('generate_image', { prompt: 'two' });
    expect(second.structuredContent).toMatchObject({ status: 'completed' });
  });

  it('of pictures is kept', async () => {
    const { call } = await begin({ settings: { maxImagesPerDay: 1 } });
    await call('generate_image', { prompt: 'one' });
    const answer = await call('generate_image', { prompt: 'two' });
    expect(answer.structuredContent).toMatchObject({ error: { kind: 'over_budget' } });
    expect(textOf(answer)).toContain("today's limit of 1 (1 ordered since 00:00 UTC)");
    expect(textOf(await call('check_rate_limits'))).toContain('FLUX_MAX_IMAGES_PER_DAY');
  });
});

describe('a repeated call', () => {
  it('finds the job that is under way', async () => {
    const { call, sandbox } = await begin({});
    const first = await call('generate_image', { prompt: 'a fox', wait_seconds: 0 });
    const second = await call('generate_image', { prompt: '  a  fox ' });
    expect(second.structuredContent).toMatchObject({
      job_id: first.structuredContent?.job_id,
      duplicate: true,
      status: 'completed',
    });
    expect(first.structuredContent).not.toHaveProperty('duplicate');
    expect(textOf(second)).toContain('nothing was ordered or paid for now');
    expect(sandbox.inspect().submissions).toBe(1);
  });

  it('finds the picture for a day after it was saved, in another process too, and orders a new one after that', async () => {
    const { call, restart, clock } = await begin({ preview: 'auto' });
    const first = await call('generate_image', { prompt: 'a fox' });
    await restart();
    await clock.pass(23 * HOUR_MS);
    const second = await call('generate_image', { prompt: 'a fox' });
    expect(second.structuredContent).toMatchObject({
      job_id: first.structuredContent?.job_id,
      duplicate: true,
      status: 'completed',
    });
    expect(second.content.some(({ type }) => type === 'image')).toBe(true);
    expect(charges(story as Story)).toBe(1);
    await clock.pass(2 * HOUR_MS);
    const third = await call('generate_image', { prompt: 'a fox' });
    expect(third.structuredContent).not.toHaveProperty('duplicate');
    expect(charges(story as Story)).toBe(2);
  });

  it('orders nothing twice after the host gave up on a call for several pictures', async () => {
    const { call, clock } = await begin({ sandbox: { plan: 'pro', jobDurationMs: 20_000 } });
    const images = ['one', 'two', 'three'].map((prompt) => ({ prompt }));
    const host = new AbortController();
    const given = call('generate_images', { images }, { signal: host.signal });
    const ended = expect(given).rejects.toThrow();
    await clock.pass(3_000);
    host.abort();
    await ended;
    await clock.pass(135_000);
    const again = await call('generate_images', { images });
    expect(again.structuredContent).toMatchObject({
      completed: 3,
      jobs: images.map(() => ({ duplicate: true, status: 'completed' })),
    });
    expect(charges(story as Story)).toBe(3);
  });

  it('orders a new picture at once where the user has set FLUX_DUPLICATE_HOURS to 0', async () => {
    const { call } = await begin({ settings: { duplicateHours: 0 } });
    await call('generate_image', { prompt: 'a fox' });
    const second = await call('generate_image', { prompt: 'a fox' });
    expect(second.structuredContent).not.toHaveProperty('duplicate');
    expect(charges(story as Story)).toBe(2);
  });

  it('makes another picture when the size is another, or when that is wanted', async () => {
    const { call } = await begin({});
    const first = await call('generate_image', { prompt: 'a fox' });
    await call('generate_image', { prompt: 'a fox', width: 512 });
    const third = await call('generate_image', { prompt: 'a fox', allow_duplicate: true });
    expect(third.structuredContent).not.toHaveProperty('duplicate');
    expect(charges(story as Story)).toBe(3);
    const [saved, varied] = [first, third].map((of) => readFile(String(of.structuredContent?.file)));
    expect(await varied).not.toEqual(await saved);
  });

  it('is not asked about a second time', async () => {
    let questions = 0;
    const onQuestion = () => {
      questions += 1;
      return { action: 'accept' as const, content: { confirm: true } };
    };
    const { call } = await begin({ ...EXPENSIVE, onQuestion });
    await call('generate_image', { prompt: 'a fox', wait_seconds: 0 });
    await call('generate_image', { prompt: 'a fox' });
    expect(questions).toBe(1);
  });

  it('resumes the order of a server that ended, under its own key', async () => {
    const { call, wire, restart } = await begin({ sandboxed: false });
    wire.script(['stall']);
    await call('generate_image', { prompt: 'a fox', wait_seconds: 1 });
    await restart();
    const answer = await call('generate_image', { prompt: 'a fox' });
    expect(answer.structuredContent).toMatchObject({ status: 'completed', duplicate: true });
    const keys = new Set(
      wire.requests().flatMap(({ target, idempotencyKey }) => (target === 'submit' ? [idempotencyKey] : [])),
    );
    expect(keys.size).toBe(1);
    expect(charges(story as Story)).toBe(1);
  });
});

describe('a low balance', () => {
  it('is reported with every result and by check_rate_limits', async () => {
    const { call } = await begin({ sandbox: { credits: 65 } });
    // A large picture costs 40 in the sandbox, a small one 10.
    const large = { prompt: 'large', width: 2048, height: 2048 };
    await call('generate_image', large);
    const refused = await call('generate_image', { ...large, allow_duplicate: true });
    expect(refused.structuredContent).toMatchObject({ error: { kind: 'no_credits' } });
    const limits = await call('check_rate_limits');
    expect(limits.structuredContent).toMatchObject({ credits: { last_known_balance: 25, low: true } });
    expect(textOf(limits)).toContain('25 credits (low)');
    const small = await call('generate_image', { prompt: 'small', width: 256, height: 256 });
    expect(textOf(small)).toMatch(/Tell the user that the credits are running low: the last known balance is 15\./);
  });
});
