/** Orders that are not sent or whose outcome is open, and limits that are in the way. */
import type { LimitReason, OrderReason, WordedReason } from '../../src/core/reasons.ts';
import { answered, LATER, LOST, NO, OPEN, PAID, READ, TOMORROW, type RowsOf } from './failure-rows.ts';

const CONFIRM = {
  code: 'not_confirmed',
  min: 120,
  max: 240,
  recent: 0,
  threshold: 100,
  tool: 'generate_images',
} as const;

export const ORDER_FAILURES: RowsOf<LimitReason | OrderReason | WordedReason> = {
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
};
