/** Proves that what a person reads of a failure is said to that person. */
import { describe, expect, it } from 'vitest';
import { remedyFor, todoFor } from '../../../src/cli/remedies.ts';
import { JOB_STATES } from '../../../src/core/job.ts';
import { FAILURE_KINDS, type Failure, type FailureKind } from '../../../src/core/failure.ts';
import type { Reason, ServiceAnswer } from '../../../src/core/reasons.ts';
import { TOOLS } from '../../../src/mcp/catalogue.ts';
import { nextOf, saidOf } from '../../../src/mcp/failure-text.ts';
import { sampleJob } from '../core/sample-jobs.ts';

const failure = (kind: FailureKind, reason: Reason, patch: Partial<Failure> = {}): Failure => ({
  kind,
  reason,
  creditsSpent: 'no',
  retry: 'no',
  ...patch,
});
const WORDED: Reason = { code: 'worded', what: 'It failed.', next: 'Ask the user to call generate_image.' };

/** A reason of each code, which the compiler asks for. */
const REASONS: { [Code in Reason['code']]: Reason & { code: Code } } = {
  worded: { code: 'worded', what: 'It failed.' },
  not_confirmed: {
    code: 'not_confirmed',
    min: 1,
    max: 2,
    recent: 0,
    threshold: 1,
    why: 'cannot_ask',
    tool: 'generate_image',
  },
  user_refused: { code: 'user_refused' },
  user_cancelled: { code: 'user_cancelled' },
  secret_in_order: { code: 'secret_in_order', argument: 'prompt' },
  owner_ended: { code: 'owner_ended' },
  order_cancelled: { code: 'order_cancelled' },
  key_too_old: { code: 'key_too_old' },
  keys_ignored: { code: 'keys_ignored' },
  other_key: { code: 'other_key' },
  unfinished_elsewhere: {
    code: 'unfinished_elsewhere',
    ids: ['job_1'],
    folders: ['/state/a'],
    isAdoptable: true,
    isEqual: true,
  },
  no_answer: { code: 'no_answer' },
  earlier_try_open: { code: 'earlier_try_open', last: { code: 'no_api_key' } },
  no_try_brought_a_job: { code: 'no_try_brought_a_job', tries: 2, last: { code: 'no_api_key' } },
  unforeseen: { code: 'unforeseen', during: 'order', error: 'TypeError' },
  call_too_expensive: { code: 'call_too_expensive', max: 2, allowed: 1 },
  more_than_accepted: { code: 'more_than_accepted', max: 2, accepted: 1 },
  balance_too_low: { code: 'balance_too_low', min: 1, max: 2, balance: 0 },
  budget_exceeded: {
    code: 'budget_exceeded',
    wanted: { credits: 20, images: 1 },
    allowed: 10,
    spent: 0,
    reserved: 0,
  },
  pictures_exceeded: { code: 'pictures_exceeded', wanted: { credits: 20, images: 1 }, allowed: 1, ordered: 1 },
  plan_exceeded: { code: 'plan_exceeded', wanted: { credits: 20, images: 1 }, allowed: 1, ordered: 1 },
  requests_paused: { code: 'requests_paused' },
  service_answered: { code: 'service_answered', answer: 'badKey', purpose: 'read', httpStatus: 401 },
  answer_lost: { code: 'answer_lost', purpose: 'probe', how: 'too_late' },
  ended_before_sending: { code: 'ended_before_sending' },
  job_without_picture: { code: 'job_without_picture', isModerated: false, status: 'failed' },
  dialect_changed: { code: 'dialect_changed', dialect: 'generate', missing: ['a'], unknown: [] },
  dialect_unknown: { code: 'dialect_unknown', dialect: 'generatePicture' },
  no_dialect_offered: { code: 'no_dialect_offered', dialects: ['generate'] },
  no_status_query: { code: 'no_status_query' },
  status_query_malformed: { code: 'status_query_malformed' },
  status_query_refused: { code: 'status_query_refused', query: 'job(id)' },
  no_api_key: { code: 'no_api_key' },
  api_key_unusable: { code: 'api_key_unusable' },
  no_such_job_id: { code: 'no_such_job_id' },
  not_connected: { code: 'not_connected', to: 'service', errorCode: 'ECONNREFUSED' },
  certificate_refused: {
    code: 'certificate_refused',
    to: 'service',
    host: 'a.example',
    fault: 'self_signed',
    errorCode: 'X',
  },
  proxy_unusable: {
    code: 'proxy_unusable',
    to: 'service',
    host: 'a.example',
    proxy: { shown: 'http://p.example:1', setting: 'HTTPS_PROXY' },
  },
  proxy_refused: {
    code: 'proxy_refused',
    to: 'service',
    host: 'a.example',
    proxy: { shown: 'http://p.example:1', setting: 'HTTPS_PROXY' },
    status: 407,
  },
  picture_address_unusable: { code: 'picture_address_unusable', problem: 'no_url', shown: 'x' },
  picture_url_refused: { code: 'picture_url_refused', problem: 'port', shown: 'x' },
  picture_host_not_listed: { code: 'picture_host_not_listed', host: 'a.example' },
  picture_host_is_inside: { code: 'picture_host_is_inside', host: 'a.example' },
  picture_host_answered: { code: 'picture_host_answered', status: 404 },
  picture_redirected: { code: 'picture_redirected', redirects: 3 },
  picture_other_part: { code: 'picture_other_part' },
  picture_encoding_unknown: { code: 'picture_encoding_unknown', encoding: 'x' },
  picture_data_missing: { code: 'picture_data_missing' },
  picture_nowhere: { code: 'picture_nowhere' },
  picture_too_large: { code: 'picture_too_large', maxBytes: 1 },
  picture_too_slow: { code: 'picture_too_slow', seconds: 1 },
  picture_transfer_broke: { code: 'picture_transfer_broke' },
  picture_incomplete: { code: 'picture_incomplete' },
  not_a_picture: { code: 'not_a_picture', found: 'html' },
  change_contended: {
    code: 'change_contended',
    changed: { type: 'record', name: 'job_1', location: '/s' },
    tries: 9,
  },
  state_not_kept: { code: 'state_not_kept', path: '/s', error: 'EIO' },
  state_is_newer: { code: 'state_is_newer', path: '/s' },
  folder_not_usable: { code: 'folder_not_usable', contents: 'pictures', folder: '/p', problem: 'ENOSPC' },
  picture_not_saved: { code: 'picture_not_saved', folder: '/p', problem: 'ENOSPC' },
  record_lost: { code: 'record_lost', id: 'job_1', location: '/s' },
  picture_not_readable: { code: 'picture_not_readable', file: '/p/a.jpg', error: 'EIO' },
  picture_replaced: { code: 'picture_replaced', file: '/p/a.jpg', by: 'link' },
  no_home: { code: 'no_home', setting: 'FLUX_STATE_DIR' },
  key_not_usable: { code: 'key_not_usable', problem: { type: 'quotes' } },
};

