/** Turns a refusal, a fault or a failed job into a failure: the one place where a status or a code gets a meaning. */
import type { Failure } from '../core/failure.ts';
import type { ConnectReason } from '../core/reasons.ts';
import type { Redact } from '../core/redaction.ts';
import { fencedWithout } from '../core/untrusted-text.ts';
import { isLasting } from '../network/connect-failure.ts';
import type { Envelope, WireError } from './envelope.ts';
import { FAILURE_TABLE, type FailureRow, type FailureRowName, JOB_FAILURE_TABLE } from './failure-table.ts';
import type { NetworkFault } from './transport.ts';
import { normalStatus } from './wire-values.ts';

/** A failure, and whether the client may try again by itself. */
export type Decision = { row: FailureRowName; failure: Failure; repeated: boolean };

/** What a request is for: an order can cost credits, reading cannot. */
export type Purpose = 'submit' | 'read';

/** Quotes the service's words; secrets must be out of them by then. */
export type Fence = (text: string) => string;

export const fenceWith =
  (redact: Redact): Fence =>
  (text) =>
    fencedWithout(redact, text);

const ROWS = Object.entries(FAILURE_TABLE) as [FailureRowName, FailureRow][];
const ANSWERED: FailureRowName = 'errorWithoutCode';

/** The row for an answer that holds no job. */
export function rowOf(status: number, errors: readonly WireError[], purpose: Purpose): FailureRowName {
  const coded = errors.flatMap(({ code }) => rowOfCode(code, purpose) ?? []);
  // One error that leaves the outcome open outweighs others that refuse.
  const decisive = coded.find((name) => FAILURE_TABLE[name].creditsSpent !== 'no') ?? coded[0];
  if (decisive !== undefined) return decisive;
  if (status >= 200 && status <= 299 && errors.length > 0) return ANSWERED;
  return rowOfStatus(status);
}

function rowOfCode(code: string | undefined, purpose: Purpose): FailureRowName | undefined {
  if (code === undefined) return undefined;
  const wanted = code.trim().toUpperCase();
  const name = ROWS.find(([, row]) => row.codes.includes(wanted))?.[0];
  return name === 'unknownJob' && purpose === 'submit' ? undefined : name;
}

function rowOfStatus(status: number): FailureRowName {
  const exact = ROWS.find(([, row]) => row.statuses.some((entry) => entry === status));
  const within = ROWS.find(([, row]) =>
    row.statuses.some((entry) => typeof entry !== 'number' && entry[0] <= status && status <= entry[1]),
  );
  return (exact ?? within)?.[0] ?? 'unreadable';
}

/** The failure of an answer that holds no job. */
export function answerDecision(status: number, envelope: Envelope, purpose: Purpose, fence: Fence): Decision {
  const name = rowOf(status, envelope.errors, purpose);
  return rowDecision(name, purpose, { status, errors: envelope.errors, fence });
}

/** The failure of an exchange without an answer. */
export function faultDecision(sent: boolean, fault: NetworkFault, purpose: Purpose): Decision {
  if (!sent) return notSentDecision(fault, purpose);
  const message = `${faultText(fault, purpose)} ${OUTCOME_UNKNOWN[purpose]}`;
  const decision = rowDecision('lost', purpose, { message });
  // It has answered: the next answer to the same request would be as large.
  return fault.code === OVERSIZED ? { ...decision, repeated: false } : decision;
}

function notSentDecision({ cause, code, connect }: NetworkFault, purpose: Purpose): Decision {
  if (cause === 'caller') {
    return rowDecision('notSent', purpose, { message: 'The call was ended before anything was sent to the service.' });
  }
  const errorCode = cause === 'deadline' ? 'ETIMEDOUT' : code;
  const problem = connect ?? { code: 'not_connected', ...(errorCode !== undefined && { errorCode }) };
  return rowDecision(isLasting(problem) ? 'blocked' : 'notSent', purpose, { reason: { ...problem, to: 'service' } });
}

/** undici's code for headers that are longer than the bound. */
const OVERSIZED = 'UND_ERR_HEADERS_OVERFLOW';

