/** What has arrived of a picture so far, never more than the bound, and how the rest is asked for. */
import type { Dispatcher } from 'undici';
import { ContentTooLarge, contentEncodings, wholeContent } from '../core/content-encoding.ts';
import type { FluxError } from '../core/failure.ts';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failed, failedWith, tooLarge } from './download-failures.ts';
import { inspectPicture } from './inspect.ts';

/** 201 comes from hosts that make the file on request, 203 from proxies that have changed how it is transferred. */
const WITH_BYTES: readonly number[] = [200, 201, 203, 206];

const OTHER_PART = 'the host sent another part of it than was asked for';

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

export class TransferredBytes {
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** What names these very bytes at the host: without it a rest could belong to another picture. */
  #validator: string | undefined;
  #encoding: string | string[] | undefined;
  /** The length of the whole, where it came as a part that is the whole. */
  #claimed: number | undefined;

  get size(): number {
    return this.#size;
  }

  /** Whether the host can be asked for the rest alone. */
  get canResume(): boolean {
    return this.#validator !== undefined && this.#size > 0;
  }

  /** None where all is asked for. */
  rangeHeaders(): Record<string, string> {
    return this.canResume ? { range: `bytes=${this.#size}-`, 'if-range': this.#validator ?? '' } : {};
  }

  /**
   * Reads the head of an answer: its body is the whole picture, or goes on where the last one broke off.
   * @returns what is wrong with it when it is neither
   */
  begin(answer: Answer): FluxError | undefined {
    const { statusCode, headers } = answer;
    if (!WITH_BYTES.includes(statusCode))
      return failedWith(`The finished picture could not be fetched: the host answered ${statusCode}.`);
    const encoding = headers['content-encoding'];
    const isPlain = contentEncodings(encoding)?.length === 0;
    const part = statusCode === 206 ? partIn(answer) : undefined;
    // Some hosts answer with a part that is the whole when none was asked for.
    if (statusCode === 206 && part?.from !== 0) {
      const goesOn = this.#size > 0 && isPlain && part?.from === this.#size;
      if (!goesOn) return failed(OTHER_PART);
      return part.total > PICTURE_MAX_BYTES ? tooLarge() : undefined;
    }
    if (Number(headers['content-length'] ?? 0) > PICTURE_MAX_BYTES) return tooLarge();
    this.#chunks = [];
    this.#size = 0;
    this.#encoding = encoding;
    this.#claimed = part?.total;
    // A host that encodes while it sends may cut the next answer from other bytes: an encoded transfer begins again.
    this.#validator = isPlain ? validatorOf(answer) : undefined;
    return undefined;
  }

  /** @throws FluxError as soon as more arrives than the bound; leaving the loop over the body destroys the stream */
  add(chunk: Uint8Array): void {
    if (this.#size + chunk.length > PICTURE_MAX_BYTES) throw tooLarge();
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  whole(): Uint8Array {
    const whole = Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  /** The whole as it was before it was encoded for the transfer. @throws FluxError */
  async decoded(): Promise<Uint8Array> {
    if (this.#claimed !== undefined && this.#claimed !== this.#size) throw failed(OTHER_PART);
    const isReadable = (bytes: Uint8Array): boolean => inspectPicture(bytes) !== undefined;
    const limits = { maxBytes: PICTURE_MAX_BYTES, isReadable };
    try {
      const content = await wholeContent([this.whole()], this.#encoding, limits);
      if (content !== undefined) return content;
    } catch (error) {
      if (error instanceof ContentTooLarge) throw tooLarge();
      throw error;
    }
    throw failed(`it came encoded as ${fenced(String(this.#encoding), 40)} and cannot be decoded`);
  }
}

const CONTENT_RANGE = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/u;

/** `undefined` for one that does not reach to the end of the whole. */
function partIn({ headers }: Answer): { from: number; total: number } | undefined {
  const [, from, last, total] = CONTENT_RANGE.exec(String(headers['content-range'] ?? '')) ?? [];
  return Number(last) + 1 === Number(total) ? { from: Number(from), total: Number(total) } : undefined;
}

/** A weak tag allows other bytes; a date alone may be of two versions within its second, which no picture has. */
function validatorOf({ headers }: Answer): string | undefined {
  const { etag, 'last-modified': modified } = headers;
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  return typeof modified === 'string' ? modified : undefined;
}
