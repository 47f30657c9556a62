/** Proves what `generate` orders, what it asks and refuses, what it says of each picture, and its exit codes. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type GenerateDeps, generate } from '../../../src/cli/generate.ts';
import type { PictureList } from '../../../src/cli/picture-list.ts';
import { type Bench, createBench, REQUEST, thrown } from '../jobs/fakes.ts';
import { remoteJob } from '../core/sample-jobs.ts';

let out: string[];
let notes: string[];
let bench: Bench;
beforeEach(() => {
  out = [];
  notes = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  start();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await bench.jobs.close();
});

function start(settings: Parameters<typeof createBench>[0] = {}): void {
  bench = createBench({ plan: 'enterprise', ...settings });
  bench.provider.isNumbering = true;
}

const listOf = (prompts: readonly string[], more: Partial<PictureList> = {}): PictureList => ({
  orders: prompts.map((prompt) => ({ request: { ...REQUEST, prompt } })),
  allow_duplicate: false,
  ...more,
});
const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `picture ${at + 1}`);

function begin(list: PictureList, more: Partial<GenerateDeps> = {}): Promise<number> {
  return generate(list, {
    ...{ jobs: bench.jobs, clock: bench.clock, redact: (text) => text, sandbox: false, json: false },
    ...{ signal: new AbortController().signal, progress: () => undefined, note: (line) => notes.push(line) },
    ...more,
  });
}

/** To its end, in as much time as it takes. */
async function ended(run: Promise<number>): Promise<number> {
  let code: number | undefined;
  const end = run.then((exit) => {
    code = exit;
  });
  for (let second = 0; code === undefined && second < 20_000; second += 1) await bench.clock.advance(1_000);
  await end;
  return code ?? Number.NaN;
}

const run = (list: PictureList, more: Partial<GenerateDeps> = {}): Promise<number> => ended(begin(list, more));
const sent = (): string[] => bench.provider.submitted.map(({ prompt }) => prompt);

describe('pictures', () => {
  it('are ordered and saved, with a line for each', async () => {
    expect(await run(listOf(['a fox', 'an owl']))).toBe(0);
    expect(sent().sort()).toEqual(['a fox', 'an owl']);
    const line = 'completed, /pictures/fox.jpg, 12 credits\n';
    expect(out).toEqual([`1. ${line}`, `2. ${line}`]);
    expect(notes).toEqual(['2 pictures: 2 saved, 0 failed or unknown, 0 unfinished, 0 not sent.']);
  });

  it('are found by an equal order, which pays for none', async () => {
    await run(listOf(['a fox', 'a fox']));
    out = [];
    expect(await run(listOf(['a fox', 'a fox', 'an owl']))).toBe(0);
    expect(sent()).toEqual(['a fox', 'a fox', 'an owl']);
    expect(out.map((line) => line.includes('(found, not paid again)'))).toEqual([true, true, false]);
    expect(await run(listOf(['a fox']))).toBe(0);
    expect(sent()).toHaveLength(3);
  });

  it('that are found count for no ceiling of a list', async () => {
    await run(listOf(['a fox', 'an owl']));
    expect(await run(listOf(['a fox', 'an owl', 'a hare'], { max_credits: 19 }))).toBe(3);
    expect(await run(listOf(['a fox', 'an owl', 'a hare'], { max_credits: 20 }))).toBe(0);
    expect(sent()).toEqual(['a fox', 'an owl', 'a hare']);
  });

  it('are the result objects of the tools as JSON: a job for one, else all of them', async () => {
    expect(await run(listOf(['a fox']), { json: true })).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject({ job_id: 'job_1', status: 'completed', file: '/pictures/fox.jpg' });
    out = [];
    expect(await run(listOf(['a fox', 'an owl']), { json: true })).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject({
      batch_id: expect.stringMatching(/^job_/u),
      jobs: [{ job_id: 'job_1', duplicate: true }, { prompt: 'an owl' }],
      ...{ completed: 2, failed: 0, pending: 0 },
    });
  });

  it('that failed say why and what to do; the others are saved', async () => {
    bench.provider.readingOf.set('dt_1', remoteJob('failed'));
    expect(await run(listOf(['a fox', 'an owl']))).toBe(1);
    const [failed] = out.filter((line) => line.includes('failed'));
    expect(failed).toMatch(/^[12]\. failed, ".+", .+Order the picture again/u);
    expect(notes).toEqual(['2 pictures: 1 saved, 1 failed or unknown, 0 unfinished, 0 not sent.']);
  });
});

