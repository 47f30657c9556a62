/** Proves the failure table: which answer means what, for an order and for a reading. */
import { describe, expect, it } from 'vitest';
import { openEnvelope } from '../../../src/doitong/envelope.ts';
import { FAILURE_TABLE } from '../../../src/doitong/failure-table.ts';
import { answerDecision, faultDecision, jobFailure, rowDecision, rowOf } from '../../../src/doitong/failures.ts';
import { wordsOf } from '../../support/words.ts';

const redact = (text: string): string => text.replaceAll('dt_secret', '[redacted]');
const rows = Object.values(FAILURE_TABLE);

function answer(status: number, error?: { message?: string; [extension: string]: unknown }) {
  const { message = 'No.', ...extensions } = error ?? {};
  const body = error === undefined ? '' : JSON.stringify({ errors: [{ message, extensions }], data: null });
  const { errors } = openEnvelope(body, redact);
  return {
    order: answerDecision(status, errors, 'submit'),
    reading: answerDecision(status, errors, 'read'),
  };
}

describe('the failure table', () => {
  it.each([
    [400, 'bad_input', 'no', 'no', false],
    [401, 'bad_key', 'no', 'no', false],
    [402, 'no_credits', 'no', 'no', false],
    [403, 'bad_key', 'no', 'no', false],
    [404, 'unsupported_service', 'no', 'no', false],
    [405, 'unsupported_service', 'no', 'no', false],
    [408, 'ambiguous', 'maybe', 'same_job', true],
    [409, 'ambiguous', 'maybe', 'same_job', true],
    [413, 'bad_input', 'no', 'no', false],
    [418, 'service_error', 'maybe', 'same_job', false],
    [422, 'bad_input', 'no', 'no', false],
    [429, 'rate_limited', 'no', 'later', true],
    [500, 'service_error', 'maybe', 'same_job', true],
    [503, 'service_error', 'maybe', 'same_job', true],
    [599, 'service_error', 'maybe', 'same_job', true],
    [200, 'ambiguous', 'maybe', 'same_job', true],
    [204, 'ambiguous', 'maybe', 'same_job', true],
    [302, 'unsupported_service', 'maybe', 'same_job', false],
    [308, 'unsupported_service', 'no', 'no', false],
    [999, 'ambiguous', 'maybe', 'same_job', true],
  ])('HTTP %i to an order is %s', (status, kind, creditsSpent, retry, repeated) => {
    const { failure, repeated: again } = answer(status).order;
    expect({ ...failure, repeated: again }).toMatchObject({ kind, creditsSpent, retry, repeated, httpStatus: status });
  });

  it.each([
    ['INSUFFICIENT_CREDITS', 'no_credits'],
    ['unauthenticated', 'bad_key'],
    ['BAD_USER_INPUT', 'bad_input'],
    ['RATE_LIMIT_EXCEEDED', 'rate_limited'],
    ['GRAPHQL_VALIDATION_FAILED', 'unsupported_service'],
    ['CONTENT_MODERATED', 'moderated'],
    ['IDEMPOTENCY_KEY_REUSED', 'ambiguous'],
    ['INTERNAL_SERVER_ERROR', 'service_error'],
    ['NEVER_HEARD_OF', 'service_error'],
  ])('the code %s decides with HTTP 200', (code, kind) => {
    expect(answer(200, { code }).order.failure.kind).toBe(kind);
  });

  it('lets a known code decide over the status, and the status over an unknown one', () => {
    expect(answer(500, { code: 'INSUFFICIENT_CREDITS' }).order.row).toBe('noCredits');
    expect(answer(402, { code: 'NEVER_HEARD_OF' }).order.row).toBe('noCredits');
  });

  it('lets an error that leaves the outcome open outweigh one that refuses', () => {
    const errors = [
      { message: '', said: '', code: 'BAD_USER_INPUT' },
      { message: '', said: '', code: 'INTERNAL_SERVER_ERROR' },
    ];
    expect(rowOf(200, errors, 'submit')).toBe('serviceError');
  });

  it('never calls an open outcome anything but the same job, and repeats nothing that costs by being repeated', () => {
    for (const row of rows) {
      if (row.creditsSpent === 'maybe' && row !== FAILURE_TABLE.unknownJob && row !== FAILURE_TABLE.noJobQuery) {
        expect(row.retry).toBe('same_job');
      }
      if (row.retry === 'no') expect(row.repeated).toBe(false);
    }
  });

  it('has every code and every status once', () => {
    const codes = rows.flatMap((row): readonly string[] => row.codes);
    const statuses = rows.flatMap((row): readonly unknown[] => row.statuses).filter(Number.isInteger);
    expect(new Set(codes).size).toBe(codes.length);
    expect(new Set(statuses).size).toBe(statuses.length);
  });
});

