/** Reads a job out of an answer's raw fields, leniently: only the id must be right. */
import * as z from 'zod';
import { PLAUSIBLE_CREDITS_MAX } from '../core/credits.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import type { ContainsSecret } from '../core/redaction.ts';
import { cleanLine } from '../core/untrusted-text.ts';
import { type Fence, jobFailure } from './failures.ts';
import { pictureSource } from './picture-address.ts';
import { addressInJson, addressOf } from './schema/address-in-json.ts';
import { isOutputName } from './schema/name-words.ts';
import { phaseOf } from './statuses.ts';
import { creditsSchema, statusWord } from './wire-values.ts';

export type WireJob = {
  job: RemoteJob;
  /** Something worth a line in the log. */
  oddity?: 'unknown_status' | 'completed_without_url';
  /** The reported price when it cannot be one: it is not used. */
  implausibleCost?: number;
};

const REMOTE_ID_MAX_CHARACTERS = 200;
const STATUS_MAX_CHARACTERS = 60;

/** A string (or a number, as some services send it) that is safe in a document, a log line and a file name's text. */
export const remoteIdSchema = z
  .union([z.string(), z.number().transform(String)])
  .refine((id) => id.trim().length > 0 && id.length <= REMOTE_ID_MAX_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(id));

const reasonIn = z.union([
  z.string(),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ reason: z.string() }).transform(({ reason }) => reason),
]);
const fields = z.object({
  creditCost: creditsSchema.optional().catch(undefined),
});
const REASON_NAMES = ['error', 'errorMessage', 'failureReason', 'reason', 'statusMessage', 'message'] as const;

/**
 * `undefined` when there is no usable id. `otherError` is the text of an error that came along with the job, `origin` the
 * API's, against which a relative address of the picture is resolved.
 */
export function readWireJob(
  raw: Readonly<Record<string, unknown>>,
  fence: Fence,
  known: { remoteId?: string; otherError?: string | undefined; origin?: string; containsSecret?: ContainsSecret } = {},
): WireJob | undefined {
  const remoteId = known.remoteId ?? remoteIdSchema.safeParse(raw.id).data;
  if (remoteId === undefined) return undefined;
  const { creditCost } = fields.parse(raw);
  if (creditCost !== undefined && creditCost > PLAUSIBLE_CREDITS_MAX) {
    const read = readWireJob({ ...raw, creditCost: undefined }, fence, known);
    return read && { ...read, implausibleCost: creditCost };
  }
  const status = statusWord(raw.status);
  const address = addressIn(raw, status === undefined);
  const phase = status === undefined ? phaseWithoutStatus(address) : phaseOf(status);
  const job: RemoteJob = {
    remoteId,
    phase: phase ?? 'processing',
    remoteStatus: cleanLine(status ?? '', STATUS_MAX_CHARACTERS),
    ...(creditCost === undefined ? {} : { creditCost }),
  };
  if (phase === undefined) return { job, oddity: 'unknown_status' };
  if (phase === 'completed') {
    if (address === undefined) return { job: { ...job, phase: 'processing' }, oddity: 'completed_without_url' };
    return { job: { ...job, ...pictureSource(address, known.origin, known.containsSecret) } };
  }
  if (phase === 'processing') return { job };
  const reason = reasonOf(raw) ?? known.otherError;
  return { job: { ...job, failure: jobFailure(status ?? '', reason, fence) } };
}

/** A job without a status is judged by its picture. */
function phaseWithoutStatus(address: string | undefined): RemoteJob['phase'] {
  return address === undefined ? 'processing' : 'completed';
}

/**
 * Where the picture is: `url`, or an address under a name that speaks of one, up to some levels below.
 * @param isSign whether the address is the only sign that the job is finished: a link to the job itself is none then
 */
function addressIn(raw: Readonly<Record<string, unknown>>, isSign: boolean): string | undefined {
  return addressOf(raw.url, true) ?? addressInJson(raw, (words) => !isSign || isOutputName(words.slice(0, 1)));
}

function reasonOf(raw: Readonly<Record<string, unknown>>): string | undefined {
  const metadata = z.record(z.string(), z.unknown()).safeParse(raw.metadata).data ?? {};
  for (const record of [raw, metadata]) {
    for (const name of REASON_NAMES) {
      const reason = reasonIn.safeParse(record[name]).data?.trim();
      if (reason) return reason;
    }
  }
  return undefined;
}
