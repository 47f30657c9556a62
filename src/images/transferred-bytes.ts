/** What has arrived of a picture so far, never more than the bound, and how the rest is asked for. */
import type { Dispatcher } from 'undici';
import { type ContentEncoding, ContentTooLarge, contentEncodings, decodedContent } from '../core/content-encoding.ts';
import type { FluxError } from '../core/failure.ts';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { quoted } from '../core/untrusted-text.ts';
import { failed, tooLarge, wrongStatus } from './download-failures.ts';

const FIRST_BYTES = 256 * 1024;

const CONTENT_RANGE = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/u;

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

export class TransferredBytes {
  #buffer = Buffer.alloc(0);
  #size = 0;
  /** What names these very bytes at the host: without it a rest could belong to another picture. */
  #validator: string | undefined;
  #encodings: readonly ContentEncoding[] = [];

  get size(): number {
    return this.#size;
  }

  /** Whether the host can be asked for the rest alone. */
  get canResume(): boolean {
    return this.#validator !== undefined && this.#size > 0;
  }

  /** Nothing has arrived yet: none. */
  rangeHeaders(): Record<string, string> {
    return this.#validator === undefined || this.#size === 0
      ? {}
      : { range: `bytes=${this.#size}-`, 'if-range': this.#validator };
  }

  /**
   * Looks at the head of an answer: its body is the whole picture, or goes on where the last one broke off.
   * @returns what is wrong with it when it is neither
   */
  begin(answer: Answer): FluxError | undefined {
    if (answer.statusCode !== 200 && answer.statusCode !== 206) return wrongStatus(answer.statusCode);
    const named = answer.headers['content-encoding'];
    const encodings = contentEncodings(named);
    if (encodings === undefined)
      return failed(`it came encoded as ${quoted(String(named), 40)}, which is not known here`);
    if (answer.statusCode === 206) return this.#goesOn(answer, encodings);
    const length = Number(answer.headers['content-length'] ?? 0);
    if (length > PICTURE_MAX_BYTES) return tooLarge(PICTURE_MAX_BYTES);
    this.#size = 0;
    this.#encodings = encodings;
    // A host that encodes on the way may cut the next answer from other bytes: an encoded transfer begins again.
    this.#validator = encodings.length === 0 ? validatorOf(answer) : undefined;
    this.#reserve(Math.min(length, FIRST_BYTES));
    return undefined;
  }

  #goesOn(answer: Answer, encodings: readonly ContentEncoding[]): FluxError | undefined {
    const [, from, last, total] = CONTENT_RANGE.exec(String(answer.headers['content-range'] ?? '')) ?? [];
    const fits = this.#size > 0 && encodings.length === 0 && Number(from) === this.#size;
    if (!fits || Number(last) + 1 !== Number(total))
      return failed('the host sent another part of it than was asked for');
    return Number(total) > PICTURE_MAX_BYTES ? tooLarge(PICTURE_MAX_BYTES) : undefined;
  }

  /** @throws FluxError as soon as more arrives than the bound; leaving the loop over the body destroys the stream */
  add(chunk: Uint8Array): void {
    if (this.#size + chunk.length > PICTURE_MAX_BYTES) throw tooLarge(PICTURE_MAX_BYTES);
    this.#reserve(this.#size + chunk.length);
    this.#buffer.set(chunk, this.#size);
    this.#size += chunk.length;
  }

  whole(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  /** The whole as it was before it was encoded for the transfer. @throws FluxError */
  async decoded(): Promise<Uint8Array> {
    if (this.#encodings.length === 0) return this.whole();
    try {
      const chunks: Uint8Array[] = [];
      for await (const chunk of decodedContent([this.whole()], this.#encodings, PICTURE_MAX_BYTES)) chunks.push(chunk);
      return Buffer.concat(chunks);
    } catch (error) {
      if (error instanceof ContentTooLarge) throw tooLarge(PICTURE_MAX_BYTES);
      throw failed(`it came encoded as ${this.#encodings.join(', ')} and cannot be decoded`, error);
    }
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const grown = Buffer.alloc(Math.min(PICTURE_MAX_BYTES, Math.max(bytes, 2 * this.#buffer.length)));
    this.#buffer.copy(grown, 0, 0, this.#size);
    this.#buffer = grown;
  }
}

/** A weak tag allows other bytes; a date alone may be of two versions within its second, which no picture has. */
function validatorOf({ headers }: Answer): string | undefined {
  const { etag, 'last-modified': modified } = headers;
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  return typeof modified === 'string' ? modified : undefined;
}
