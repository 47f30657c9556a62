/** What the person at the terminal can do: about a failure, and about what a check of `doctor` has found. */
import type { Failure, FailureKind } from '../core/failure.ts';
import { isSettled, type Job } from '../core/job.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { lasting } from '../mcp/words/times.ts';

/** Where the reason names nothing that the user can do. */
const REMEDIES: Readonly<Record<FailureKind, string>> = {
  bad_input: 'Correct what is named here.',
  bad_key: 'Check the key in DOITONG_API_KEY or DOITONG_API_KEY_FILE.',
  no_credits: 'Top up the credits at Doitong.',
  over_budget:
    'Order less, or raise the limit: --max-credits, --max-credits-per-call, --max-credits-per-day, --max-images-per-day.',
  not_confirmed: 'Order on a terminal, which asks you, or agree to the highest price with --max-credits.',
  rate_limited: 'Wait a minute, then try again.',
  service_error: 'Try again later; if it keeps happening, check the status of the Doitong service.',
  unreachable: 'Check the network connection and DOITONG_API_URL.',
  ambiguous: 'Look for the picture in the account at Doitong: it may be paid for.',
  moderated: 'Change the prompt so that it follows the rules of the service.',
  generation_failed: 'Order the picture again, if necessary with a different prompt; that is paid again.',
  interrupted: 'Order the picture again if you still want it.',
  download_failed: 'Run: flux-pro-mcp jobs resume. It fetches the picture without a new charge.',
  storage_failed: 'Check the folder that is named here.',
  unsupported_service: 'Check that DOITONG_API_URL is the address of the Doitong API.',
};

export function remedyFor(failure: Failure): string {
  const { user } = saidOf(failure);
  if (user !== undefined) return `${user.charAt(0).toUpperCase()}${user.slice(1)}.`;
  const { kind, retryAfterSeconds: seconds } = failure;
  return kind === 'rate_limited' && seconds !== undefined
    ? `Wait ${lasting(seconds)}, then try again.`
    : REMEDIES[kind];
}

const QUEUED = 'Its server sends it as soon as the limits allow; "flux-pro-mcp jobs cancel" takes it back.';
const RESUME = 'Run "flux-pro-mcp jobs resume": it continues this order, places no new one, and saves the picture.';

/** What the person can do about a job. */
export function todoFor(job: Job): string {
  const { state, failure } = job;
  const goesOn = state !== 'unknown' && !isSettled(job);
  const remedy = failure && (!goesOn || saidOf(failure).user) && remedyFor(failure);
  return [remedy, goesOn && (state === 'queued' ? QUEUED : RESUME)].filter(Boolean).join(' ') || 'Open the file.';
}

/** `fail`: a generation would not work. `warn`: it would, but something is not as it should be. */
export type Check = {
  /** A word or two, joined by an underscore. */
  check: string;
  status: 'ok' | 'warn' | 'fail';
  found: string;
  /** What to do; always there unless the status is `ok`. */
  remedy?: string;
};

export const ok = (check: string, found: string): Check => ({ check, status: 'ok', found });
export const warn = (check: string, found: string, remedy: string): Check => ({ check, status: 'warn', found, remedy });
export const fail = (check: string, found: string, remedy: string): Check => ({ check, status: 'fail', found, remedy });
