/** Proves that an order that may have been carried out is never called free. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/core/failure.ts';
import type { WireError } from '../../../src/doitong/envelope.ts';
import { FAILURE_TABLE, type FailureRowName } from '../../../src/doitong/failure-table.ts';
import { rowVerdict } from '../../../src/doitong/failures.ts';
import { submissionVerdict } from '../../../src/doitong/submission-decision.ts';

const ROW_NAMES = (Object.keys(FAILURE_TABLE) as FailureRowName[]).filter(
  (name) => name !== 'unknownJob' && name !== 'noJobQuery',
);
const failureOfRow = (name: FailureRowName, errors: WireError[] = []): Failure =>
  rowVerdict(name, 'submit', { errors }).failure;
const verdictOf = (...names: [FailureRowName, ...FailureRowName[]]): Failure => {
  const [first, ...rest] = names;
  return submissionVerdict([failureOfRow(first), ...rest.map((name) => failureOfRow(name))]);
};

const open = ROW_NAMES.filter((name) => FAILURE_TABLE[name].creditsSpent !== 'no');
const refusing = ROW_NAMES.filter((name) => FAILURE_TABLE[name].creditsSpent === 'no');
const some = (names: FailureRowName[]): fc.Arbitrary<FailureRowName[]> =>
  fc.array(fc.constantFrom(...names), { maxLength: 4 });

describe('submissionVerdict', () => {
  it('has rows of both sorts to work with', () => {
    expect(open).toEqual(expect.arrayContaining(['lost', 'serviceError', 'unreadable', 'conflict']));
    expect(refusing).toEqual(expect.arrayContaining(['notSent', 'noCredits', 'badKey', 'rateLimited']));
  });

  it('never says that no credits were spent once a try was ambiguous', () => {
    fc.assert(
      fc.property(some(ROW_NAMES), fc.constantFrom(...open), some(ROW_NAMES), (before, ambiguous, after) => {
        const verdict = submissionVerdict(
          [...before, ambiguous, ...after].map((name) => failureOfRow(name)) as [Failure, ...Failure[]],
        );
        expect(verdict.creditsSpent).toBe('maybe');
        expect(verdict.retry).toBe('same_job');
        expect(['ambiguous', 'service_error', 'unsupported_service']).toContain(verdict.kind);
      }),
    );
  });

  it('says that no credits were spent when every try was refused or not sent, in the words of the last', () => {
    fc.assert(
      fc.property(some(refusing), fc.constantFrom(...refusing), (before, last) => {
        const tries = [...before, last].map((name) => failureOfRow(name)) as [Failure, ...Failure[]];
        expect(submissionVerdict(tries)).toEqual(failureOfRow(last));
        expect(submissionVerdict(tries).creditsSpent).toBe('no');
      }),
    );
  });

  it('is a service error when the service failed every time, and ambiguous when anything else came between', () => {
    expect(verdictOf('serviceError', 'serviceError', 'serviceError').kind).toBe('service_error');
    expect(verdictOf('lost').kind).toBe('ambiguous');
    expect(verdictOf('serviceError', 'lost').kind).toBe('ambiguous');
    expect(verdictOf('lost', 'serviceError').kind).toBe('ambiguous');
    expect(verdictOf('serviceError', 'notSent').kind).toBe('ambiguous');
    expect(verdictOf('rateLimited', 'serviceError').kind).toBe('ambiguous');
  });

  it('keeps what the last answer told, and tells both stories', () => {
    const refused = failureOfRow('noCredits', [{ message: '', creditsRequired: 30, creditsAvailable: 10 }]);
    const verdict = submissionVerdict([failureOfRow('lost'), { ...refused, retryAfterSeconds: 90 }]);
    expect(verdict).toMatchObject({
      kind: 'ambiguous',
      creditsAvailable: 10,
      creditsRequired: 30,
      retryAfterSeconds: 90,
    });
    expect(verdict.message).toContain('None of 2 tries');
    expect(verdict.message).toContain('gave no answer');
    expect(verdict.message).toContain('too few credits');
  });
});
