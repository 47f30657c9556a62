/** What the service answers, or that it cannot be reached. */
import type { ConnectReason, ServiceReason } from '../../src/core/reasons.ts';
import { answered, LATER, LOST, NO, OPEN, PAID, PAID_NO, PROXY, READ, type RowsOf } from './failure-rows.ts';

export const SERVICE_FAILURES: RowsOf<ConnectReason | ServiceReason> = {
  service_answered: [
    answered('invalidRequest', 400, 'width is out of range'),
    answered('tooLarge', 413),
    answered('badKey', 401),
    answered('noCredits', 402),
    answered('moderated', 400, 'prompt violates policy'),
    answered('rateLimited', 429),
    answered('jobLimited', 429),
    answered('notOffered', 404),
    answered('movedElsewhere', 308),
    answered('redirected', 302),
    answered('conflict', 409),
    answered('keyReused', 422),
    answered('serviceError', 500),
    answered('otherRefusal', 418),
    answered('errorWithoutCode', 200, 'something went wrong'),
    answered('unreadable', 200),
    [
      'failed',
      'unsupported_service',
      NO,
      { code: 'service_answered', answer: 'notOffered', purpose: 'submit', httpStatus: 404, dialect: 'rest' },
    ],
    ['processing', 'service_error', READ, { code: 'service_answered', answer: 'unknownJob', purpose: 'read' }],
    ['processing', 'bad_key', LOST, { code: 'service_answered', answer: 'badKey', purpose: 'read', httpStatus: 401 }],
    [
      'processing',
      'service_error',
      READ,
      { code: 'service_answered', answer: 'serviceError', purpose: 'read', httpStatus: 503 },
    ],
    [
      'call',
      'service_error',
      LATER,
      { code: 'service_answered', answer: 'serviceError', purpose: 'probe', httpStatus: 503 },
    ],
  ],
  answer_lost: [
    ['submitting', 'ambiguous', OPEN, { code: 'answer_lost', purpose: 'submit', how: 'too_late' }],
    [
      'submitting',
      'ambiguous',
      OPEN,
      { code: 'answer_lost', purpose: 'submit', how: 'connection_broke', errorCode: 'ECONNRESET' },
    ],
    ['submitting', 'ambiguous', OPEN, { code: 'answer_lost', purpose: 'submit', how: 'headers_too_long' }],
    ['submitting', 'ambiguous', OPEN, { code: 'answer_lost', purpose: 'submit', how: 'call_ended' }],
    ['processing', 'unreachable', READ, { code: 'answer_lost', purpose: 'read', how: 'too_late' }],
  ],
  ended_before_sending: [['call', 'unreachable', LATER, { code: 'ended_before_sending' }]],
  job_without_picture: [
    [
      'failed',
      'generation_failed',
      { ...READ, creditsSpent: 'maybe' },
      { code: 'job_without_picture', isModerated: false, status: 'FAILED', said: 'out of memory' },
    ],
    ['failed', 'moderated', LOST, { code: 'job_without_picture', isModerated: true, status: 'MODERATED' }],
  ],
  dialect_changed: [
    [
      'failed',
      'unsupported_service',
      NO,
      { code: 'dialect_changed', dialect: 'generate', missing: ['input.tier'], unknown: ['input.width'] },
    ],
  ],
  dialect_unknown: [
    ['submitting', 'unsupported_service', LOST, { code: 'dialect_unknown', dialect: 'generatePicture' }],
  ],
  no_dialect_offered: [
    [
      'failed',
      'unsupported_service',
      NO,
      { code: 'no_dialect_offered', dialects: ['generate', 'generateImage', 'rest'] },
    ],
  ],
  no_status_query: [['processing', 'unsupported_service', LOST, { code: 'no_status_query' }]],
  status_query_malformed: [['processing', 'unsupported_service', LOST, { code: 'status_query_malformed' }]],
  status_query_refused: [
    [
      'processing',
      'unsupported_service',
      LOST,
      { code: 'status_query_refused', query: 'job(id)', httpStatus: 400, said: 'Cannot query field "job"' },
    ],
  ],
  no_api_key: [['call', 'bad_key', NO, { code: 'no_api_key' }]],
  api_key_unusable: [['call', 'bad_key', NO, { code: 'api_key_unusable' }]],
  no_such_job_id: [['processing', 'bad_input', LOST, { code: 'no_such_job_id' }]],
  not_connected: [
    [
      'failed',
      'unreachable',
      LATER,
      { code: 'not_connected', to: 'service', host: 'api.doitong.com', errorCode: 'ENOTFOUND' },
    ],
    [
      'processing',
      'unreachable',
      READ,
      { code: 'not_connected', to: 'service', host: 'api.doitong.com', errorCode: 'ECONNREFUSED', proxy: PROXY },
    ],
    [
      'completed',
      'download_failed',
      PAID,
      { code: 'not_connected', to: 'picture', host: 'cdn.doitong.com', errorCode: 'ETIMEDOUT' },
    ],
  ],
  certificate_refused: [
    [
      'failed',
      'unreachable',
      NO,
      {
        code: 'certificate_refused',
        to: 'service',
        host: 'api.doitong.com',
        fault: 'unknown_authority',
        errorCode: 'SELF_SIGNED_CERT_IN_CHAIN',
      },
    ],
    [
      'completed',
      'download_failed',
      PAID_NO,
      {
        code: 'certificate_refused',
        to: 'picture',
        host: 'cdn.doitong.com',
        fault: 'expired',
        errorCode: 'CERT_HAS_EXPIRED',
      },
    ],
  ],
  proxy_unusable: [
    [
      'failed',
      'unreachable',
      NO,
      { code: 'proxy_unusable', to: 'service', host: 'api.doitong.com', proxy: PROXY, errorCode: 'ECONNREFUSED' },
    ],
  ],
  proxy_refused: [
    [
      'failed',
      'unreachable',
      NO,
      { code: 'proxy_refused', to: 'service', host: 'api.doitong.com', proxy: PROXY, status: 407 },
    ],
    [
      'failed',
      'unreachable',
      NO,
      { code: 'proxy_refused', to: 'service', host: 'api.doitong.com', proxy: PROXY, status: 403 },
    ],
    [
      'failed',
      'unreachable',
      NO,
      { code: 'proxy_refused', to: 'service', host: 'api.doitong.com', proxy: PROXY, status: 502 },
    ],
  ],
};
