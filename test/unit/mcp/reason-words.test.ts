import { describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { Reason } from '../../../src/core/reasons.ts';
import { nextStep } from '../../../src/mcp/failure-text.ts';
import { rejectedWords } from '../../support/words.ts';

describe('the words of a failure', () => {
  const failure = (reason: unknown): Failure => ({
    kind: 'rate_limited',
    reason: reason as Reason,
    creditsSpent: 'no',
    retry: 'later',
  });

  it('are those that its reason brings', async () => {
    const words = await rejectedWords(
      Promise.reject(new FluxError(failure({ code: 'worded', what: 'A.', next: 'B.' }))),
    );
    expect(words).toEqual({ what: 'A.', next: 'B.' });
  });

  it.each(['from_a_newer_version', 'toString', '__proto__'])(
    'are those of its kind where a record holds a reason that is not known: %s',
    async (code) => {
      const { what } = await rejectedWords(Promise.reject(new FluxError(failure({ code }))));
      expect(what).toBe('The reason is not known to this version of the server.');
      expect(nextStep(failure({ code }))).toBe('Wait a minute, then call again.');
    },
  );
});
