/** Bad input of any kind gets a clear answer, sends nothing and spends nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Story, startStory, textOf } from '../support/start-client.ts';

let story: Story;
beforeAll(async () => {
  story = await startStory();
});
afterAll(async () => {
  expect(story.sandbox.inspect().requests).toEqual([]);
  await story.close();
});

const good = { prompt: 'A cat' };
const CASES: [string, string, Record<string, unknown>, RegExp][] = [
  ['no prompt', 'generate_image', {}, /prompt: is missing; it must be a text of 1 to 4000 characters/],
  ['an empty prompt', 'generate_image', { prompt: '' }, /prompt: "" must say what the picture shows/],
  ['a blank prompt', 'generate_image', { prompt: ' \n ' }, /prompt: .* must say what the picture shows/],
  ['100,000 characters', 'generate_image', { prompt: 'x'.repeat(100_000) }, /1 to 4000 characters; it has 100000/],
  ['control characters', 'generate_image', { prompt: 'a\u0007b' }, /prompt: .* must not contain control characters/],
  ['a number as prompt', 'generate_image', { prompt: 7 }, /prompt: 7 must be a text of 1 to 4000 characters/],
  [
    'a misspelt argument',
    'generate_image',
    { ...good, aspectRatio: '1:1' },
    /"aspectRatio" is not an argument of generate_image: did you mean aspect_ratio\?/,
  ],
  ['a key as argument', 'generate_image', { ...good, api_key: 'k' }, /"api_key" is not an argument of generate_image/],
  ['a small side', 'generate_image', { ...good, width: 100 }, /width: 100 must be a whole number from 256 to 2048/],
  ['a large side', 'generate_image', { ...good, height: 4096 }, /height: 4096 must be a whole number from 256 to 2048/],
  ['an odd side', 'generate_image', { ...good, width: 1001 }, /width: 1001 must be .* a multiple of 8/],
  ['a text as side', 'generate_image', { ...good, width: 'wide' }, /width: "wide" must be a whole number/],
  ['both ways', 'generate_image', { ...good, width: 512, aspect_ratio: '1:1' }, /width: 512 must be left out when/],
  ['an odd ratio', 'generate_image', { ...good, aspect_ratio: '5:4' }, /aspect_ratio: "5:4" must be one of 1:1, 16:9/],
  ['a path', 'generate_image', { ...good, file_name: '../../x' }, /file_name: "..\/..\/x" must be a plain name/],
  ['a drive', 'generate_image', { ...good, file_name: 'C:\\x' }, /file_name: .* must be a plain name/],
  ['a NUL', 'generate_image', { ...good, file_name: 'a\u0000' }, /file_name: .* must be a plain name/],
  ['a long wait', 'generate_image', { ...good, wait_seconds: 301 }, /wait_seconds: 301 must be a number from 0 to 300/],
  ['no job id', 'get_job_status', {}, /job_id: is missing; it must be given, or job_ids instead, but not both/],
  [
    'two kinds of job ids',
    'get_job_status',
    { job_id: 'a', job_ids: ['b'] },
    /job_id: "a" must be given, or job_ids instead, but not both/,
  ],
  ['an empty list of job ids', 'get_job_status', { job_ids: [] }, /job_ids: \[\] must be a list of 1 to 50 entries/],
  [
    'too many job ids',
    'get_job_status',
    { job_ids: Array(51).fill('a') },
    /job_ids: .* must be a list of 1 to 50 entries/,
  ],
  [
    'unknown jobs',
    'get_job_status',
    { job_ids: ['job_a', 'job_b'] },
    /job_ids: there are no jobs "job_a", "job_b" on record/,
  ],
  ['an unknown job', 'get_job_status', { job_id: 'job_nobody' }, /job_id: there is no job "job_nobody" on record/],
  [
    'an argument too many',
    'check_rate_limits',
    { now: true },
    /"now" is not an argument of check_rate_limits\n.*\nNext: .* check_rate_limits takes refresh\./s,
  ],
];

describe('each names the field and the bound', () => {
  it.each(CASES)('%s', async (_name, tool, args, message) => {
    const answer = await story.call(tool, args);
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toMatch(message);
    expect(textOf(answer)).toContain('No credits were spent.');
    expect(textOf(answer)).toMatch(/^Next: /m);
    if (tool === 'generate_image') expect(answer.structuredContent?.error).toMatchObject({ kind: 'bad_input' });
  });

  it('an unknown tool', async () => {
    await expect(story.call('make_picture', good)).rejects.toThrow(/no tool "make_picture".*generate_image/);
  });
});
