/** Proves that arguments which can mean one thing only are repaired before the check, and that nothing else is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FluxError } from '../../../src/core/failure.ts';
import { readArguments } from '../../../src/mcp/call-tool.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';
import type { Tool } from '../../../src/mcp/tool.ts';
import { checkRateLimits } from '../../../src/mcp/tools/check-rate-limits.ts';
import { generateImage } from '../../../src/mcp/tools/generate-image.ts';
import { generateImages } from '../../../src/mcp/tools/generate-images.ts';
import { getJobStatus } from '../../../src/mcp/tools/get-job-status.ts';
import { wordsOf } from '../../support/words.ts';

const read = (tool: Tool, args: unknown) => readArguments(tool, args, (text) => text);

function problemOf(tool: Tool, args: unknown): string {
  try {
    return `taken: ${JSON.stringify(read(tool, args))}`;
  } catch (error) {
    if (error instanceof FluxError) return wordsOf(error).what;
    throw error;
  }
}

/** What each tool needs at least. */
const LEAST: Record<string, Record<string, unknown>> = {
  generate_image: { prompt: 'a fox' },
  generate_images: { images: [{ prompt: 'a fox' }] },
  get_job_status: { job_id: 'job_1' },
};
const PICTURE = { prompt: 'a fox' };

describe('an optional argument', () => {
  const optional = TOOLS.flatMap((tool) =>
    Object.entries(tool.input.shape)
      .filter(([, field]) => (field as { isOptional: () => boolean }).isOptional())
      .map(([name]): [string, string, Tool] => [tool.name, name, tool]),
  );

  it.each(optional)('%s.%s is absent when it is null or an empty text', (name, argument, tool) => {
    // Either of the two must be given.
    const least = argument === 'job_id' ? { job_ids: ['job_1'] } : (LEAST[name] ?? {});
    for (const nothing of [null, '']) expect(read(tool, { ...least, [argument]: nothing })).toEqual(read(tool, least));
  });

  it('is absent in the entries of a list, too', () => {
    const entry = { ...PICTURE, aspect_ratio: null, size: '', width: null, height: '', file_name: null };
    expect(read(generateImages, { images: [entry] })).toEqual(read(generateImages, { images: [PICTURE] }));
  });

  it('is none where it must be given, or is not known', () => {
    expect(problemOf(generateImage, { prompt: null })).toContain('prompt: null must be a text');
    expect(problemOf(generateImage, { prompt: '' })).toContain('must say what the picture shows');
    expect(problemOf(generateImages, { images: null })).toContain('images: null must be a list');
    expect(problemOf(generateImages, { images: [{ prompt: null }] })).toContain('images[0].prompt: null must be');
    expect(problemOf(generateImage, { ...PICTURE, sead: null })).toContain('"sead" is not an argument');
    expect(problemOf(generateImage, { ...PICTURE, file_name: ' ' })).toContain('file_name: "" must be 1 to 80');
  });
});

describe('a number or a boolean that is given as text', () => {
  it('is read', () => {
    const args = { ...PICTURE, width: '512', height: '256', wait_seconds: '0', max_credits: '20' };
    expect(read(generateImage, { ...args, allow_duplicate: 'true' })).toMatchObject({
      width: 512,
      height: 256,
      wait_seconds: 0,
      max_credits: 20,
      allow_duplicate: true,
    });
    expect(read(checkRateLimits, { refresh: 'True' })).toEqual({ refresh: true });
    expect(read(checkRateLimits, { refresh: 'false' })).toEqual({ refresh: false });
    expect(read(generateImages, { images: [{ ...PICTURE, width: '512' }] })).toMatchObject({
      images: [{ width: 512 }],
    });
  });

  it('is still checked', () => {
    expect(problemOf(generateImage, { ...PICTURE, width: '100' })).toContain('width: 100 must be a whole number');
    expect(problemOf(getJobStatus, { job_id: 'job_1', wait_seconds: '-5' })).toContain('wait_seconds: -5 must be');
  });

  it.each(['1e3', '0x200', ' 512', '512px', '0512', '+512', '512.0', '5,12', 'Infinity', 'NaN', '-0', '9'.repeat(400)])(
    'is not guessed at: %j',
    (width) => {
      expect(problemOf(generateImage, { ...PICTURE, width })).toMatch(/^- width: ".*" must be a whole number/mu);
    },
  );

  it.each(['yes', '1', 'TRUE ', 'on'])('is no boolean: %j', (refresh) => {
    expect(problemOf(checkRateLimits, { refresh })).toContain('must be true or false');
  });

  it('stays a text where a text is meant', () => {
    expect(read(generateImage, { prompt: '1024', file_name: 'true' })).toMatchObject({
      prompt: '1024',
      file_name: 'true',
    });
  });
});

