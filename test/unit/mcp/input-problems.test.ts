/** Proves that bad arguments are answered with the field, the value and the bound, and that nothing was sent. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import { createRedactor, type Redact } from '../../../src/core/redaction.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';
import { readArguments } from '../../../src/mcp/call-tool.ts';
import type { Tool } from '../../../src/mcp/tool.ts';
import { checkRateLimits } from '../../../src/mcp/tools/check-rate-limits.ts';
import { generateImage } from '../../../src/mcp/tools/generate-image.ts';
import { generateImages } from '../../../src/mcp/tools/generate-images.ts';
import { getJobStatus } from '../../../src/mcp/tools/get-job-status.ts';
import { wordsOf } from '../../support/words.ts';

const asItIs = (text: string): string => text;

function failureOf(tool: Tool, args: unknown, redact: Redact = asItIs): Failure {
  try {
    readArguments(tool, args, redact);
  } catch (error) {
    if (error instanceof FluxError) return error.failure;
    throw error;
  }
  throw new Error('the arguments were taken');
}

/** The list of problems, without the dashes. */
const problemsOf = (tool: Tool, args: unknown): string[] =>
  wordsOf(failureOf(tool, args))
    .what.split('\n')
    .filter((line) => line.startsWith('- '))
    .map((line) => line.slice(2));

describe('bad arguments', () => {
  it('are refused before anything is sent or spent', () => {
    const failure = failureOf(generateImage, {});
    expect(failure).toMatchObject({ kind: 'bad_input', creditsSpent: 'no', retry: 'no' });
    const { what, next } = wordsOf(failure);
    expect(what).toMatch(/^The arguments of generate_image are not valid, so nothing was sent\.\n- /u);
    expect(next).toBe('Correct the problems above and call again.');
  });

  it.each([
    [{}, 'prompt: is missing; it must be a text of 1 to 4000 characters'],
    [{ prompt: 5 }, 'prompt: 5 must be a text of 1 to 4000 characters'],
    [{ prompt: null }, 'prompt: null must be a text of 1 to 4000 characters'],
    [{ prompt: '' }, 'prompt: "" must say what the picture shows; it is empty'],
    [
      { prompt: 'a\0b' },
      'prompt: "a b" must not contain control characters (line breaks and tabs are fine) or unpaired surrogates',
    ],
    [
      { prompt: 'x'.repeat(100_000) },
      `prompt: "${'x'.repeat(59)}…" must be 1 to 4000 characters; it has 100000 characters`,
    ],
    [{ prompt: 'a fox', width: 100 }, 'width: 100 must be a whole number from 256 to 2048, a multiple of 8'],
    [{ prompt: 'a fox', width: 3 }, 'width: 3 must be a whole number from 256 to 2048, a multiple of 8'],
    [{ prompt: 'a fox', width: 2052 }, 'width: 2052 must be a whole number from 256 to 2048, a multiple of 8'],
    [{ prompt: 'a fox', height: 512.5 }, 'height: 512.5 must be a whole number from 256 to 2048, a multiple of 8'],
    [{ prompt: 'a fox', height: '5e2' }, 'height: "5e2" must be a whole number from 256 to 2048, a multiple of 8'],
    [
      { prompt: 'a fox', aspect_ratio: '5:4' },
      'aspect_ratio: "5:4" must be one of 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, 21:9',
    ],
    [{ prompt: 'a fox', size: 'huge' }, 'size: "huge" must be one of standard, large'],
    [{ prompt: 'a fox', quality: 'hd' }, 'quality: "hd" must be high, or be left out'],
    [
      { prompt: 'a fox', size: '1024x1024' },
      'size: "1024x1024" must be one of standard, large; for pixels, give width 1024 and height 1024',
    ],
    [
      { prompt: 'a fox', size: '1792 X 1024' },
      'size: "1792 X 1024" must be one of standard, large; for pixels, give width 1792 and height 1024',
    ],
    // The next allowed sides, of the same shape.
    [
      { prompt: 'a fox', size: '3840×2160' },
      'size: "3840×2160" must be one of standard, large; for pixels, give width 2048 and height 1152',
    ],
    [
      { prompt: 'a fox', aspect_ratio: '100x1023' },
      'aspect_ratio: "100x1023" must be one of 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, 21:9; for pixels, give width 256 and height 1024',
    ],
    [{ prompt: 'a fox', wait_seconds: 301 }, 'wait_seconds: 301 must be a number from 0 to 300'],
    [{ prompt: 'a fox', wait_seconds: -1 }, 'wait_seconds: -1 must be a number from 0 to 300'],
    [
      { prompt: 'a fox', file_name: '../fox' },
      'file_name: "../fox" must be a plain name, never a path: no / \\ : * ? " < > |, no control characters, no dot at the start',
    ],
    [
      { prompt: 'a fox', size: 'large', width: 512 },
      'width: 512 must be left out when aspect_ratio or size is given, unless both sides agree with them',
    ],
  ])('%j are explained in one sentence: %s', (args, problem) => {
    expect(problemsOf(generateImage, args)).toEqual([problem]);
  });

  it('of get_job_status name their bounds, too', () => {
    const long = 'a'.repeat(201);
    expect(problemsOf(getJobStatus, { job_id: long })).toEqual([
      expect.stringMatching(/^job_id: "a+…" must be a text of 1 to 200 characters$/u),
    ]);
    expect(problemsOf(getJobStatus, { job_ids: ['a', ''] })).toEqual([
      'job_ids[1]: "" must be a text of 1 to 200 characters',
    ]);
    expect(problemsOf(getJobStatus, { job_id: ['a'] })).toEqual([
      `job_id: ['a'] must be a text of 1 to 200 characters`,
    ]);
  });

  it.each([[[]], ['text'], [7], [true]])('that are no object are refused: %j', (args) => {
    expect(problemsOf(getJobStatus, args)).toEqual([
      'the arguments must be an object with job_id, job_ids, wait_seconds',
    ]);
  });
});

