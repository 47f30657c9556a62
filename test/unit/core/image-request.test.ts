/** Proves every bound of a picture request, and that each named ratio is a size that the service takes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agree,
  ASPECT_RATIO_NAMES,
  ASPECT_RATIOS,
  dedupeKey,
  SIZES,
  sidesOf,
} from '../../../src/core/image-request.ts';
import { fileNameSchema, promptSchema, sideSchema } from '../../../src/mcp/ordering.ts';

const messagesOf = (schema: typeof promptSchema, value: unknown): string[] =>
  schema.safeParse(value).error?.issues.map((issue) => issue.message) ?? [];

describe('the prompt', () => {
  it.each([
    ['one character', 'x'],
    ['4,000 characters', 'x'.repeat(4_000)],
    ['4,000 emoji, which are 8,000 UTF-16 units', '🦊'.repeat(4_000)],
    ['emoji joined by invisible joiners', '👩‍👩‍👧 in a park'],
    ['line breaks and tabs', 'a fox\r\n\tin snow'],
    ['any script', 'شجرة 狐 Füchse'],
  ])('may be %s', (_, prompt) => {
    expect(promptSchema.parse(prompt)).toBe(prompt);
  });

  it.each([
    ['empty', ''],
    ['only white space', ' \n\t\u00A0\u3000'],
    ['only invisible characters', '\u200B\uFEFF\u2060'],
  ])('must not be %s', (_, prompt) => {
    expect(messagesOf(promptSchema, prompt)).toEqual(['must say what the picture shows; it is empty']);
  });

  it('is counted in characters as people see the bound, and the message says how many there are', () => {
    expect(messagesOf(promptSchema, '🦊'.repeat(4_001))).toEqual([
      'must be 1 to 4000 characters; it has 4001 characters',
    ]);
    expect(messagesOf(promptSchema, 'x'.repeat(100_000))).toEqual([
      'must be 1 to 4000 characters; it has 100000 characters',
    ]);
  });

  it.each([
    ['NUL', 'a\0b'],
    ['a terminal escape', 'a\u001B[2Jb'],
    ['a C1 control', 'a\u0085b'],
    ['DEL', 'a\u007Fb'],
    ['a lone high surrogate', 'a\uD83Eb'],
    ['a lone low surrogate', 'a\uDD8Ab'],
  ])('must not contain %s', (_, prompt) => {
    expect(messagesOf(promptSchema, prompt)).toEqual([
      'must not contain control characters (line breaks and tabs are fine) or unpaired surrogates',
    ]);
  });

  it('arrives as it was written: nothing is trimmed or changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }), (text) => {
        const read = promptSchema.safeParse(` ${text} `);
        if (read.success) expect(read.data).toBe(` ${text} `);
      }),
    );
  });
});

describe('a side', () => {
  it('is a multiple of 8 from 256 to 2048, and nothing else', () => {
    for (const side of [256, 264, 1024, 2040, 2048]) expect(sideSchema.parse(side)).toBe(side);
    for (const side of [0, -256, 248, 255, 257, 1023, 2049, 2056, 1024.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(sideSchema.safeParse(side).success).toBe(false);
    }
    for (const side of ['1024', null, [1024], 1024n]) expect(sideSchema.safeParse(side).success).toBe(false);
    fc.assert(
      fc.property(fc.integer({ min: -4_096, max: 8_192 }), (side) => {
        expect(sideSchema.safeParse(side).success).toBe(side >= 256 && side <= 2_048 && side % 8 === 0);
      }),
    );
  });
});

describe('the file name', () => {
  it.each(['fox', 'fox.jpg', 'Füchse im Schnee', '狐', 'x'.repeat(80), '🦊'.repeat(80)])('may be %j', (name) => {
    expect(fileNameSchema.parse(name)).toBe(name);
  });

  it.each(['', '   ', 'x'.repeat(81)])('has a length of 1 to 80 characters: not %j', (name) => {
    expect(messagesOf(fileNameSchema, name)).toEqual(['must be 1 to 80 characters']);
  });

  it.each([
    '../fox',
    'a/b',
    'a\\b',
    '/etc/passwd',
    'C:fox',
    '.hidden',
    '..',
    'a\0b',
    'a\nb',
    'a\u202Egpj',
    'fox*',
    'fox?',
    '"fox"',
    '<fox>',
    'a|b',
    'a\uD800',
  ])('is never a path or a trick: not %j', (name) => {
    expect(messagesOf(fileNameSchema, name)[0]).toMatch(/^must be a plain name, never a path/u);
  });
});

describe.each(ASPECT_RATIO_NAMES)('the aspect ratio %s', (name) => {
  const [across, down] = name.split(':').map(Number);

  it.each(SIZES)('in size %s is made of sides that the service takes, within 1.5 %% of the ratio', (size) => {
    const [width, height] = ASPECT_RATIOS[name][size];
    expect(sideSchema.parse(width)).toBe(width);
    expect(sideSchema.parse(height)).toBe(height);
    const wanted = Number(across) / Number(down);
    expect(Math.abs(width / height / wanted - 1)).toBeLessThanOrEqual(0.015);
  });

  it.each(SIZES)('agrees in size %s with its own sides, and with no others', (size) => {
    const [width, height] = ASPECT_RATIOS[name][size];
    expect(agree({ aspectRatio: name, size, width, height })).toBe(true);
    expect(agree({ aspectRatio: name, width, height })).toBe(true);
    for (const other of ASPECT_RATIO_NAMES)
      expect(agree({ aspectRatio: other, width, height }), other).toBe(other === name);
    for (const other of SIZES) expect(agree({ size: other, width, height }), other).toBe(other === size);
  });

  it('stays in the first price bracket as standard, and has its longest side at 2048 as large', () => {
    const { standard, large } = ASPECT_RATIOS[name];
    expect(standard[0] * standard[1]).toBeLessThanOrEqual(1_024 ** 2);
    // "About 1 megapixel" is a promise, too.
    expect(standard[0] * standard[1]).toBeGreaterThan(0.9 * 1_024 ** 2);
    expect(Math.max(...large)).toBe(2_048);
  });
});

describe('sameAs', () => {
  const request = { prompt: 'a fox', width: 1024, height: 1024 } as const;

  it('is equal for what reads the same', () => {
    for (const prompt of [' a fox', 'a  fox', 'a\n\tfox\n', 'a\u00a0fox']) {
      expect(dedupeKey({ ...request, prompt })).toBe(dedupeKey(request));
    }
    expect(dedupeKey({ ...request, prompt: 'cafe\u0301' })).toBe(dedupeKey({ ...request, prompt: 'caf\u00e9' }));
  });

  it('differs with everything that makes another picture', () => {
    const others = [
      { ...request, prompt: 'A fox' },
      { ...request, prompt: 'afox' },
      { ...request, width: 1032 },
      { ...request, height: 1032 },
      { ...request, version: 'flux-pro' as const },
      { ...request, version: 'flux-pro-1.1' as const },
      { ...request, quality: 'high' as const },
    ];
    expect(new Set([request, ...others].map(dedupeKey)).size).toBe(1 + others.length);
  });
});

describe('sidesOf', () => {
  it('is 1024 × 1024 when nothing is said', () => {
    expect(sidesOf({})).toEqual({ width: 1024, height: 1024 });
    expect(sidesOf({ width: 512 })).toEqual({ width: 512, height: 1024 });
    expect(sidesOf({ width: 512, height: 256 })).toEqual({ width: 512, height: 256 });
  });

  it('are those that are given, next to a ratio and a size that they agree with', () => {
    expect(sidesOf({ aspectRatio: '16:9', width: 512, height: 288 })).toEqual({ width: 512, height: 288 });
  });

  it('follows ratio and size, each with its default', () => {
    expect(sidesOf({ aspectRatio: '16:9' })).toEqual({ width: 1360, height: 768 });
    expect(sidesOf({ aspectRatio: '9:16', size: 'large' })).toEqual({ width: 1152, height: 2048 });
    expect(sidesOf({ size: 'large' })).toEqual({ width: 2048, height: 2048 });
  });
});

describe('sides', () => {
  it('agree with whatever is not given', () => {
    for (const sides of [{}, { width: 512 }, { width: 512, height: 2048 }, { aspectRatio: '16:9' as const }])
      expect(agree(sides), JSON.stringify(sides)).toBe(true);
  });

  it('agree one at a time with no ratio and no size: the other one is not known', () => {
    expect(agree({ aspectRatio: '1:1', width: 1024 })).toBe(false);
    expect(agree({ size: 'standard', height: 1024 })).toBe(false);
  });

  it.each([
    ['1:1', 'large', 1024, 1024],
    ['1:1', 'standard', 2048, 2048],
    ['16:9', undefined, 1024, 1024],
    ['16:9', undefined, 288, 512],
  ] as const)('contradict %s %s when they are %i × %i', (aspectRatio, size, width, height) => {
    expect(agree({ aspectRatio, size, width, height })).toBe(false);
  });
});