function expectSaidToPerson(text: string): void {
  expect(text).toMatch(/^[A-Z/].*\.$/su);
  expect(text).not.toMatch(/(?:Ask|Tell) the user|ask the user to/u);
  for (const { name } of TOOLS) expect(text).not.toContain(name);
}

describe('a person reads', () => {
  it.each(Object.values(REASONS))('what happened and what to do, and of no tool: $code', (reason) => {
    const failed = failure('service_error', reason);
    expectSaidToPerson(saidOf(failed).what);
    expectSaidToPerson(remedyFor(failed));
    for (const state of JOB_STATES) expectSaidToPerson(todoFor(sampleJob({ state, failure: failed })));
    // What only the user can do has the field that both readers are told from.
    expect(saidOf(failed).next ?? '').not.toMatch(/^Ask the user to /u);
  });

  it.each<ServiceAnswer>(['badKey', 'notOffered', 'redirected'])('what to do about an answer: %s', (answer) => {
    const failed = failure('bad_key', { code: 'service_answered', answer, purpose: 'read' });
    expectSaidToPerson(remedyFor(failed));
    expect(nextOf(saidOf(failed))).toMatch(/^Ask the user to /u);
  });

  it.each(FAILURE_KINDS)('what to do about a failure whose reason names nothing: %s', (kind) => {
    expectSaidToPerson(remedyFor(failure(kind, WORDED)));
  });

  it.each(JOB_STATES)('what to do about a job that nothing is in the way of: %s', (state) => {
    expectSaidToPerson(todoFor(sampleJob({ state })));
  });

  it('the remedy for the kind of a failure where the job has ended, and not where it goes on', () => {
    const lost = failure('interrupted', { code: 'owner_ended' });
    expect(todoFor(sampleJob({ state: 'failed', failure: lost }))).toBe(
      'Order the picture again if you still want it.',
    );
    expect(todoFor(sampleJob({ state: 'processing', failure: lost }))).toMatch(/^Run "flux-pro-mcp jobs resume": .+$/u);
    expect(todoFor(sampleJob({ state: 'queued', failure: lost }))).toMatch(/^Its server sends it/u);
  });

  it('that an open order can be resumed, after what has to be done first; of any other order nothing like it', () => {
    const failed = failure('storage_failed', { code: 'state_is_newer', path: '/s' });
    expect(todoFor(sampleJob({ state: 'submitting', failure: failed }))).toMatch(
      /^Update .+ Run "flux-pro-mcp jobs resume"/u,
    );
    for (const state of ['failed', 'unknown', 'saved'] as const)
      expect(todoFor(sampleJob({ state, failure: failed }))).toBe('Update flux-pro-mcp everywhere.');
  });

  it('what only the user can do, and the seconds to wait', () => {
    expect(remedyFor(failure('storage_failed', { code: 'state_is_newer', path: '/s' }))).toBe(
      'Update flux-pro-mcp everywhere.',
    );
    expect(remedyFor(failure('rate_limited', WORDED, { retryAfterSeconds: 7 }))).toBe('Wait 7 s, then try again.');
  });
});
