/** One job for each state, and failures of every reason as they occur: what docs/texts.md and docs/agents.md show. */
import type { Failure, FailureKind } from '../src/core/failure.ts';
import type { Job, JobState } from '../src/core/job.ts';
import type { Reason, ServiceAnswer } from '../src/core/reasons.ts';
import { FAILURE_TABLE } from '../src/doitong/failure-table.ts';

/** 2026-11-28, 14:05:00 UTC. */
export const NOW = Date.UTC(2026, 10, 28, 14, 5);

export function sampleJob(patch: Partial<Job> = {}): Job {
  const at = NOW - 20_000;
  return {
    id: 'job_0mxyz1234abcdefghijk',
    idempotencyKey: 'key-1',
    request: { prompt: 'A lighthouse at dusk, watercolour', width: 1360, height: 768 },
    state: 'queued',
    createdAt: at,
    updatedAt: NOW,
    owner: { pid: 1, host: 'here', session: 's' },
    credits: { min: 10, max: 20, exact: null },
    sandbox: false,
    ...patch,
  };
}

const AT_SERVICE = { remoteId: 'dt_8f3k2', remoteStatus: 'IN_PROGRESS' };
const FINISHED = {
  ...AT_SERVICE,
  remoteStatus: 'SUCCEEDED',
  credits: { min: 10, max: 20, exact: 12 },
  url: 'https://cdn.doitong.com/outputs/8f3k2.jpg',
};

/** What a job of that state usually has. */
export function jobIn(state: JobState, patch: Partial<Job> = {}): Job {
  const file = '/home/user/Pictures/flux-pro/2026-11/a-lighthouse-at-dusk_job_0mxyz1234abcdefghijk.jpg';
  const usual: Partial<Record<JobState, Partial<Job>>> = {
    processing: AT_SERVICE,
    completed: FINISHED,
    saved: { ...FINISHED, file, mediaType: 'image/jpeg', size: { width: 1360, height: 768 } },
  };
  return sampleJob({ state, ...usual[state], ...patch });
}

/** @param at the state of its job; `call`: refused before there was one */
type Row<R extends Reason = Reason> = [at: JobState | 'call', kind: FailureKind, more: Partial<Failure>, reason: R];
export type SampleFailure = { at: JobState | 'call'; failure: Failure };

const NO = { creditsSpent: 'no', retry: 'no' } as const;
const LATER = { creditsSpent: 'no', retry: 'later' } as const;
const OPEN = { creditsSpent: 'maybe', retry: 'same_job' } as const;
const READ = { creditsSpent: 'maybe', retry: 'later' } as const;
const LOST = { creditsSpent: 'maybe', retry: 'no' } as const;
const PAID = { creditsSpent: 'yes', retry: 'same_job' } as const;
const PAID_NO = { creditsSpent: 'yes', retry: 'no' } as const;
/** From NOW to midnight. */
const TOMORROW = { ...LATER, retryAfterSeconds: 35_700 };
const PROXY = { shown: 'http://proxy.example:3128', setting: 'HTTPS_PROXY' } as const;
const CONFIRM = {
  code: 'not_confirmed',
  min: 120,
  max: 240,
  recent: 0,
  threshold: 100,
  tool: 'generate_images',
} as const;

function answered(
  answer: ServiceAnswer,
  httpStatus: number,
  said?: string,
): Row<Reason & { code: 'service_answered' }> {
  const { kind, creditsSpent, retry } = FAILURE_TABLE[answer];
  const at = creditsSpent === 'no' ? 'failed' : 'submitting';
  const known = answer === 'noCredits' ? { creditsRequired: 20, creditsAvailable: 7 } : {};
  const reason = { code: 'service_answered', answer, purpose: 'submit', httpStatus, said } as const;
  return [at, kind, { creditsSpent, retry, ...known }, reason];
}

