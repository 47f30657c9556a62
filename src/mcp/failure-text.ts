/** Puts a failure into words for models and people: what happened, what it cost, whether to try again, what to do. */
import type { CreditsSpent, Failure, FailureKind } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { Reason, WordedReason } from '../core/reasons.ts';
import { LIMITS_WORDS } from './words/limits.ts';
import { NETWORK_WORDS } from './words/network.ts';
import { ordersWords } from './words/orders.ts';
import { PICTURES_WORDS } from './words/pictures.ts';
import type { Said, Words } from './words/said.ts';
import { SERVICE_WORDS } from './words/service.ts';
import { STORAGE_WORDS } from './words/storage.ts';

/** The remedy for each kind, unless the failure names a better one. */
const REMEDIES: Readonly<Record<FailureKind, string>> = {
  bad_input: 'Correct the problems above and call again.',
  bad_key:
    "Ask the user to check the API key (DOITONG_API_KEY or DOITONG_API_KEY_FILE in the host's configuration) and to restart the server; calling again before that cannot work.",
  no_credits: 'Ask the user to top up the credits at Doitong, or suggest a smaller picture.',
  over_budget: 'Ask the user to raise the budget, or suggest a smaller picture.',
  not_confirmed: 'Ask the user whether this may be spent.',
  rate_limited: 'Wait a minute, then call again.',
  service_error: 'Call again later; if it keeps happening, ask the user to check the status of the Doitong service.',
  unreachable: 'Ask the user to check the network connection and DOITONG_API_URL, then call again.',
  ambiguous: 'Call get_job_status for this job; do not order the picture again.',
  moderated:
    'Change the prompt so that it follows the rules of the service, then call generate_image again; that is a new, paid order.',
  generation_failed: 'Call generate_image again, if necessary with a different prompt; that is a new, paid order.',
  interrupted: 'Call generate_image again if the picture is still wanted.',
  download_failed: 'Call get_job_status for this job to fetch the picture again without a new charge.',
  storage_failed: 'Ask the user to check the output folder, then call get_job_status for this job.',
  unsupported_service: 'Tell the user what the service does not offer, and ask the user to check DOITONG_API_URL.',
};

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

function retrySentence({ kind, retry, retryAfterSeconds }: Failure): string {
  if (kind === 'not_confirmed')
    return `Trying again helps only after the user has ${retry === 'no' ? 'said yes' : 'agreed to the price'}.`;
  if (retry === 'no') return 'Repeating it unchanged will not help.';
  const known = retryAfterSeconds !== undefined;
  if (retry === 'later')
    return known ? `Trying again helps after ${retryAfterSeconds} s.` : 'Trying again later may help.';
  return `Trying again is safe for this same job only${known ? `, after ${retryAfterSeconds} s` : ''}.`;
}

/** What to do next about a call that was refused before there was a job. */
export function nextStep(failure: Failure): string {
  const next = nextOf(saidOf(failure));
  if (next !== undefined) return next;
  if (failure.kind === 'rate_limited' && failure.retryAfterSeconds !== undefined)
    return `Wait ${failure.retryAfterSeconds} s, then call again.`;
  return REMEDIES[failure.kind];
}

/** What to do next about this job. Until it has failed, the remedies do not fit: "call again" would pay a second time. */
export function nextStepForJob(failure: Failure, job: Pick<Job, 'id' | 'state'>): string {
  // A job that was never sent may be ordered again, like a refused call.
  if (job.state === 'failed' || (job.state === 'queued' && failure.creditsSpent === 'no')) return nextStep(failure);
  // Nothing more happens by itself, and whether to order is for the user to say.
  if (['no_answer', 'key_too_old', 'keys_ignored', 'other_key'].includes(failure.reason.code)) return nextStep(failure);
  if (failure.retry === 'no')
    return `${nextStep(failure)} Do not call generate_image again for this picture: it has been ordered already.`;
  const next = nextOf(saidOf(failure));
  const call = next === undefined ? 'Call' : `${next} Then call`;
  return `${call} get_job_status with job_id "${job.id}"${whatFollows(failure, job)}. Do not call generate_image again for this picture.`;
}

/** An order is not sent by asking for it: that happens by itself, for as long as it is recent. */
function whatFollows({ creditsSpent }: Failure, { state }: Pick<Job, 'state'>): string {
  if (state !== 'submitting') return ': it resumes this same job, which cannot be charged twice';
  if (creditsSpent === 'yes')
    return ' and wait_seconds 45: the service has the order, and its answer is recorded as soon as that is possible';
  return ' and wait_seconds 45: this same order is sent again by itself, and cannot be charged twice';
}

/** What happened, what it cost, whether trying again helps; on a line of their own after a message that ends its line. */
export function failureSentences(failure: Failure): string {
  const { what } = saidOf(failure);
  return `${what}${what.endsWith('\n') ? '' : ' '}${CREDITS[failure.creditsSpent]} ${retrySentence(failure)}`;
}