/** Why a job ended without a picture. `reason` is the service's own text. */
export function jobFailure(word: string, reason: string | undefined, fence: Fence): Failure {
  const moderated = (JOB_FAILURE_TABLE.moderated.statuses as readonly string[]).includes(normalStatus(word));
  const row = moderated ? JOB_FAILURE_TABLE.moderated : JOB_FAILURE_TABLE.failed;
  const what = moderated
    ? 'The service refused to deliver the picture for reasons of moderation'
    : 'The service ended the job without a picture';
  const because = reason === undefined ? '.' : `: ${fence(reason)}.`;
  return {
    kind: row.kind,
    message: `${what} (status ${fence(word)})${because}`,
    // `creditCost` is a price; whether a job without a picture keeps it is not documented.
    creditsSpent: row.creditsSpent,
    retry: row.retry,
  };
}

type Details = {
  status?: number;
  errors?: readonly WireError[];
  fence?: Fence;
  message?: string;
  reason?: ConnectReason;
  remedy?: string;
};

/** The failure of a row, also of one that was found without the table: a validation error, an unknown job. */
export function rowDecision(name: FailureRowName, purpose: Purpose, details: Details = {}): Decision {
  const { kind, creditsSpent, retry, repeated, ...row }: FailureRow = FAILURE_TABLE[name];
  const amounts = creditAmounts(details.errors ?? []);
  const { remedy = row.remedy } = details;
  const failure: Failure = {
    kind,
    ...(details.reason === undefined
      ? { message: details.message ?? answerText(name, purpose, details, amounts) }
      : { reason: details.reason }),
    creditsSpent,
    retry,
    ...(remedy === undefined ? {} : { remedy }),
    ...(details.status === undefined ? {} : { httpStatus: details.status }),
    ...amounts,
  };
  return { row: name, failure: purpose === 'read' ? readingFailure(failure) : failure, repeated };
}

/** What a failure of the table means when a job was only read: nothing is learnt of its credits or its end. */
function readingFailure(failure: Failure): Failure {
  const reading: Partial<Record<Failure['kind'], Failure['kind']>> = {
    bad_input: 'unsupported_service',
    ambiguous: 'unreachable',
    moderated: 'service_error',
  };
  return {
    ...failure,
    kind: reading[failure.kind] ?? failure.kind,
    creditsSpent: 'maybe',
    retry: failure.retry === 'same_job' ? 'later' : failure.retry,
  };
}

type Amounts = { creditsRequired?: number; creditsAvailable?: number };

function creditAmounts(errors: readonly WireError[]): Amounts {
  const required = errors.find((error) => error.creditsRequired !== undefined)?.creditsRequired;
  const available = errors.find((error) => error.creditsAvailable !== undefined)?.creditsAvailable;
  return {
    ...(required === undefined ? {} : { creditsRequired: required }),
    ...(available === undefined ? {} : { creditsAvailable: available }),
  };
}

const OUTCOME_UNKNOWN: Readonly<Record<Purpose, string>> = {
  submit: 'Whether the order was carried out is not known.',
  read: 'What became of the job is not known.',
};

function answerText(name: FailureRowName, purpose: Purpose, details: Details, amounts: Amounts): string {
  const status = details.status === undefined ? '' : ` (HTTP ${details.status})`;
  const words = details.errors?.find((error) => error.message.trim() !== '')?.message;
  const said = words === undefined || details.fence === undefined ? '' : `: ${details.fence(words)}`;
  const open = FAILURE_TABLE[name].creditsSpent === 'maybe' && purpose === 'submit' ? ` ${OUTCOME_UNKNOWN.submit}` : '';
  return `${FAILURE_TABLE[name].what}${status}${said}.${amountsText(amounts)}${open}`;
}

function amountsText({ creditsRequired, creditsAvailable }: Amounts): string {
  if (creditsRequired !== undefined && creditsAvailable !== undefined) {
    return ` It takes ${creditsRequired} credits; ${creditsAvailable} are available.`;
  }
  if (creditsRequired !== undefined) return ` It takes ${creditsRequired} credits.`;
  return creditsAvailable === undefined ? '' : ` ${creditsAvailable} credits are available.`;
}

function faultText({ cause, code }: NetworkFault, purpose: Purpose): string {
  const what = purpose === 'submit' ? 'the order' : 'the status request';
  switch (cause) {
    case 'caller':
      return `The call was ended after ${what} was sent and before the service answered.`;
    case 'deadline':
      return `The service did not answer ${what} in time.`;
    case 'network':
      if (code === OVERSIZED) return `The service answered ${what} with headers that are too long to be read.`;
      return `${withCode(`The connection to the service broke after ${what} was sent`, code)}.`;
    default:
      return cause satisfies never;
  }
}

function withCode(text: string, code: string | undefined): string {
  return code === undefined ? text : `${text} (${code})`;
}
