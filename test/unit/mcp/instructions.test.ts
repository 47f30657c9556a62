/** Proves that what every agent reads first is whole, fits, and says what matters for the user's money. */
import { describe, expect, it } from 'vitest';
import { instructions } from '../../../src/mcp/instructions.ts';
import { brokenLines } from '../../support/whole-sentences.ts';

/** Where Claude Code cuts them. */
const CUT_AT_CHARACTERS = 2_048;
/** For a sentence that only some settings add. */
const KEPT_FREE_CHARACTERS = 260;

describe.each([true, false])('the instructions, in the sandbox: %s', (sandbox) => {
  const text = instructions(sandbox);

  it('fit where Claude Code cuts them, with room for one more sentence', () => {
    expect(text.length).toBeLessThanOrEqual(CUT_AT_CHARACTERS - KEPT_FREE_CHARACTERS);
  });

  it('are whole sentences, one on each line', () => {
    expect(brokenLines(text)).toEqual([]);
    expect(text.split('\n').length).toBeGreaterThanOrEqual(7);
  });

  it('say when to call get_job_status, by every status that is not the end', () => {
    const sentence = text.split('\n').find((line) => line.startsWith('If a job comes back'));
    for (const status of ['queued', 'submitting', 'processing', 'completed', 'failed'])
      expect(sentence).toContain(`"${status}"`);
    expect(sentence).toContain('call get_job_status');
  });

  it('say how a picture is finished without paying for it twice', () => {
    expect(text).toContain('Never call generate_image again for the same picture');
    expect(text).toContain('get_job_status');
  });

  it('promise of no call that it costs nothing: generate_image says for how long an equal one is found', () => {
    expect(text).toContain('every new order costs credits');
    expect(text).not.toMatch(/nothing twice|costs? nothing|no cost|free/);
  });

  it('say whether this is the sandbox', () => {
    expect(text.includes('built-in sandbox')).toBe(sandbox);
  });
});

describe('a line that lost its other half', () => {
  it.each([
    'call get_job_status with that job_id.',
    'If it answers with a status other than "completed" or',
    'The status is "completed.',
    'Show the picture (and say where it is.',
  ])('is found: %s', (line) => {
    expect(brokenLines(line)).toEqual([line]);
  });
});
