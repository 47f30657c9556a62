/** Lists of many jobs with the longest prompts, from the packed program: bounded, and complete over their pages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { unpackPackage } from '../support/packed-program.ts';
import { RawHost, type ToolResult, textOf } from '../support/raw-host.ts';

type Listed = { jobs: { job_id: string; prompt: string; url?: string; file?: string }[]; next_cursor?: string };

/** What is asked of the serialized answer; 50 such jobs were 119,000 characters once. */
const ANSWER_MAX_CHARACTERS = 60_000;
const JOBS = 100;

const packed = await unpackPackage();
let service: Sandbox;
let host: RawHost;
/** Letters of one, two and more UTF-16 units, and some that JSON writes as two characters. */
const LETTERS = ['heron ', '鷺の絵', '🦩', '"\\\n'];
beforeAll(async () => {
  service = await startSandbox({ plan: 'enterprise', jobDurationMs: 0, credits: 100_000 });
  const env = {
    DOITONG_API_URL: service.url,
    DOITONG_API_KEY: service.key,
    FLUX_MAX_CREDITS_PER_DAY: '100000',
    FLUX_MAX_CREDITS_PER_CALL: '100000',
    FLUX_MAX_IMAGES_PER_DAY: '1000',
    FLUX_CONFIRM_ABOVE_CREDITS: '100000',
  };
  host = new RawHost(await packed.start([], { env }));
  await host.handshake();
  for (const half of [0, 1]) {
    const images = Array.from({ length: JOBS / 2 }, (_, at) => {
      const letters = LETTERS[at % LETTERS.length] ?? '';
      const prompt = [...`${half}-${at} ${letters.repeat(4_000)}`].slice(0, 4_000).join('');
      return { prompt, width: 256, height: 256 };
    });
    await host.call('generate_images', { images, wait_seconds: 20 });
  }
}, 120_000);
afterAll(async () => {
  await packed.close();
  await service.close();
});

async function page(args: Record<string, unknown>): Promise<{ characters: number; answer: ToolResult; data: Listed }> {
  const answer = await host.call('list_jobs', args);
  const data = (answer as unknown as { structuredContent: Listed }).structuredContent;
  return { characters: JSON.stringify(answer).length, answer, data };
}

describe('list_jobs', () => {
  it.each([1, 20, 50, JOBS])('answers within its bound for a limit of %i', async (limit) => {
    const { characters, data } = await page({ limit });
    expect(characters).toBeLessThanOrEqual(ANSWER_MAX_CHARACTERS);
    for (const { prompt } of data.jobs) expect([...prompt].length).toBeLessThanOrEqual(200);
    expect(data.jobs.length).toBeGreaterThanOrEqual(Math.min(limit, 60));
  });

  it('cuts prompts to 200 characters where there is room, in data and in text', async () => {
    const { answer, data } = await page({ limit: 4 });
    expect(data.jobs).toHaveLength(4);
    for (const { prompt } of data.jobs) expect(prompt).toMatch(/…$/u);
    expect(Math.max(...data.jobs.map(({ prompt }) => [...prompt].length))).toBe(200);
    const shown = textOf(answer).match(/(?<=").*…(?=")/gu) ?? [];
    expect(shown).toHaveLength(4);
    expect(Math.max(...shown.map((prompt) => [...prompt].length))).toBe(200);
  });

  it('gives every job once over its pages', async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const { characters, data } = await page({ limit: JOBS, ...(cursor === undefined ? {} : { cursor }) });
      expect(characters).toBeLessThanOrEqual(ANSWER_MAX_CHARACTERS);
      seen.push(...data.jobs.map(({ job_id }) => job_id));
      cursor = data.next_cursor;
      if (cursor === undefined) break;
    }
    expect(seen).toHaveLength(JOBS);
    expect(new Set(seen).size).toBe(JOBS);
  });

  it('leaves the whole prompt to get_job_status', async () => {
    const { data } = await page({ limit: 1 });
    const job = await host.call('get_job_status', { job_id: data.jobs[0]?.job_id ?? '' });
    const whole = (job as unknown as { structuredContent: { prompt: string } }).structuredContent.prompt;
    expect([...whole].length).toBe(4_000);
  });
});

describe('resources/list', () => {
  it('is bounded, too', async () => {
    const { result } = await host.ask('resources/list');
    expect(JSON.stringify(result).length).toBeLessThanOrEqual(ANSWER_MAX_CHARACTERS);
  });
});
