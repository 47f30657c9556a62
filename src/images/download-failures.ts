/** What is said of a picture that cannot be fetched. Its credits are spent by then. */
import { type Failure, FluxError } from '../core/failure.ts';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import type { ConnectFailure } from '../network/connect-failure.ts';

const NOT_FETCHED =
  'Ask the user to look for this picture in the account at Doitong: this server does not fetch it from that address.';
const HOST_NOT_LISTED =
  'Ask the user whether pictures may be fetched from that host. Only the user can allow it, by DOITONG_DOWNLOAD_HOSTS in ' +
  "the host's configuration and a restart; get_job_status then saves the picture without a new charge.";

/** It may be there at the next try. */
export function failed(reason: string, cause?: unknown): FluxError {
  return failedWith(`The finished picture could not be fetched (${reason}).`, cause);
}

/** The same, where the message is a whole sentence. */
export function failedWith(message: string, cause?: unknown): FluxError {
  return failure(message, 'same_job', cause);
}

/** The host of the picture was not reached. */
export function notConnected(error: ConnectFailure): FluxError {
  const reason = { ...error.problem, to: 'picture' as const };
  return new FluxError({ kind: 'download_failed', reason, creditsSpent: 'yes', retry: 'same_job' }, { cause: error });
}

/** @param what the bytes are, as far as is known */
export function noPicture(what: string): FluxError {
  return failedWith(`What the service delivered is ${what}, not a picture.`);
}

export function tooLarge(): FluxError {
  return hopeless(`The finished picture is larger than ${PICTURE_MAX_BYTES / 1024 ** 2} MB.`, NOT_FETCHED);
}

/** The address of a finished picture does not change: asking again would be refused again. */
export function refusedUrl(message: string, hostRefused: boolean): FluxError {
  return hopeless(message, hostRefused ? HOST_NOT_LISTED : NOT_FETCHED);
}

export function refusedAddress(reason: string): FluxError {
  return hopeless(
    `The picture's host leads into this machine or a private network (${cleanLine(reason)}); nothing was fetched from there.`,
    'Ask the user to check the DNS settings of this machine; the picture stays with its job, and get_job_status tries again.',
  );
}

function hopeless(message: string, remedy: string): FluxError {
  return new FluxError({ ...failure(message, 'no').failure, remedy });
}

function failure(message: string, retry: Failure['retry'], cause?: unknown): FluxError {
  return new FluxError({ kind: 'download_failed', message, creditsSpent: 'yes', retry }, { cause });
}