/** The compiler asks for each reason. */
const ROWS: { [Code in Reason['code']]: readonly [Row<Reason & { code: Code }>, ...Row<Reason & { code: Code }>[]] } = {
  worded: [
    [
      'call',
      'bad_input',
      NO,
      {
        code: 'worded',
        what: 'There is no job "job_1" on record for this service and key.',
        next: 'Use the job_id exactly as an answer gave it; list_jobs lists all jobs.',
      },
    ],
  ],
  not_confirmed: [
    ['call', 'not_confirmed', LATER, { ...CONFIRM, why: 'cannot_ask' }],
    ['call', 'not_confirmed', LATER, { ...CONFIRM, why: 'unanswered' }],
    ['call', 'not_confirmed', LATER, { ...CONFIRM, why: 'earlier_unanswered', recent: 40 }],
  ],
  user_refused: [['call', 'not_confirmed', NO, { code: 'user_refused' }]],
  user_cancelled: [['failed', 'interrupted', NO, { code: 'user_cancelled' }]],
  secret_in_order: [['call', 'bad_input', NO, { code: 'secret_in_order', argument: 'prompt' }]],
  owner_ended: [['failed', 'interrupted', LATER, { code: 'owner_ended' }]],
  order_cancelled: [['failed', 'rate_limited', LATER, { code: 'order_cancelled' }]],
  key_too_old: [['unknown', 'ambiguous', LOST, { code: 'key_too_old' }]],
  keys_ignored: [['unknown', 'ambiguous', LOST, { code: 'keys_ignored' }]],
  other_key: [['unknown', 'ambiguous', LOST, { code: 'other_key' }]],
  no_answer: [['unknown', 'ambiguous', OPEN, { code: 'no_answer' }]],
  unfinished_elsewhere: [
    [
      'call',
      'not_confirmed',
      NO,
      {
        code: 'unfinished_elsewhere',
        ids: ['job_0mxyz1234abcdefghijk'],
        folders: ['/home/user/.local/state/flux-pro-mcp/a1b2c3'],
        isAdoptable: true,
        isEqual: true,
      },
    ],
  ],
  earlier_try_open: [['submitting', 'ambiguous', OPEN, { code: 'earlier_try_open', last: answered('badKey', 401)[3] }]],
  no_try_brought_a_job: [
    [
      'submitting',
      'ambiguous',
      OPEN,
      {
        code: 'no_try_brought_a_job',
        tries: 3,
        open: { code: 'answer_lost', purpose: 'submit', how: 'too_late' },
        last: answered('rateLimited', 429)[3],
      },
    ],
  ],
  unforeseen: [
    ['submitting', 'service_error', OPEN, { code: 'unforeseen', during: 'order', error: 'TypeError' }],
    ['processing', 'service_error', READ, { code: 'unforeseen', during: 'read', error: 'TypeError' }],
    ['completed', 'service_error', PAID, { code: 'unforeseen', during: 'save', error: 'TypeError' }],
  ],
  call_too_expensive: [
    ['call', 'over_budget', NO, { code: 'call_too_expensive', max: 1_000, allowed: 500, images: 50 }],
    ['call', 'over_budget', NO, { code: 'call_too_expensive', max: 600, allowed: 500, images: 12 }],
    ['call', 'over_budget', NO, { code: 'call_too_expensive', max: 50, allowed: 30, images: 1 }],
    ['call', 'over_budget', NO, { code: 'call_too_expensive', max: 20, allowed: 15, images: 1 }],
  ],
  more_than_accepted: [
    ['call', 'over_budget', NO, { code: 'more_than_accepted', max: 240, accepted: 120, images: 12 }],
    ['call', 'over_budget', NO, { code: 'more_than_accepted', max: 20, accepted: 15, images: 1 }],
  ],
  balance_too_low: [
    ['call', 'no_credits', NO, { code: 'balance_too_low', min: 120, max: 240, balance: 37, images: 12 }],
  ],
  budget_exceeded: [
    [
      'call',
      'over_budget',
      TOMORROW,
      { code: 'budget_exceeded', wanted: { credits: 240, images: 12 }, allowed: 1_000, spent: 850, reserved: 40 },
    ],
    [
      'call',
      'over_budget',
      TOMORROW,
      { code: 'budget_exceeded', wanted: { credits: 20, images: 1 }, allowed: 1_000, spent: 995, reserved: 0 },
    ],
    [
      'call',
      'over_budget',
      NO,
      { code: 'budget_exceeded', wanted: { credits: 240, images: 12 }, allowed: 100, spent: 0, reserved: 0 },
    ],
  ],
  pictures_exceeded: [
    [
      'call',
      'over_budget',
      TOMORROW,
      { code: 'pictures_exceeded', wanted: { credits: 240, images: 12 }, allowed: 100, ordered: 95 },
    ],
    [
      'call',
      'over_budget',
      TOMORROW,
      { code: 'pictures_exceeded', wanted: { credits: 20, images: 1 }, allowed: 100, ordered: 100 },
    ],
  ],
  plan_exceeded: [
    [
      'call',
      'rate_limited',
      TOMORROW,
      { code: 'plan_exceeded', wanted: { credits: 240, images: 12 }, allowed: 50, ordered: 41 },
    ],
  ],
  requests_paused: [['failed', 'rate_limited', { ...LATER, retryAfterSeconds: 1_740 }, { code: 'requests_paused' }]],
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
  picture_address_unusable: [
    [
      'completed',
      'download_failed',
      PAID_NO,
      { code: 'picture_address_unusable', problem: 'not_https', shown: 'ftp://cdn.doitong.com' },
    ],
  ],
  picture_url_refused: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_url_refused', problem: 'port', shown: '8443' }],
  ],
  picture_host_not_listed: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_host_not_listed', host: 'images.example' }],
  ],
  picture_host_is_inside: [
    [
      'completed',
      'download_failed',
      PAID_NO,
      { code: 'picture_host_is_inside', host: 'cdn.doitong.com', address: '10.0.0.7' },
    ],
  ],
  picture_host_answered: [['completed', 'download_failed', PAID, { code: 'picture_host_answered', status: 503 }]],
  picture_redirected: [['completed', 'download_failed', PAID, { code: 'picture_redirected', redirects: 3 }]],
  picture_other_part: [['completed', 'download_failed', PAID, { code: 'picture_other_part' }]],
  picture_encoding_unknown: [
    ['completed', 'download_failed', PAID, { code: 'picture_encoding_unknown', encoding: 'zstd' }],
  ],
  picture_data_missing: [['completed', 'download_failed', PAID, { code: 'picture_data_missing' }]],
  picture_nowhere: [['completed', 'download_failed', PAID, { code: 'picture_nowhere' }]],
  picture_too_large: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_too_large', maxBytes: 30 * 1024 ** 2 }],
  ],
  picture_too_slow: [['completed', 'download_failed', PAID, { code: 'picture_too_slow', seconds: 120 }]],
  picture_transfer_broke: [['completed', 'download_failed', PAID, { code: 'picture_transfer_broke' }]],
  picture_incomplete: [['completed', 'download_failed', PAID, { code: 'picture_incomplete' }]],
  not_a_picture: [['completed', 'download_failed', PAID, { code: 'not_a_picture', found: 'html' }]],
  change_contended: [
    [
      'processing',
      'storage_failed',
      READ,
      {
        code: 'change_contended',
        changed: { type: 'record', name: 'job_0mxyz1234abcdefghijk', location: '/state' },
        tries: 64,
      },
    ],
  ],
  state_not_kept: [
    ['call', 'storage_failed', NO, { code: 'state_not_kept', path: '/state/shared/reservations', error: 'ENOSPC' }],
    ['submitting', 'storage_failed', PAID, { code: 'state_not_kept', path: '/state/jobs/2026-11-28', error: 'EIO' }],
  ],
  state_is_newer: [['call', 'storage_failed', NO, { code: 'state_is_newer', path: '/state/shared/reservations' }]],
  folder_not_usable: [
    [
      'call',
      'storage_failed',
      NO,
      { code: 'folder_not_usable', contents: 'pictures', folder: '/mnt/pictures', problem: 'EACCES' },
    ],
  ],
  picture_not_saved: [
    [
      'completed',
      'storage_failed',
      PAID,
      { code: 'picture_not_saved', folder: '/mnt/pictures/2026-11', problem: 'ENOSPC' },
    ],
  ],
  record_lost: [
    ['call', 'storage_failed', LOST, { code: 'record_lost', id: 'job_0mxyz1234abcdefghijk', location: '/state/jobs' }],
  ],
  picture_not_readable: [
    [
      'call',
      'storage_failed',
      PAID,
      { code: 'picture_not_readable', file: '/mnt/pictures/2026-11/a.jpg', error: 'EIO' },
    ],
  ],
  picture_replaced: [
    ['call', 'storage_failed', PAID, { code: 'picture_replaced', file: '/mnt/pictures/2026-11/a.jpg', by: 'link' }],
  ],
  no_home: [['call', 'storage_failed', NO, { code: 'no_home', setting: 'FLUX_STATE_DIR' }]],
  key_not_usable: [
    ['call', 'bad_key', NO, { code: 'key_not_usable', problem: { type: 'placeholder', shown: '<your key>' } }],
    ['call', 'bad_key', NO, { code: 'key_not_usable', file: '/home/user/key', problem: { type: 'several_lines' } }],
  ],
};

export const SAMPLE_FAILURES: readonly SampleFailure[] = Object.values(ROWS)
  .flat()
  .map(([at, kind, more, reason]: Row) => ({
    at,
    failure: { kind, creditsSpent: 'no', retry: 'no', ...more, reason },
  }));
