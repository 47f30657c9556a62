/** Proves that an order that may have been carried out is never called free. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/core/failure.ts';
import type { ServiceAnswer } from '../../../src/core/reasons.ts';
import type { WireError } from '../../../src/doitong/envelope.ts';
import { FAILURE_TABLE } from '../../../src/doitong/failure-table.ts';
import { rowDecision } from '../../../src/doitong/failures.ts';
import { failureOfAllTries } from '../../../src/jobs/submission.ts';
import { wordsOf } from '../../support/words.ts';

const ROW_NAMES = (Object.keys(FAILURE_TABLE) as ServiceAnswer[]).filter(
  (name) => name !== 'unknownJob' && name !== 'noJobQuery',
);
const failureOfRow = (name: ServiceAnswer, errors: WireError[] = []): Failure =>
  rowDecision(name, 'submit', { errors }).failure;
const ofAll = (tries: readonly Failure[]): Failure =>
  failureOfAllTries(tries.slice(0, -1), tries.at(-1) ?? failureOfRow('lost'));
const decisionOf = (...names: [ServiceAnswer, ...ServiceAnswer[]]): Failure => {
  return ofAll(names.map((name) => failureOfRow(name)));
};

const open = ROW_NAMES.filter((name) => FAILURE_TABLE[name].creditsSpent !== 'no');
const refusing = ROW_NAMES.filter((name) => FAILURE_TABLE[name].creditsSpent === 'no');
const some = (names: ServiceAnswer[]): fc.Arbitrary<ServiceAnswer[]> =>
  fc.array(fc.constantFrom(...names), { maxLength: 4 });

describe('the failure of all tries', () => {
  it('has rows of both sorts to work with', () => {
    expect(open).toEqual(expect.arrayContaining(['lost', 'serviceError', 'unreadable', 'conflict']));
    expect(refusing).toEqual(expect.arrayContaining(['notSent', 'noCredits', 'badKey', 'rateLimited']));
  });

  it('never says that no credits were spent once a try was ambiguous', () => {
    fc.assert(
      fc.property(some(ROW_NAMES), fc.constantFrom(...open), some(ROW_NAMES), (before, ambiguous, after) => {
        const decision = ofAll([...before, ambiguous, ...after].map((name) => failureOfRow(name)));
        expect(decision.creditsSpent).toBe('maybe');
        expect(decision.retry).toBe('same_job');
        expect(['ambiguous', 'service_error', 'unsupported_service']).toContain(decision.kind);
      }),
    );
  });

  it('says that no credits were spent when every try was refused or not sent, in the words of the last', () => {
    fc.assert(
      fc.property(some(refusing), fc.constantFrom(...refusing), (before, last) => {
        const tries = [...before, last].map((name) => failureOfRow(name));
        expect(ofAll(tries)).toEqual(failureOfRow(last));
        expect(ofAll(tries).creditsSpent).toBe('no');
      }),
    );
  });

  it('is a service error when the service failed every time, and ambiguous when anything else came between', () => {
    expect(decisionOf('serviceError', 'serviceError', 'serviceError').kind).toBe('service_error');
    expect(decisionOf('lost').kind).toBe('ambiguous');
    expect(decisionOf('serviceError', 'lost').kind).toBe('ambiguous');
    expect(decisionOf('lost', 'serviceError').kind).toBe('ambiguous');
    expect(decisionOf('serviceError', 'notSent').kind).toBe('ambiguous');
    expect(decisionOf('rateLimited', 'serviceError').kind).toBe('ambiguous');
  });

  it('keeps what the last answer said, and both messages', () => {
    const refused = failureOfRow('noCredits', [{ message: '', said: '', creditsRequired: 30, creditsAvailable: 10 }]);
    const decision = ofAll([failureOfRow('lost'), { ...refused, retryAfterSeconds: 90 }]);
    expect(decision).toMatchObject({
      kind: 'ambiguous',
      creditsAvailable: 10,
      creditsRequired: 30,
      retryAfterSeconds: 90,
    });
    expect(wordsOf(decision).what).toContain('None of 2 tries');
    expect(wordsOf(decision).what).toContain('gave no answer');
    expect(wordsOf(decision).what).toContain('too few credits');
  });
});
