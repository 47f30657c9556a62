/** Proves when a call may spend its price without asking, when somebody is asked, and when it may not. */
import { describe, expect, it } from 'vitest';
import { type Failure, FluxError } from '../../../src/core/failure.ts';
import type { CreditRange } from '../../../src/core/image-request.ts';
import { type Confirmation, confirm } from '../../../src/limits/budget.ts';
import { propose } from '../../support/place-orders.ts';
import { failureSentences } from '../../../src/mcp/failure-text.ts';
import { wordsOf } from '../../support/words.ts';
import { createBench, REQUEST } from './fakes.ts';

const SETTINGS = { confirmAboveCredits: 100 };
const CHEAP = { min: 50, max: 100 };
const EXPENSIVE = { min: 60, max: 101 };

type Asked = Partial<Confirmation> & { estimate?: CreditRange; recent?: number };

const YES = (upTo: number) => ({ type: 'yes' as const, upTo });
const NO = { type: 'no' as const };
const UNANSWERED = { type: 'unanswered' as const };

const confirmation = ({ estimate = EXPENSIVE, recent = 0, ...patch }: Asked = {}): ReturnType<typeof confirm> =>
  confirm(
    estimate,
    recent,
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
    for (const canAsk of [true, false, 'unanswered'] as const)
      expect(confirmation({ estimate: CHEAP, canAsk })).toBe('unasked');
  });

  it('counts together with what was ordered without a yes shortly before', () => {
    const small = { min: 10, max: 20 };
    expect(confirmation({ estimate: small, recent: 80, canAsk: true })).toBe('unasked');
    expect(confirmation({ estimate: small, recent: 81, canAsk: true })).toBe('ask');
    const failure = refusal({ estimate: small, recent: 81 });
    expect(wordsOf(failure).what).toContain('10 to 20 credits');
    expect(wordsOf(failure).what).toContain('(and 81 were ordered without a yes in the last 10 minutes)');
    expect(wordsOf(failure).next).toContain('max_credits 20');
  });

  it('above it is asked for where somebody can be asked, whatever the caller accepts', () => {
    expect(confirmation({ canAsk: true })).toBe('ask');
    for (const accepted of [101, 500, 100_000_000]) expect(confirmation({ canAsk: true, accepted })).toBe('ask');
  });

  it('above it is confirmed by the yes of the user, up to the price that was asked about', () => {
    for (const canAsk of [true, 'unanswered'] as const)
      expect(confirmation({ canAsk, answer: YES(101) })).toBe('confirmed');
    expect(confirmation({ canAsk: true, answer: YES(5_000) })).toBe('confirmed');
  });

  it('that has risen since the yes is asked for again', () => {
    expect(confirmation({ canAsk: true, answer: YES(100) })).toBe('ask');
    expect(confirmation({ canAsk: true, answer: YES(100), accepted: 101 })).toBe('ask');
  });

  it('above it is confirmed by the caller who accepts all of it only where nobody can be asked', () => {
    for (const canAsk of [false, 'unanswered'] as const) {
      expect(confirmation({ canAsk, accepted: 101 })).toBe('confirmed');
      expect(confirmation({ canAsk, accepted: 5_000 })).toBe('confirmed');
    }
  });

  it('is not confirmed by accepting less than it may be', () => {
    expect(confirmation({ accepted: 100, canAsk: true })).toBe('ask');
    expect(refusal({ accepted: 100 }).kind).toBe('not_confirmed');
  });

  it('is not confirmed where nobody can be asked: the answer names the price and what to do', () => {
    const failure = refusal({});
    expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'later' });
    expect(wordsOf(failure).what).toContain('60 to 101 credits');
    expect(wordsOf(failure).what).toContain('this host cannot ask the user');
    expect(wordsOf(failure).what).not.toContain('last 10 minutes');
    expect(failureSentences(failure)).toContain('No credits were spent.');
    expect(wordsOf(failure).next).toContain('generate_image again with the same arguments and max_credits 101');
  });

  it("is refused by the user's no, without a hint how to order nevertheless, whatever the price and whatever was accepted", () => {
    for (const patch of [{}, { accepted: 5_000 }, { estimate: CHEAP }]) {
      const failure = refusal({ canAsk: true, answer: NO, ...patch });
      expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'no' });
      expect(wordsOf(failure).what).toBe('The user did not confirm.');
      expect(wordsOf(failure).next).not.toContain('max_credits');
    }
  });

  it('is not confirmed by a question without an answer: the answer names the price and what to do', () => {
    for (const accepted of [undefined, 101, 5_000]) {
      for (const canAsk of [true, 'unanswered'] as const)
        expect(refusal({ canAsk, answer: UNANSWERED, accepted })).toEqual(
          refusal({ canAsk: true, answer: UNANSWERED }),
        );
      const failure = refusal({ canAsk: true, answer: UNANSWERED, accepted });
      expect(failure).toMatchObject({ kind: 'not_confirmed', creditsSpent: 'no', retry: 'later' });
      expect(wordsOf(failure).what).toMatch(/^The question was not answered\. /);
      expect(failureSentences(failure)).toContain('No credits were spent.');
      expect(wordsOf(failure).next).toContain('generate_image again with the same arguments and max_credits 101');
    }
  });

  it('is not asked for where an earlier question has no answer: the answer names the price and what to do', () => {
    const failure = refusal({ canAsk: 'unanswered' });
    expect(wordsOf(failure).what).toContain('this host left an earlier question unanswered');
    expect(wordsOf(failure).next).toContain('max_credits 101');
  });

  it('is never asked for twice', () => {
    expect(confirmation({ canAsk: true, answer: YES(101) })).not.toBe('ask');
    for (const answer of [NO, UNANSWERED]) expect(() => confirmation({ canAsk: true, answer })).toThrow(FluxError);
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

  it('counts what was ordered without a yes in ten minutes, and not what was confirmed', async () => {
    const { jobs, clock } = createBench({ confirmAboveCredits: 50 });
    const order = async (prompt: string, answer: Confirmation['answer']) => {
      const proposal = await propose(jobs, [{ request: { ...REQUEST, prompt } }], { answer, isBatch: false });
      if (proposal.type === 'ready') await jobs.commit(proposal);
      return proposal.type;
    };
    // The price of one is at most 20 credits.
    expect(await order('one', undefined)).toBe('ready');
    expect(await order('two', undefined)).toBe('ready');
    expect(await order('three', undefined)).toBe('ask');
    expect(await order('three', YES(20))).toBe('ready');
    // The confirmed one does not count, the two before it still do.
    expect(await order('four', undefined)).toBe('ask');
    await clock.advance(10 * 60_000);
    expect(await order('four', undefined)).toBe('ready');
    expect(await order('five', undefined)).toBe('ready');
    expect(await order('six', undefined)).toBe('ask');
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
    expect(await proposed(NO)).toMatchObject({ type: 'refused', failure: { kind: 'not_confirmed' } });
  });
});
