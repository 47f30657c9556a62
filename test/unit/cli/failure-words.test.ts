/** Proves that what a person reads of a failure is said to that person. */
import { describe, expect, it } from 'vitest';
import { remedyFor } from '../../../src/cli/failure-words.ts';
import { FAILURE_KINDS, type Failure, type FailureKind } from '../../../src/core/failure.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';

const failure = (kind: FailureKind, patch: Partial<Failure> = {}): Failure => ({
  kind,
  reason: { code: 'worded', what: 'It failed.', next: 'Ask the user to call generate_image.' },
  creditsSpent: 'no',
  retry: 'no',
  ...patch,
});

describe('a remedy for a person', () => {
  it.each(FAILURE_KINDS)('of %s is a sentence that sends nobody to the user, and names no tool', (kind) => {
    const said = remedyFor(failure(kind));
    expect(said).toMatch(/^[A-Z].*\.$/u);
    expect(said).not.toMatch(/the user/u);
    for (const { name } of TOOLS) expect(said).not.toContain(name);
  });

  it('is what only the user can do, where the reason names it', () => {
    const reason = { code: 'state_is_newer', path: '/s' } as const;
    expect(remedyFor(failure('storage_failed', { reason }))).toBe('Update flux-pro-mcp everywhere.');
  });

  it('names the seconds where they are known', () => {
    expect(remedyFor(failure('rate_limited', { retryAfterSeconds: 7 }))).toBe('Wait 7 s, then try again.');
  });
});
