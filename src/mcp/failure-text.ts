/** Puts a failure into words for models and people: what happened, what it cost, whether to try again, what to do. */
import type { CreditsSpent, Failure, FailureKind } from '../core/failure.ts';
import type { Job, JobState } from '../core/job.ts';
import type { Reason, WordedReason } from '../core/reasons.ts';
import { LIMITS_WORDS } from './words/limits.ts';
import { NETWORK_WORDS } from './words/network.ts';
import { ordersWords } from './words/orders.ts';
import { PICTURES_WORDS } from './words/pictures.ts';
import type { Said, Words } from './words/said.ts';
import { SERVICE_WORDS } from './words/service.ts';
import { STORAGE_WORDS } from './words/storage.ts';
import { lasting, whenText } from './words/times.ts';

/** The remedy for each kind, unless the failure names a better one; `{again}` orders the picture. */
const REMEDIES: Readonly<Record<FailureKind, string>> = {
  bad_input: 'Correct what is named here, then {again}.',
  bad_key: 'Ask the user to check DOITONG_API_KEY or DOITONG_API_KEY_FILE, and to restart the server.',
  no_credits: 'Ask the user to top up the credits at Doitong, then {again}.',
  over_budget: 'Ask the user to raise the budget that is named here.',
  not_confirmed: 'Ask the user whether this may be spent.',
  rate_limited: 'Wait a minute, then {again}.',
  service_error: 'Wait some minutes, then {again}; if that fails too, ask the user to check the status of Doitong.',
  unreachable: 'Ask the user to check the network connection and DOITONG_API_URL, then {again}.',
  ambiguous: 'Call get_job_status for this job; do not order the picture again.',
  moderated: 'Tell the user, and propose a prompt that follows the rules of the service; if the user agrees, {again}.',
  generation_failed: 'If the picture is still wanted, perhaps with another prompt, {again}.',
  interrupted: 'If the picture is still wanted, {again}.',
  download_failed: 'Call get_job_status for this job to fetch the picture again without a new charge.',
  storage_failed: 'Ask the user to check the folder that is named here, then {again}.',
  unsupported_service: 'Tell the user what the service does not offer, and ask the user to check DOITONG_API_URL.',
};

const PAID_ONCE = 'call generate_image again: only that order is paid for';
const PAID_AGAIN = 'call generate_image again: that is a new, paid order';

const CREDITS: Readonly<Record<CreditsSpent, string>> = {
  no: 'No credits were spent.',
  maybe: 'Credits may have been spent.',
  yes: 'The credits for this picture were spent.',
};

const WORDS: Words<Reason> = {
  ...ordersWords((reason, failure) => saidOf({ ...failure, reason })),
  ...LIMITS_WORDS,
  ...SERVICE_WORDS,
  ...NETWORK_WORDS,
  ...PICTURES_WORDS,
  ...STORAGE_WORDS,
  worded: (said) => said,
};

/** What happened, and what to do next where more is known than the kind of the failure. */
export function saidOf(failure: Failure): Said {
  const { reason } = failure;
  // A record may have been written by a version that knew other reasons.
  const words = Object.hasOwn(WORDS, reason.code) ? (WORDS[reason.code] as Words<WordedReason>['worded']) : undefined;
  const said = words?.(reason as WordedReason, failure) ?? 'The reason is not known to this version of the server.';
  return typeof said === 'string' ? { what: said } : said;
}

export function nextOf({ user, next }: Said): string | undefined {
  if (user === undefined) return next;
  return `Ask the user to ${user}.${next === undefined ? '' : ` ${next}`}`;
}

/** Of a job that goes on, or of which nobody knows: whether it can be tried again, and what that costs. */
const OPEN: Readonly<Partial<Record<JobState, string>>> = {
  submitting: 'This same order is sent again by itself, and cannot be charged twice.',
  processing: 'Its status can be read again free of charge.',
  completed: 'The picture can be fetched again without a new charge.',
  unknown: 'Within 23 hours of its first try, this same order can be sent again without a second charge.',
};