describe('messages', () => {
  it('say what it takes and what there is', () => {
    const { failure } = answer(402, {
      message: 'Insufficient credits for this operation',
      code: 'INSUFFICIENT_CREDITS',
      creditsRequired: 100,
      creditsAvailable: 50,
    }).order;
    expect(failure).toMatchObject({ creditsRequired: 100, creditsAvailable: 50 });
    expect(wordsOf(failure).what).toBe(
      'The service refused the order because the account has too few credits (HTTP 402): "Insufficient credits for this operation". It takes 100 credits; 50 are available.',
    );
  });

  it('quote the service cleaned, capped and without the key', () => {
    const message = `Key dt_secret\u202E is "bad"\n${'x'.repeat(900)}`;
    const { failure } = answer(401, { message }).order;
    expect(wordsOf(failure).what).toContain(`"Key [redacted] is 'bad' xxx`);
    expect(wordsOf(failure).what.length).toBeLessThan(400);
    expect(wordsOf(failure).next).toContain('DOITONG_API_KEY');
  });

  it.each([
    [
      faultDecision(
        false,
        { cause: 'network', connect: { code: 'not_connected', host: 'api.test', errorCode: 'ECONNREFUSED' } },
        'submit',
      ),
      'The service could not be reached: the connection was refused.',
    ],
    [
      faultDecision(
        false,
        {
          cause: 'network',
          connect: { code: 'certificate_refused', host: 'api.test', fault: 'expired', errorCode: 'CERT_HAS_EXPIRED' },
        },
        'submit',
      ),
      'The service could not be reached: the certificate of api.test has expired (CERT_HAS_EXPIRED).',
    ],
    [
      faultDecision(false, { cause: 'caller' }, 'submit'),
      'The call was ended before anything was sent to the service.',
    ],
    [faultDecision(true, { cause: 'deadline' }, 'submit'), 'The service did not answer the order in time.'],
    [
      faultDecision(true, { cause: 'network', code: 'UND_ERR_SOCKET' }, 'read'),
      'The connection to the service broke after the status request was sent (UND_ERR_SOCKET).',
    ],
  ])('say what broke', ({ failure }, message) => {
    expect(wordsOf(failure).what).toBe(message);
  });
});

describe('a reading', () => {
  it('never tells anything of the credits, nor of the end of the job', () => {
    for (const status of [200, 302, 400, 401, 402, 404, 409, 418, 429, 500]) {
      const { failure } = answer(status).reading;
      expect(failure.creditsSpent).toBe('maybe');
      expect(failure.retry).not.toBe('same_job');
      expect(['bad_input', 'ambiguous', 'moderated', 'generation_failed']).not.toContain(failure.kind);
    }
    expect(faultDecision(true, { cause: 'network' }, 'read').failure.kind).toBe('unreachable');
  });

  it('takes NOT_FOUND for a job that is not known at the moment; an order does not', () => {
    expect(answer(404, { code: 'NOT_FOUND' }).reading.failure).toMatchObject({ kind: 'service_error', retry: 'later' });
    expect(answer(404, { code: 'NOT_FOUND' }).order.failure.kind).toBe('unsupported_service');
    expect(wordsOf(rowDecision('unknownJob', 'read').failure).what).toBe(
      'The service does not know this job at the moment.',
    );
  });
});

describe('jobFailure', () => {
  it('never says for certain that a job without a picture keeps its price', () => {
    expect(jobFailure('failed').creditsSpent).toBe('maybe');
    const moderated = jobFailure('MODERATED', 'a fox');
    expect(moderated).toMatchObject({ kind: 'moderated', creditsSpent: 'maybe' });
    expect(wordsOf(moderated).what).toBe(
      'The service refused to deliver the picture for reasons of moderation (status "MODERATED"): "a fox".',
    );
  });
});