/** The only problem, and what the answer says to do next. */
function answerTo(tool: Tool, args: unknown): { problem: string; next: string } {
  const [problem = '', ...others] = problemsOf(tool, args);
  expect(others).toEqual([]);
  return { problem, next: wordsOf(failureOf(tool, args)).next ?? '' };
}

describe('an unknown argument', () => {
  it('is an error that lists the allowed ones: a misspelt one never becomes a default that spends', () => {
    const { problem, next } = answerTo(generateImage, { prompt: 'a fox', colour: 'red' });
    expect(problem).toBe('"colour" is not an argument of generate_image');
    const names = Object.keys(generateImage.input.shape).join(', ');
    expect(next).toBe(`Correct the problems above and call again. generate_image takes ${names}.`);
  });

  it('is reported for a tool that takes none', () => {
    const { problem, next } = answerTo({ ...checkRateLimits, input: z.strictObject({}) }, { verbose: true });
    expect(problem).toContain('"verbose"');
    expect(next).toContain('check_rate_limits takes no arguments.');
  });

  it('brings one list for the whole answer, however many there are and wherever', () => {
    const images = [1, 2, 3].map((n) => ({ prompt: `fox ${n}`, seed: n, colour: 'red' }));
    const args = { images, n: 3, negative_prompt: 'dogs', model: 'dall-e-3' };
    expect(problemsOf(generateImages, args)).toEqual([
      '"seed" is not an argument of an entry in images: the service has no seed: leave it out, and tell the user that no picture can be repeated exactly',
      '"colour" is not an argument of an entry in images',
      '"n" is not an argument of generate_images: leave it out; for several pictures, give generate_images one entry in images for each',
      '"negative_prompt" is not an argument of generate_images: the service has none; say in the prompt what the picture shows',
      '"model" is not an argument of generate_images: version chooses between flux-pro-1.1 and flux-pro',
    ]);
    const { what, next = '' } = wordsOf(failureOf(generateImages, args));
    expect(next).toContain(
      'generate_images takes images (each with prompt, aspect_ratio, size, width, height, file_name), style, ',
    );
    expect(`${what}${next}`.split('aspect_ratio, size')).toHaveLength(2);
  });

  it('brings no list where all names are right', () => {
    expect(answerTo(generateImage, { prompt: 'a fox', width: 1 }).next).not.toContain('It takes');
  });

  it.each([
    [{ widht: 512 }, 'width'],
    [{ heigth: 512 }, 'height'],
    [{ aspectRatio: '1:1' }, 'aspect_ratio'],
    [{ 'aspect-ratio': '1:1' }, 'aspect_ratio'],
    [{ ratio: '1:1' }, 'aspect_ratio'],
    [{ fileName: 'fox' }, 'file_name'],
    [{ filename: 'fox' }, 'file_name'],
    [{ wait: 5 }, 'wait_seconds'],
    [{ MAX_CREDITS: 5 }, 'max_credits'],
    [{ sizes: 'large' }, 'size'],
  ])('that is nearly right is answered with what was meant: %j', (wrong, meant) => {
    const [name = ''] = Object.keys(wrong);
    expect(answerTo(generateImage, { prompt: 'a fox', ...wrong }).problem).toBe(
      `"${name}" is not an argument of generate_image: did you mean ${meant}?`,
    );
  });

  it('is found in the other tools, too, which have no arguments of image services', () => {
    expect(problemsOf(getJobStatus, { id: 'job_1' })).toContain(
      '"id" is not an argument of get_job_status: did you mean job_id?',
    );
    expect(problemsOf(getJobStatus, { job_id: 'job_1', seed: 1 })).toEqual([
      '"seed" is not an argument of get_job_status',
    ]);
  });

  it.each([
    ['n', 4, /give generate_images one entry in images for each/],
    ['num_images', 4, /give generate_images one entry in images for each/],
    ['count', 1, /leave it out; for several pictures, give generate_images/],
    ['images', [{ prompt: 'a fox' }], /give generate_images one entry in images for each/],
    ['prompts', ['a fox'], /give generate_images one entry in images for each/],
    ['negative_prompt', 'dogs', /the service has none; say in the prompt what the picture shows/],
    ['seed', 7, /the service has no seed: leave it out, and tell the user that no picture can be repeated exactly/],
    ['guidance_scale', 7.5, /the service does not offer it, so leave it out/],
    ['style', 'vivid', /write it into the prompt/],
    ['model', 'flux-dev', /version chooses between flux-pro-1\.1 and flux-pro/],
    ['output_path', '/home/me/cat.png', /file_name names the file; its folder is the user's setting FLUX_OUTPUT_DIR/],
    ['path', 'cat.png', /file_name names the file/],
    ['save_to', 'cat.png', /file_name names the file/],
    ['response_format', 'b64_json', /leave it out; the answer has the picture, its file and its URL/],
    ['outputFormat', 'png', /leave it out; the answer has the picture, its file and its URL/],
    ['image', 'cat.png', /the service takes no picture; describe it in the prompt/],
    ['image_url', 'https://example.org/cat.png', /the service takes no picture; describe it in the prompt/],
    ['resolution', 'high', /use aspect_ratio with size, or width and height/],
    ['resolution', '1792x1024', /for pixels, give width 1792 and height 1024/],
    ['webhookUrl', 'https://example.org', /the user can set DOITONG_WEBHOOK_URL instead, for all orders/],
  ])('of other image services is answered with what to use instead: %s', (name, value, hint) => {
    const { problem } = answerTo(generateImage, { prompt: 'a fox', [name]: value });
    expect(problem).toMatch(hint);
    expect(problem.startsWith(`"${name}" is not an argument of generate_image: `)).toBe(true);
  });

  it.each(['style', 'version', 'quality', 'allow_duplicate', 'max_credits', 'wait_seconds'])(
    'of a whole call is no argument of an entry: %s',
    (name) => {
      const { problem } = answerTo(generateImages, { images: [{ prompt: 'a fox', [name]: 1 }] });
      expect(problem).toBe(`"${name}" is not an argument of an entry in images: give it once, next to images`);
    },
  );

  it.each(['prompt', 'aspect_ratio', 'size', 'width', 'height', 'file_name'])(
    'of an entry is none of a whole call: %s',
    (name) => {
      const { problem } = answerTo(generateImages, { images: [{ prompt: 'a fox' }], [name]: 1 });
      expect(problem).toBe(`"${name}" is not an argument of generate_images: give it in each entry of images`);
    },
  );

  it('is named next to the other problems, so that one answer has all of them', () => {
    const problems = problemsOf(generateImage, { promt: 'a fox', width: 1 });
    expect(problems.map((problem) => problem.split(/[: ]/u)[0])).toEqual(['prompt', 'width', '"promt"']);
  });

  it('cannot flood the answer', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
    const problems = problemsOf(checkRateLimits, many);
    expect(problems).toHaveLength(9);
    expect(problems.at(-1)).toBe('492 more problems');
  });
});

