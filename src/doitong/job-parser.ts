/** Takes the job out of an answer, and logs what is odd about it: each odd word once. */
import { PLAUSIBLE_CREDITS_MAX } from '../core/credits.ts';
import type { RemoteJob } from '../core/image-provider.ts';
import type { Log } from '../core/log.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import type { Envelope } from './envelope.ts';
import type { Fence } from './failures.ts';
import { readWireJob } from './wire-job.ts';
import { statusWord } from './wire-values.ts';

export type JobParserDeps = {
  redact: Redact;
  /** Removes the secrets of this program alone. */
  removeSecrets: Redact;
  fence: Fence;
  log: Log;
  /** The API's: some services give addresses relative to it. */
  origin: string;
};

export class JobParser {
  readonly #deps: JobParserDeps;
  readonly #oddWords = new Set<string>();

  constructor(deps: JobParserDeps) {
    this.#deps = deps;
  }

  /** `undefined` without a job that can be used. @param remoteId of the job that was asked for */
  take(envelope: Envelope, remoteId?: string): RemoteJob | undefined {
    const { redact, removeSecrets, fence, log, origin } = this.#deps;
    if (!envelope.job) return undefined;
    // What is read here is recorded: a service that repeats the key must not bring it to the disk.
    const without = redactValues(envelope.job, (text) => (isData(text) ? text : removeSecrets(text)));
    if (remoteId === undefined && typeof without.id === 'string' && without.id !== envelope.job.id) {
      log.error('The service repeats a secret as the id of a job: such a job cannot be asked for');
      return undefined;
    }
    const otherError = envelope.errors.find(({ message }) => message !== '')?.message;
    const status = statusWord(without.status);
    // The word is shown verbatim, and kept: nothing secret may be in it.
    const raw = status === undefined ? without : { ...without, status: redact(status) };
    const containsSecret = (text: string): boolean => removeSecrets(text) !== text;
    const read = readWireJob(raw, fence, {
      otherError,
      origin,
      containsSecret,
      ...(remoteId === undefined ? {} : { remoteId }),
    });
    if (read === undefined) return undefined;
    const { job, oddity, implausibleCost } = read;
    if (implausibleCost !== undefined) {
      const reported = { remoteId: job.remoteId, creditCost: implausibleCost, above: PLAUSIBLE_CREDITS_MAX };
      log.warn('A price that cannot be right is not taken: the price of this picture stays unknown', reported);
    }
    if (envelope.errors.length > 0) {
      log.warn('A job came together with errors and is used', { remoteId: job.remoteId });
    }
    if (oddity !== undefined && !this.#oddWords.has(job.remoteStatus)) {
      this.#oddWords.add(job.remoteStatus);
      log.warn('A job status is treated as still processing', { status: job.remoteStatus, because: oddity });
    }
    return job;
  }
}

/** Megabytes of Base64, which no secret gets into. */
function isData(text: string): boolean {
  return /^\s*data:/iu.test(text.slice(0, 20));
}
