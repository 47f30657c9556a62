/** Proves that what every agent reads first fits and says what matters for the user's money. */
import { describe, expect, it } from 'vitest';
import { instructions } from '../../../src/mcp/instructions.ts';

describe.each([true, false])('the instructions, in the sandbox: %s', (sandbox) => {
  const text = instructions(sandbox);

  it('fit where Claude Code cuts them', () => {
    expect(text.length).toBeLessThanOrEqual(2_048);
  });

  it('say how a picture is finished without paying for it twice', () => {
    expect(text).toContain('Never call generate_image again for the same picture');
    expect(text).toContain('get_job_status');
  });

  it('say whether this is the sandbox', () => {
    expect(text.includes('built-in sandbox')).toBe(sandbox);
  });
});