describe('more than fifty pictures', () => {
  const whole = { maxCreditsPerCall: 10_000, maxCreditsPerDay: 10_000, maxImagesPerDay: 1_000 };
  const agreed = { max_credits: 10_000 };
  beforeEach(() => start(whole));

  it('are ordered fifty at a time: the next when the last have ended', async () => {
    let open = 0;
    const most: number[] = [];
    const commit = vi.spyOn(bench.jobs, 'commit');
    const code = begin(listOf(numbered(120), agreed));
    for (let second = 0; second < 400; second += 1) {
      await bench.clock.advance(1_000);
      open = (await bench.jobs.open()).length;
      most.push(open);
    }
    expect(await ended(code)).toBe(0);
    expect(commit.mock.calls.map(([{ orders }]) => orders.length)).toEqual([50, 50, 20]);
    expect(Math.max(...most)).toBeLessThanOrEqual(50);
    expect(new Set(sent()).size).toBe(120);
    expect(out.at(-1)).toMatch(/^120\. completed/u);
  });

  it('no further batch is ordered once the credits have run out', async () => {
    const refused = thrown({ kind: 'no_credits', creditsSpent: 'no', retry: 'no' });
    bench.provider.submissions = [refused];
    expect(await run(listOf(numbered(60), agreed))).toBe(1);
    expect(sent()).toHaveLength(50);
    expect(notes.join('\n')).toContain('0 saved, 50 failed or unknown, 0 unfinished, 10 not sent.');
  });

  it('that are equal are pictures of their own, and are all found again', async () => {
    const list = listOf(
      Array.from({ length: 60 }, () => 'a fox'),
      agreed,
    );
    expect(await run(list)).toBe(0);
    expect(sent()).toHaveLength(60);
    out = [];
    expect(await run(list)).toBe(0);
    expect(sent()).toHaveLength(60);
    expect(out.filter((line) => line.includes('(found, not paid again)'))).toHaveLength(60);
  });

  it('have one ceiling, checked before the first of them is sent', async () => {
    expect(await run(listOf(numbered(60), { max_credits: 1_199 }))).toBe(3);
    expect(bench.provider.prepared).toEqual([]);
    expect(bench.jobStore.history).toEqual([]);
    expect(out).toEqual([]);
    expect(notes.join('')).toContain('may cost up to 1,200 credits, more than max_credits (1199).');
    expect(await run(listOf(numbered(60), { max_credits: 1_200 }))).toBe(0);
  });

  it('end with what was ordered when the day has no room for the rest', async () => {
    start({ ...whole, maxImagesPerDay: 55 });
    expect(await run(listOf(numbered(60), agreed))).toBe(3);
    expect(sent()).toHaveLength(50);
    expect(out).toHaveLength(50);
    expect(notes[0]).toBe('60 pictures: 50 saved, 0 failed or unknown, 0 unfinished, 10 not sent.');
    expect(notes.at(-1)).toContain("would exceed today's limit of 55");
  });
});

describe('a price above the threshold', () => {
  const SIX = numbered(6);

  it('is refused where nobody can be asked, with the price and the flag that agrees to it', async () => {
    expect(await run(listOf(SIX))).toBe(3);
    expect(bench.provider.prepared).toEqual([]);
    expect(notes).toEqual([
      expect.stringMatching(
        /^flux-pro-mcp: This call may cost 60 to 120 credits; above 100 credits .*--max-credits\.$/su,
      ),
    ]);
    expect(await run(listOf(SIX, { max_credits: 119 }))).toBe(3);
    expect(sent()).toEqual([]);
    expect(await run(listOf(SIX, { max_credits: 120 }))).toBe(0);
    expect(sent()).toHaveLength(6);
  });

  it('is refused as the tools refuse it, as JSON', async () => {
    expect(await run(listOf(SIX), { json: true })).toBe(3);
    expect(JSON.parse(out.join(''))).toMatchObject({ error: { kind: 'not_confirmed', credits_spent: 'no' } });
  });

  it('is asked about on a terminal, whatever the ceiling, and ordered after a yes', async () => {
    const questions: string[] = [];
    const ask = (answer: boolean) => async (question: string) => {
      questions.push(question);
      return answer;
    };
    expect(await run(listOf(SIX, { max_credits: 200 }), { ask: ask(false) })).toBe(3);
    expect(sent()).toEqual([]);
    expect(notes.join('')).toContain('The user did not confirm.');
    expect(await run(listOf(SIX), { ask: ask(true) })).toBe(0);
    expect(sent()).toHaveLength(6);
    expect(questions).toHaveLength(2);
    expect(questions[0]).toContain('Order 6 pictures (1024 × 1024 pixels) from Flux Pro for 60 to 120 credits?');
  });

  it('counts what was ordered unasked shortly before', async () => {
    bench.provider.readings = [remoteJob('completed', { creditCost: 20 })];
    expect(await run(listOf(numbered(5)))).toBe(0);
    expect(await run(listOf(['one more']))).toBe(3);
    expect(sent()).toHaveLength(5);
  });
});

