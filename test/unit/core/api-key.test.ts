/** Proves that mistakes in place of a key are named, that keys are accepted, and that no key is shown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyProblem } from '../../../src/core/api-key.ts';
import { wordsOf } from '../../support/words.ts';

function problem(text: string): string {
  const found = keyProblem(text);
  if (found === undefined) return '';
  const reason = { code: 'key_not_usable', problem: found } as const;
  return wordsOf({ kind: 'bad_key', reason, creditsSpent: 'no', retry: 'no' }).what;
}

describe('a key', () => {
  it.each([
    'dt_live_12345678',
    'sk-proj-AbC_123.xyz~',
    'YWJjZGVmZ2hpamtsbW5vcA==',
    '$2b$10$abcdefghijkl',
    'key_undefined_1',
    'abc%def%ghi',
    'a=b=c=d1',
    '8f14e45fceea167a',
    'nullable-1234',
  ])('is taken as it is: %s', (text) => {
    expect(problem(text)).toBe('');
  });
});

describe('a placeholder', () => {
  it.each([
    `\${input:doitong-key}`,
    `\${env:DOITONG_API_KEY}`,
    `\${DOITONG_API_KEY}`,
    '$DOITONG_API_KEY',
    '$env:DOITONG_API_KEY',
    '$(DOITONG_API_KEY)',
    '%DOITONG_API_KEY%',
    '{{key}}',
    '{{ api-key }}',
  ])('is named: %s', (text) => {
    expect(problem(text)).toBe(
      `The host did not fill in ${text}: DOITONG_API_KEY still contains that placeholder in place of the key.`,
    );
  });

  it.each([
    '<your-key>',
    '<YOUR API KEY>',
    '[your-key-here]',
    'your-key',
    'your-api-key',
    'YOUR_API_KEY',
    'your_doitong_api_key_here',
    'undefined',
    'null',
    'None',
    'changeme',
    'xxxxxxxx',
    'api-key',
  ])('of an example is named: %s', (text) => {
    expect(problem(text)).toBe(`DOITONG_API_KEY contains "${text}", an example in place of a key.`);
  });
});

describe('more than a key', () => {
  it.each([
    ['"dt_live_12345678"', 'quotation marks'],
    ["'dt_live_12345678'", 'quotation marks'],
    ['`dt_live_12345678`', 'quotation marks'],
    ['\u201cdt_live_12345678\u201d', 'quotation marks'],
    ['DOITONG_API_KEY=dt_live_12345678', 'NAME=key'],
    ['export DOITONG_API_KEY=dt_live_12345678', 'NAME=key'],
    ['set KEY=dt_live_12345678', 'NAME=key'],
    ['$env:KEY = dt_live_12345678', 'NAME=key'],
    ['api_key: dt_live_12345678', 'NAME=key'],
    ['Bearer dt_live_12345678', 'whole header'],
    ['Authorization: Bearer dt_live_12345678', 'whole header'],
    ['dt_live_12345678\ndt_live_87654321', 'several lines'],
    ['dt live 12345678', 'does not contain one key'],
    ['short', 'does not contain one key'],
  ])('is refused without being shown: %s', (text, reason) => {
    expect(problem(text)).toContain(reason);
    expect(problem(text)).not.toContain('12345678');
  });
});

it('no text makes the answer long, or puts control characters into it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 5_000 }),
      fc.constantFrom('', `\${`, '{{', '<'),
      (text, start) => {
        const said = problem(`${start}${text}}}`);
        expect(said.length).toBeLessThan(400);
        expect(said).not.toMatch(/\p{Cc}/u);
      },
    ),
  );
});
