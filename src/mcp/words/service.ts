/** The words for what the service answered, or that it did not, for models. */
import type { Failure } from '../../core/failure.ts';
import type { LostAnswer, ServiceAnswer, ServicePurpose, ServiceReason } from '../../core/reasons.ts';
import { fenced } from '../../core/untrusted-text.ts';
import type { Said, Words } from './said.ts';

const CHECK_URL = 'check that DOITONG_API_URL is the address of the Doitong API';
const OTHER_DIALECT =
  'set DOITONG_DIALECT to another one of generate, generateImage and rest, or update flux-pro-mcp, and restart the server';
const SET_KEY =
  "set DOITONG_API_KEY or DOITONG_API_KEY_FILE in the host's configuration, or start the server with --sandbox, for test pictures without a key";

/** What happened, as the beginning of a sentence. */
export const SERVICE_ANSWERS: Readonly<Record<ServiceAnswer, string>> = {
  invalidRequest: 'The service refused the request as invalid',
  tooLarge: 'The service refused the request as too large',
  badKey: 'The service refused the API key',
  noCredits: 'The service refused the order because the account has too few credits',
  moderated: 'The service refused the order for reasons of moderation',
  rateLimited: 'The service refused the request because its rate limit is exceeded',
  jobLimited: 'The service refused the order because the plan allows no more jobs at the moment',
  notOffered: 'The service does not offer what was asked of it',
  movedElsewhere: 'The service redirects to another address, which is never followed',
  redirected: 'The service redirects to another address, which is never followed',
  conflict: 'The service is still busy with an earlier try of this request',
  keyReused: 'The service says that the idempotency key of this order belongs to another request',
  serviceError: 'The service failed with an internal error',
  otherRefusal: 'The service gave an unexpected answer',
  errorWithoutCode: 'The service answered with an error of unknown meaning',
  unreadable: 'The service gave an answer that cannot be read',
  unknownJob: 'The service does not know this job at the moment',
  noJobQuery: 'No way to ask the service for a job was found',
  paused: 'The service has asked for a pause until its rate limit resets',
  notSent: 'The service could not be reached; nothing was sent',
  blocked: 'The service could not be reached until its cause is fixed; nothing was sent',
  lost: 'The service gave no answer to a request that was sent',
};

/** What only the user can do. */
const REMEDIES: Partial<Record<ServiceAnswer, string>> = {
  badKey:
    "set DOITONG_API_KEY or DOITONG_API_KEY_FILE to a valid key in the host's configuration, and restart the server",
  notOffered: CHECK_URL,
  movedElsewhere: CHECK_URL,
  redirected: CHECK_URL,
};

const SENT: Readonly<Record<ServicePurpose, string>> = {
  submit: 'the order',
  read: 'the status request',
  probe: 'the request',
};
const NO_QUERY = {
  user: 'set DOITONG_JOB_QUERY to the query field and its argument that answer for a job, for example job(id), and restart the server',
  next: 'The jobs are not lost.',
};

const LOST: Readonly<Record<LostAnswer, (what: string, code: string) => string>> = {
  call_ended: (what) => `The call was ended after ${what} was sent and before the service answered.`,
  too_late: (what) => `The service did not answer ${what} in time.`,
  headers_too_long: (what) => `The service answered ${what} with headers that are too long to be read.`,
  connection_broke: (what, code) => `The connection to the service broke after ${what} was sent${code}.`,
};

export const SERVICE_WORDS: Words<ServiceReason> = {
  service_answered: answered,
  answer_lost: ({ purpose, how, errorCode }) =>
    LOST[how](SENT[purpose], errorCode === undefined ? '' : ` (${errorCode})`),
  ended_before_sending: () => ({
    what: 'The call was ended before anything was sent to the service.',
    next: 'Call again if the answer is still wanted.',
  }),
  job_without_picture: ({ isModerated, status, said }) => {
    const what = isModerated
      ? 'The service refused to deliver the picture for reasons of moderation'
      : 'The service ended the job without a picture';
    return `${what} (status ${fenced(status)})${said === undefined ? '' : `: ${fenced(said)}`}.`;
  },
  dialect_changed: ({ dialect, missing, unknown }) => {
    const pieces = [
      missing.length > 0 && `it requires ${listed(missing)}, which this program does not know`,
      unknown.length > 0 && `it does not take ${listed(unknown)} as documented`,
    ];
    const changes = pieces.filter(Boolean).join('; ');
    return { what: `The service's operation "${dialect}" has changed: ${changes}.`, user: OTHER_DIALECT };
  },
  dialect_unknown: ({ dialect }) => ({
    what: `The order was sent before by a newer version of flux-pro-mcp, in a way that this one does not know (${fenced(dialect)}). It is not sent again.`,
    user: 'update flux-pro-mcp everywhere',
  }),
  no_dialect_offered: ({ dialects }) => ({
    what: `The service offers none of the documented ways to order a picture (${dialects.join(', ')}).`,
    user: CHECK_URL,
  }),
  no_status_query: () => ({ what: 'No query was found by which this service tells the status of a job.', ...NO_QUERY }),
  status_query_malformed: () => ({ what: 'DOITONG_JOB_QUERY is not a field with an argument.', ...NO_QUERY }),
  status_query_refused: (reason) => ({
    what: `The service does not offer the status query ${reason.query}${quotation(reason)}.`,
    ...NO_QUERY,
  }),
  no_api_key: () => ({ what: 'No API key is set.', user: SET_KEY }),
  api_key_unusable: () => ({ what: 'The API key that is set has characters that a key cannot have.', user: SET_KEY }),
  no_such_job_id: () => ({
    what: 'The service gave this job an id that cannot be looked up.',
    user: 'look for the picture in the account at Doitong',
  }),
};

const listed = (names: readonly string[]): string => fenced(names.join(', '));

function answered(reason: Extract<ServiceReason, { code: 'service_answered' }>, failure: Failure): Said {
  const { answer, dialect } = reason;
  const credits = answer === 'noCredits' ? amounts(failure) : '';
  const set =
    dialect === 'auto'
      ? OTHER_DIALECT
      : `set DOITONG_DIALECT to auto (it is ${dialect}) and restart the server, and ${CHECK_URL}`;
  const user = dialect === undefined ? REMEDIES[answer] : set;
  return { what: `${SERVICE_ANSWERS[answer]}${quotation(reason)}.${credits}`, user };
}

/** Where in a sentence the service's own words stand. */
function quotation({ httpStatus, said }: { httpStatus?: number | undefined; said?: string | undefined }): string {
  const status = httpStatus === undefined ? '' : ` (HTTP ${httpStatus})`;
  return said === undefined ? status : `${status}: ${fenced(said)}`;
}

function amounts({ creditsRequired: required, creditsAvailable: available }: Failure): string {
  if (required === undefined) return available === undefined ? '' : ` ${available} credits are available.`;
  return ` It takes ${required} credits${available === undefined ? '' : `; ${available} are available`}.`;
}