describe('a list that is given as JSON text', () => {
  const asText = (images: unknown): unknown => read(generateImages, { images: JSON.stringify(images) });

  it('is parsed, and repaired inside', () => {
    expect(asText([PICTURE, { ...PICTURE, width: '512', size: null }])).toMatchObject({
      images: [PICTURE, { ...PICTURE, width: 512 }],
    });
    expect(asText([{ prompt: 'x'.repeat(4_000) }])).toMatchObject({ images: [{ prompt: 'x'.repeat(4_000) }] });
  });

  it.each([
    ['no JSON', 'a fox'],
    ['an object', '{"prompt":"a fox"}'],
    ['half a list', '[{"prompt":"a fox"}'],
    ['too many values', JSON.stringify(Array.from({ length: 3_000 }, () => 1))],
    ['too deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['far too deep', '['.repeat(3_000_000)],
  ])('is refused as a text when it is %s', (_, images) => {
    expect(problemOf(generateImages, { images })).toMatch(/^- images: ".{1,60}" must be a list of 1 to 50 entries$/mu);
  });

  it('is checked like any other', () => {
    expect(problemOf(generateImages, { images: '[]' })).toContain('images: [] must be a list of 1 to 50 entries');
    expect(problemOf(generateImages, { images: '[{"promt":"a fox"}]' })).toContain('images[0].prompt: is missing');
  });
});

describe('what a workflow program adds for itself', () => {
  const added = { toolCallId: 'call_1', sessionId: 's', action: 'sendMessage', chatInput: 'draw a fox' };

  it.each(TOOLS.map((tool): [string, Tool] => [tool.name, tool]))('is dropped by %s', (name, tool) => {
    const least = LEAST[name] ?? {};
    expect(read(tool, { ...least, ...added })).toEqual(read(tool, least));
  });

  it('is an error in the entries of a list', () => {
    expect(problemOf(generateImages, { images: [{ ...PICTURE, sessionId: 's' }] })).toContain('"sessionId" is not');
  });
});

describe('whatever arrives', () => {
  const field = fc.oneof(
    fc.constantFrom(...TOOLS.flatMap((tool) => Object.keys(tool.input.shape)), 'constructor', '__proto__', 'toString'),
    fc.string(),
  );

  it('good arguments stay what they are', () => {
    const good = fc.record(
      { prompt: fc.constant('a fox'), wait_seconds: fc.integer({ min: 0, max: 300 }), allow_duplicate: fc.boolean() },
      { requiredKeys: ['prompt'] },
    );
    fc.assert(
      fc.property(good, (args) => {
        expect(read(generateImage, args)).toEqual({ allow_duplicate: false, ...args });
        expect(read(generateImage, { ...args, action: 1 })).toEqual({ allow_duplicate: false, ...args });
      }),
    );
  });

  it('is taken or refused in words, and read the same a second time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TOOLS), fc.dictionary(field, fc.jsonValue()), (tool, args) => {
        // An own property, as JSON.parse makes it.
        const given: unknown = JSON.parse(JSON.stringify({ ...LEAST[tool.name], ...args }));
        const answer = problemOf(tool, given);
        if (answer.startsWith('taken: ')) {
          const once: unknown = JSON.parse(answer.slice('taken: '.length));
          expect(read(tool, once)).toEqual(once);
        } else expect(answer).toMatch(/^The arguments of \w+ are not valid, so nothing was sent\.\n- /u);
      }),
    );
  });
});