describe('exit codes of refusals', () => {
  it.each([
    ['bad_input', 2],
    ['bad_key', 2],
    ['no_credits', 3],
    ['storage_failed', 1],
  ] as const)('%s: %i', async (kind, code) => {
    bench.provider.unavailability = thrown({ kind, creditsSpent: 'no' }).failure;
    expect(await run(listOf(['a fox']))).toBe(code);
    expect(sent()).toEqual([]);
  });
});

describe('the end of the wait', () => {
  const never = (): void => {
    bench.provider.readings = [remoteJob('processing')];
  };

  it('takes back what has not been sent, and the same command orders that alone', async () => {
    start({ plan: 'free' });
    never();
    const list = listOf(numbered(4), { wait_seconds: 20 });
    expect(await run(list)).toBe(4);
    const left = sent().length;
    expect(left).toBeLessThan(4);
    expect(out.filter((line) => line.endsWith('no credits spent\n'))).toHaveLength(4 - left);
    expect(notes.join('\n')).toContain(`${left} unfinished, ${4 - left} not sent.`);
    expect(notes.join('\n')).toMatch(/^Unfinished: job_.+"flux-pro-mcp jobs resume" fetches them/mu);
    expect(notes.join('\n')).toContain('Order it with the same command, which pays again only for what failed.');
    bench.provider.readings = [remoteJob('completed', { creditCost: 12 })];
    expect(await run({ ...list, wait_seconds: 300 })).toBe(0);
    expect(sent().sort()).toEqual(numbered(4));
  });

  it('never advises the same command where that would pay again', async () => {
    start({ plan: 'free' });
    never();
    expect(await run(listOf(numbered(4), { wait_seconds: 0, allow_duplicate: true }))).toBe(4);
    expect(notes.join('\n')).toContain('Order it by itself.');
  });

  it('leaves time for sending, even if it is zero', async () => {
    never();
    expect(await run(listOf(['a fox'], { wait_seconds: 0 }))).toBe(4);
    expect(sent()).toEqual(['a fox']);
    expect(await bench.recorded()).toMatchObject({ state: 'processing' });
  });
});

describe('an interruption', () => {
  it('ends the wait, takes back what has not been sent, and says what goes on', async () => {
    start({ plan: 'free' });
    bench.provider.readings = [remoteJob('processing')];
    const interrupted = new AbortController();
    const code = begin(listOf(numbered(4)), { signal: interrupted.signal });
    await bench.clock.advance(10_000);
    const left = sent().length;
    expect(left).toBeGreaterThan(0);
    interrupted.abort();
    await bench.clock.advance(2_000);
    expect(await code).toBe(130);
    await bench.clock.advance(600_000);
    expect(sent()).toHaveLength(left);
    expect(out.filter((line) => line.includes('not sent'))).toHaveLength(4 - left);
    expect(notes.join('\n')).toContain('"flux-pro-mcp jobs resume" fetches them without a new order.');
  });

  it('before anything is ordered leaves nothing behind', async () => {
    const interrupted = new AbortController();
    const ask = async (): Promise<boolean> => {
      interrupted.abort();
      return false;
    };
    expect(await run(listOf(numbered(6)), { signal: interrupted.signal, ask })).toBe(130);
    expect(bench.jobStore.history).toEqual([]);
    expect(notes).toEqual(['Nothing was ordered and nothing was spent. The same command starts again.']);
  });
});
