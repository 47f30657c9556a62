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
    expect(next).toBe('Correct the problems above and call generate_image again.');
  });

  it.each([
    [{}, 'prompt: is missing; it must be a text of 1 to 4000 characters'],
    [{ prompt: 5 }, 'prompt: 5 must be a text of 1 to 4000 characters'],
    [{ prompt: null }, 'prompt: null must be a text of 1 to 4000 characters'],
    [{ prompt: '' }, 'prompt: "" must say what the picture shows; it is empty'],
    [
      { prompt: 'a\0b' },
      'prompt: "a b" must not contain control characters (line breaks and tabs are fine) or broken ones (half of a surrogate pair)',
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
    expect(problemsOf(getJobStatus, { job_id: '' })).toEqual(['job_id: "" must be a text of 1 to 200 characters']);
    expect(problemsOf(getJobStatus, { job_id: ['a'] })).toEqual([
      `job_id: ['a'] must be a text of 1 to 200 characters`,
    ]);
  });

  it.each([[[]], ['text'], [7], [true]])('that are no object are refused: %j', (args) => {
    expect(problemsOf(getJobStatus, args)).toEqual(['the arguments must be an object with job_id, wait_seconds']);
  });
});

describe('an unknown argument', () => {
  it('is an error that lists the allowed ones: a misspelt one never becomes a default that spends', () => {
    const [problem] = problemsOf(generateImage, { prompt: 'a fox', widht: 512 });
    expect(problem).toContain('"widht"');
    expect(problem).toContain(`it takes ${Object.keys(generateImage.input.shape).join(', ')}`);
  });

  it('is reported for a tool that takes none', () => {
    const [problem] = problemsOf({ ...checkRateLimits, input: z.strictObject({}) }, { verbose: true });
    expect(problem).toContain('"verbose"');
    expect(problem).toContain('it takes none');
  });

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
