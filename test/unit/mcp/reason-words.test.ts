import { describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { Reason } from '../../../src/core/reasons.ts';
import { nextStep, saidOf } from '../../../src/mcp/failure-text.ts';
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

const ROOM = /^make room there, or set FLUX_\w+_DIR /u;
const RIGHT = /^put that right, or set FLUX_\w+_DIR /u;
// No other folder helps.
const FILES = /^restart the server: .* too many files open; .*ulimit -n\)$/u;

it.each([
  ['ENOSPC', ROOM],
  ['EDQUOT', ROOM],
  ['EACCES', RIGHT],
  ['EROFS', RIGHT],
  ['EIO', RIGHT],
  ['no_answer', RIGHT],
  ['EMFILE', FILES],
  ['ENFILE', FILES],
])('what the user can do about a folder, a record or a picture depends on what the disk says: %s', (code, advice) => {
  const reasons: Reason[] = [
    { code: 'state_not_kept', path: '/state/jobs', error: code },
    { code: 'folder_not_usable', contents: 'pictures', folder: '/pictures', problem: code },
    { code: 'picture_not_saved', folder: '/pictures', problem: code },
  ];
  for (const reason of reasons)
    expect(saidOf({ kind: 'storage_failed', reason, creditsSpent: 'no', retry: 'no' }).user).toMatch(advice);
});