function retrySentence(failure: Failure, { state, updatedAt }: Partial<Job>, now: number | undefined): string {
  const { kind, retry, creditsSpent, reason } = failure;
  const left = secondsLeft(failure, updatedAt, now);
  if (kind === 'not_confirmed')
    return `Trying again helps only after the user has ${retry === 'no' ? 'said yes' : 'agreed to the price'}.`;
  if (reason.code === 'user_cancelled') return 'It can be ordered again if the user asks for it.';
  if (state === 'submitting' && creditsSpent === 'yes') return 'Its answer is recorded as soon as that is possible.';
  const open = state && (kind === 'bad_key' ? 'It goes on as soon as the same key works.' : OPEN[state]);
  if (open !== undefined && retry !== 'no') return left ? `${open} The next try is ${whenText(left, now)}.` : open;
  if (state === 'unknown') return 'A new order is paid for in any case.';
  if (open !== undefined) return 'Trying again will not help until something is changed.';
  if (retry === 'no')
    return kind === 'bad_input' || kind === 'moderated'
      ? 'Repeating it unchanged will not help.'
      : 'Trying again will not help until something is changed.';
  if (retry === 'same_job') return 'Trying again costs no credits.';
  if (creditsSpent !== 'no') return 'A new order may succeed; it is paid for again.';
  if (kind === 'interrupted') return 'It can be ordered again at any time.';
  return left === undefined ? 'Trying again may help.' : `Trying again helps ${whenText(left, now)}.`;
}

/** What is left of the wait that a failure asked for when it was recorded. */
export function secondsLeft({ retryAfterSeconds = 0 }: Failure, recordedAt = 0, now = recordedAt): number | undefined {
  const passed = recordedAt === 0 ? 0 : Math.max(0, now - recordedAt) / 1_000;
  return retryAfterSeconds > passed ? Math.ceil(retryAfterSeconds - passed) : undefined;
}

/** What to do next about a call that was refused before there was a job. */
export function nextStep(failure: Failure, again = 'call again', left = failure.retryAfterSeconds): string {
  const said = saidOf(failure);
  const next = nextOf(said);
  if (next !== undefined) return said.next === undefined ? `${next} Then ${again}.` : next;
  if (failure.kind === 'rate_limited' && left !== undefined) return `Wait ${lasting(left)}, then ${again}.`;
  return REMEDIES[failure.kind].replace('{again}', again);
}

/** What to do next about this job. Until it has failed, the remedies do not fit: "call again" would pay a second time. */
export function nextStepForJob(failure: Failure, job: Pick<Job, 'id' | 'state'> & Partial<Job>, now?: number): string {
  const { id, state, updatedAt } = job;
  const { creditsSpent, kind, reason, retry } = failure;
  // A job that was never sent may be ordered again, like a refused call.
  if (state === 'failed' || (state === 'queued' && creditsSpent === 'no'))
    return nextStep(failure, creditsSpent === 'no' ? PAID_ONCE : PAID_AGAIN, secondsLeft(failure, updatedAt, now));
  // Nothing more happens by itself, and whether to order is for the user to say.
  if (['no_answer', 'key_too_old', 'keys_ignored', 'other_key'].includes(reason.code))
    return nextOf(saidOf(failure)) ?? '';
  const said = saidOf(failure);
  const next = nextOf(said);
  if (retry === 'no') {
    const after =
      said.user !== undefined && said.next === undefined && !['download_failed', 'bad_input'].includes(kind);
    const fact = state === 'submitting' ? 'its order may have been accepted' : 'it has been ordered already';
    return `${next ?? 'Tell the user.'}${after ? ' After that, call get_job_status.' : ''} Do not call generate_image again for this picture: ${fact}.`;
  }
  if (kind === 'download_failed' && next === undefined)
    return `Call get_job_status with job_id "${id}" in a minute. If that fails again and again, ask the user to look for the picture in the account at Doitong; do not call generate_image again for this picture.`;
  if (kind === 'bad_key' && next !== undefined)
    return `${next} If that key is another one of the same account, the user also has to run "flux-pro-mcp jobs adopt". Then ${waitFor(id, 'call')}`;
  return next === undefined ? waitFor(id) : `${next} Then ${waitFor(id, 'call')}`;
}

/** What to do about a job that goes on. */
export function waitFor(id: string, call = 'Call'): string {
  return `${call} get_job_status with job_id "${id}" and wait_seconds 45; do not call generate_image again for this picture.`;
}

/**
 * What happened, what it cost, whether trying again helps; on a line of their own after a message that ends its line.
 * @param job that has failed; absent for a call that was refused @param now epoch milliseconds
 */
export function failureSentences(failure: Failure, job: Partial<Job> = {}, now?: number): string {
  const { what } = saidOf(failure);
  return `${what}${what.endsWith('\n') ? '' : ' '}${CREDITS[failure.creditsSpent]} ${retrySentence(failure, job, now)}`;
}
