/** Turns a refusal, a fault or a failed job into a failure, by the rows of failure-table.ts. */
import type { Failure } from '../core/failure.ts';
import type { ConnectProblem, Reason, ServiceAnswer, ServicePurpose } from '../core/reasons.ts';
import { isLasting } from '../network/connect-failure.ts';
import type { WireError } from './envelope.ts';
import { FAILURE_TABLE, JOB_FAILURE_TABLE } from './failure-table.ts';
import { normalStatus } from './wire-values.ts';

export type Purpose = Exclude<ServicePurpose, 'probe'>;

/** What went wrong in transit, for the failure table and the log. */
export type WireFault = {
  /** `caller` ended the call, `deadline` is ours, `network` is everything else. */
  cause: 'caller' | 'deadline' | 'network';
  /** The code of undici, Node or OpenSSL, where there is one. */
  code?: string | undefined;
  connect?: ConnectProblem | undefined;
};

export type Decision = { row: ServiceAnswer; failure: Failure; repeated: boolean };

const ROWS = Object.entries(FAILURE_TABLE) as [ServiceAnswer, (typeof FAILURE_TABLE)[ServiceAnswer]][];

export function rowOf(status: number, errors: readonly WireError[], purpose: Purpose): ServiceAnswer {
  const codes = errors.map(({ code = '' }) => code.trim().toUpperCase());
  const coded = codes
    .flatMap((code) => ROWS.find(([, row]) => row.codes.includes(code))?.[0] ?? [])
    .filter((name) => name !== 'unknownJob' || purpose === 'read');
  // One error that leaves the outcome open outweighs others that refuse.
  const decisive = coded.find((name) => FAILURE_TABLE[name].creditsSpent !== 'no') ?? coded[0];
  if (decisive !== undefined) return decisive;
  if (status >= 200 && status <= 299 && errors.length > 0) return 'errorWithoutCode';
  const exact = ROWS.find(([, { statuses }]) => statuses.includes(status));
  const within = ROWS.find(([, { statusClass }]) => statusClass === Math.floor(status / 100));
  return (exact ?? within)?.[0] ?? 'unreadable';
}

export function answerDecision(status: number, errors: readonly WireError[], purpose: Purpose): Decision {
  return rowDecision(rowOf(status, errors, purpose), purpose, { status, errors });
}

export function faultDecision(sent: boolean, { cause, code, connect }: WireFault, purpose: Purpose): Decision {
  if (sent) {
    const isTooLong = cause === 'network' && code === 'UND_ERR_HEADERS_OVERFLOW';
    const how = isTooLong ? 'headers_too_long' : LOST[cause];
    const decision = rowDecision('lost', purpose, { reason: { code: 'answer_lost', purpose, how, errorCode: code } });
    // It has answered: the next answer to the same request would be as large.
    return isTooLong ? { ...decision, repeated: false } : decision;
  }
  if (cause === 'caller') return rowDecision('notSent', purpose, { reason: { code: 'ended_before_sending' } });
  const late = { code: 'not_connected', errorCode: 'ETIMEDOUT' } as const;
  const problem = connect ?? (cause === 'deadline' ? late : { code: 'not_connected', errorCode: code });
  return rowDecision(isLasting(problem) ? 'blocked' : 'notSent', purpose, { reason: { ...problem, to: 'service' } });
}

const LOST = { caller: 'call_ended', deadline: 'too_late', network: 'connection_broke' } as const;

export function jobFailure(status: string, said?: string): Failure {
  const isModerated = JOB_FAILURE_TABLE.moderated.words.includes(normalStatus(status));
  const { kind, retry } = isModerated ? JOB_FAILURE_TABLE.moderated : JOB_FAILURE_TABLE.failed;
  return {
    kind,
    reason: { code: 'job_without_picture', isModerated, status, said },
    // `creditCost` is a price; whether a job without a picture keeps it is not documented.
    creditsSpent: 'maybe',
    retry,
  };
}

type Details = {
  status?: number;
  errors?: readonly WireError[];
  /** As set, where the order would need another dialect. */
  dialect?: string;
  reason?: Reason;
};

/** The failure of a row, also of one that was found without the table: a validation error, an unknown job. */
export function rowDecision(answer: ServiceAnswer, purpose: Purpose, details: Details = {}): Decision {
  const { kind, creditsSpent, retry, repeated } = FAILURE_TABLE[answer];
  const { status: httpStatus, errors = [], dialect } = details;
  const said = errors.find((error) => error.said !== '')?.said;
  const answered: Reason = { code: 'service_answered', answer, purpose, httpStatus, said, dialect };
  const reason = details.reason ?? answered;
  const creditsRequired = errors.find((error) => error.creditsRequired !== undefined)?.creditsRequired;
  const creditsAvailable = errors.find((error) => error.creditsAvailable !== undefined)?.creditsAvailable;
  const failure = { kind, reason, creditsSpent, retry, httpStatus, creditsRequired, creditsAvailable };
  return { row: answer, failure: purpose === 'read' ? readingFailure(failure) : failure, repeated };
}

/** What a failure of the table means when a job was only read: nothing is learnt of its credits or its end. */
function readingFailure(failure: Failure): Failure {
  const kind = READING_KINDS[failure.kind] ?? failure.kind;
  return { ...failure, kind, creditsSpent: 'maybe', retry: failure.retry === 'same_job' ? 'later' : failure.retry };
}

const READING_KINDS: Partial<Record<Failure['kind'], Failure['kind']>> = {
  bad_input: 'unsupported_service',
  ambiguous: 'unreachable',
  moderated: 'service_error',
};
