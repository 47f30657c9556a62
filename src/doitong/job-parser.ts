/** Takes the job out of an answer's raw fields, leniently: only the id must be right. Each odd word is logged once. */
import type { RemoteJob } from '../core/image-provider.ts';
import type { Log } from '../core/ports.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanLine, cleanWithout } from '../core/untrusted-text.ts';
import type { Envelope } from './envelope.ts';
import { jobFailure } from './failures.ts';
import { addressIn, pictureSource } from './picture-address.ts';
import { creditsSchema, type Fields, phaseOf, reasonIn, remoteIdSchema, statusWord } from './wire-values.ts';

type JobParserDeps = {
  redact: Redact;
  /** Removes the secrets of this program alone. */
  removeSecrets: Redact;
  log: Log;
  /** The API's: some services give addresses relative to it. */
  origin: string;
};

export class JobParser {
  readonly #oddWords = new Set<string>();

  constructor(private readonly deps: JobParserDeps) {}

  /** `undefined` without a job that can be used. @param askedId of the job that was asked for */
  take({ job: reported, errors }: Pick<Envelope, 'job' | 'errors'>, askedId?: string): RemoteJob | undefined {
    const { redact, removeSecrets, log, origin } = this.deps;
    if (!reported) return undefined;
    // What is read here is recorded: a service that repeats the key must not bring it to the disk.
    // No secret gets into the megabytes of Base64 of a data URL.
    const raw: Fields = redactValues(reported, (text) => (/^\s*data:/iu.test(text) ? text : removeSecrets(text)));
    if (askedId === undefined && typeof raw.id === 'string' && raw.id !== reported.id) {
      log.error('The service repeats a secret as the id of a job: such a job cannot be asked for');
      return undefined;
    }
    const remoteId = askedId ?? remoteIdSchema.safeParse(raw.id).data;
    if (remoteId === undefined) return undefined;
    if (errors.length > 0) log.warn('A job came together with errors and is used', { remoteId });
    const word = statusWord(raw.status);
    // The word is shown verbatim, and kept: nothing secret may be in it.
    const status = word === undefined ? undefined : redact(word);
    const address = addressIn(raw, status === undefined);
    // A job without a status is judged by its picture.
    const phase = status === undefined ? (address === undefined ? 'processing' : 'completed') : phaseOf(status);
    const job = { remoteId, remoteStatus: cleanLine(status ?? '', 60), ...this.#creditCost(raw, remoteId) };
    if (phase === 'failed') {
      const reason = reasonIn(raw);
      const said = reason === undefined ? errors.find((one) => one.said !== '')?.said : cleanWithout(redact, reason);
      return { ...job, phase, failure: jobFailure(cleanWithout(redact, word ?? ''), said) };
    }
    if (phase === 'completed' && address !== undefined)
      return { ...job, phase, ...pictureSource(address, origin, (text) => removeSecrets(text) !== text) };
    if (phase !== 'processing' && !this.#oddWords.has(job.remoteStatus)) {
      this.#oddWords.add(job.remoteStatus);
      const because = phase === undefined ? 'unknown_status' : 'completed_without_url';
      log.warn('A job status is treated as still processing', { status: job.remoteStatus, because });
    }
    return { ...job, phase: 'processing' };
  }

  #creditCost(raw: Fields, remoteId: string): Pick<RemoteJob, 'creditCost' | 'implausibleCost'> {
    const { data: creditCost } = creditsSchema.safeParse(raw.creditCost);
    if (creditCost === undefined) return {};
    // Ten times the upper end of the price list.
    const above = 500;
    if (creditCost <= above) return { creditCost };
    const reported = { remoteId, creditCost, above };
    this.deps.log.warn('A price that cannot be right is not taken: the price of this picture stays unknown', reported);
    return { implausibleCost: creditCost };
  }
}