describe('good arguments', () => {
  it('may be absent where none is needed', () => {
    expect(readArguments(checkRateLimits, undefined, asItIs)).toEqual({ refresh: false });
    expect(readArguments(checkRateLimits, null, asItIs)).toEqual({ refresh: false });
  });

  it('come with the defaults of the schema', () => {
    expect(readArguments(getJobStatus, { job_id: 'job_1' }, asItIs)).toEqual({ job_id: 'job_1', wait_seconds: 0 });
  });
});

it('a secret is removed before a value is shortened: half of one would not be recognised', () => {
  const key = 'dt_live_0123456789abcdef';
  const redact = createRedactor([key]);
  for (const args of [{ prompt: 'x'.repeat(50) + key, width: 'x'.repeat(50) + key }, { ['x'.repeat(50) + key]: 1 }]) {
    const { what } = wordsOf(failureOf(generateImage, args, redact));
    expect(what).toMatch(/x{50}/u);
    expect(what).not.toMatch(/dt_live/u);
  }
});

describe('whatever arrives', () => {
  it('the answer is short, a list of single lines, and never an unforeseen error', () => {
    const args = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('prompt', 'job_id', 'width')),
        fc.jsonValue(),
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...TOOLS), args, (tool, value) => {
        try {
          readArguments(tool, value, asItIs);
        } catch (error) {
          if (!(error instanceof FluxError)) throw error;
          const { what } = wordsOf(error);
          expect(what.length).toBeLessThan(4_000);
          expect(what.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          for (const line of what.trimEnd().split('\n').slice(1)) expect(line).toMatch(/^- /u);
        }
      }),
    );
  });
});
