/** Proves when a call may spend its price without asking, when somebody is asked, and when it may not. */
import { describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { CreditRange } from '../../../src/core/image-request.ts';
import { type Confirmation, confirm } from '../../../src/limits/budget.ts';
import { propose } from '../../support/place-orders.ts';
import { wordsOf } from '../../support/words.ts';
import { createBench, REQUEST } from './fakes.ts';

const SETTINGS = { confirmAboveCredits: 100 };
const CHEAP = { min: 50, max: 100 };
const EXPENSIVE = { min: 60, max: 101 };

type Asked = Partial<Confirmation> & { estimate?: CreditRange };

const confirmation = ({ estimate = EXPENSIVE, ...patch }: Asked = {}): 'granted' | 'ask' =>
  confirm(
    estimate,
    { accepted: undefined, canAsk: false, answer: undefined, tool: 'generate_image', ...patch },
    SETTINGS,
  );

function refusal(patch: Asked): Failure {
  try {
    confirmation(patch);
  } catch (error) {
    if (error instanceof FluxError) return error.failure;
  }
  throw new Error('it was not refused');
}

describe('a price', () => {
  it('up to the threshold needs no word, whoever is there', () => {
    for (const canAsk of [true, false]) expect(confirmation({ estimate: CHEAP, canAsk })).toBe('granted');
  });

  it('above it is asked for where somebody can be asked', () => {
    expect(confirmation({ canAsk: true })).toBe('ask');
  });

  it('above it is granted by the yes of the user, or by the caller who accepts all of it', () => {
    expect(confirmation({ canAsk: true, answer: 'yes' })).toBe('granted');
    for (const canAsk of [true, false]) {
      expect(confirmation({ canAsk, accepted: 101 })).toBe('granted');
      expect(confirmation({ canAsk, accepted: 5_000 })).toBe('granted');
    }
  });

  it('is not granted by accepting less than it may be', () => {
    expect(confirmation({ accepted: 100, canAsk: true })).toBe('ask');
    expect(refusal({ accepted: 100 }).kind).toBe('not_confirmed');
  });

  it('is not granted where nobody can be asked: the answer names the price and what to do', () => {
    const failure = refusal({});
    expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'later' });
    expect(wordsOf(failure).what).toContain('60 to 101 credits');
    expect(wordsOf(failure).what).toContain('this host cannot ask the user');
    expect(wordsOf(failure).what).toContain('Nothing was sent.');
    expect(wordsOf(failure).next).toContain('generate_image again with the same arguments and max_credits 101');
  });

  it("is refused by the user's no, without a hint how to order nevertheless, whatever the price and whatever was accepted", () => {
    for (const patch of [{}, { accepted: 5_000 }, { estimate: CHEAP }]) {
      const failure = refusal({ canAsk: true, answer: 'no', ...patch });
      expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'no' });
      expect(wordsOf(failure).what).toBe('The user did not confirm. Do not order unless the user now says yes.');
      expect(wordsOf(failure).next).not.toContain('max_credits');
    }
  });

  it('is not granted by a question without an answer: the answer names the price and what to do', () => {
    const failure = refusal({ canAsk: true, answer: 'unanswered' });
    expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'later' });
    expect(wordsOf(failure).what).toContain('The question was not answered. Nothing was spent');
    expect(wordsOf(failure).next).toContain('generate_image again with the same arguments and max_credits 101');
  });

  it('is not asked for where an earlier question has no answer: the answer names the price and what to do', () => {
    const failure = refusal({ canAsk: 'unanswered' });
    expect(wordsOf(failure).what).toContain('this host cannot ask the user: it left an earlier question unanswered');
    expect(wordsOf(failure).next).toContain('max_credits 101');
  });

  it('is never asked for twice', () => {
    for (const answer of ['yes', 'no', 'unanswered'] as const) {
      const again = (): unknown => confirmation({ canAsk: true, answer });
      if (answer === 'yes') expect(again()).toBe('granted');
      else expect(again).toThrow(FluxError);
    }
  });
});

describe('the threshold', () => {
  it('is the one that was set; nothing makes every call a question', async () => {
    const proposed = (confirmAboveCredits: number) =>
      propose(createBench({ confirmAboveCredits }).jobs, [{ request: REQUEST }], { answer: undefined });
    expect((await proposed(0)).type).toBe('ask');
    expect((await proposed(19)).type).toBe('ask');
    expect((await proposed(20)).type).toBe('ready');
  });
});

describe('folders that take no files', () => {
  const FULL: Failure = {
    kind: 'storage_failed',
    reason: { code: 'worded', what: 'The disk is full.' },
    creditsSpent: 'no',
    retry: 'no',
  };
  const proposed = (answer: Confirmation['answer']) =>
    propose(
      createBench({ confirmAboveCredits: 0, checkFolders: () => Promise.reject(new FluxError(FULL)) }).jobs,
      [{ request: REQUEST }],
      { answer },
    );

  it('are met before the user is asked', async () => {
    expect(await proposed(undefined)).toEqual({ type: 'refused', failure: FULL });
  });

  it('do not hide the no of the user', async () => {
    expect(await proposed('no')).toMatchObject({ type: 'refused', failure: { kind: 'not_confirmed' } });
  });
});
