/** What has arrived of a picture so far, never more than the bound, and how the rest is asked for. */
import type { Dispatcher } from 'undici';
import { ContentTooLarge, contentEncodings, wholeContent } from '../core/content-encoding.ts';
import type { FluxError } from '../core/failure.ts';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import { fenced } from '../core/untrusted-text.ts';
import { failed, tooLarge, wrongStatus } from './download-failures.ts';
import { inspectPicture } from './inspect.ts';

const FIRST_BYTES = 256 * 1024;

const CONTENT_RANGE = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/u;

/** 201 comes from hosts that make the file on request, 203 from proxies that have changed how it is transferred. */
const WITH_BYTES: readonly number[] = [200, 201, 203, 206];

const OTHER_PART = 'the host sent another part of it than was asked for';

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>;

export class TransferredBytes {
  #buffer = Buffer.alloc(0);
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
    if (!WITH_BYTES.includes(answer.statusCode)) return wrongStatus(answer.statusCode);
    const encoding = answer.headers['content-encoding'];
    const isPlain = contentEncodings(encoding)?.length === 0;
    const claimed = answer.statusCode === 206 ? wholeRange(answer) : undefined;
    if (answer.statusCode === 206 && claimed === undefined) return this.#goesOn(answer, isPlain);
    const length = Number(answer.headers['content-length'] ?? 0);
    if (length > PICTURE_MAX_BYTES) return tooLarge(PICTURE_MAX_BYTES);
    this.#size = 0;
    this.#encoding = encoding;
    this.#claimed = claimed;
    // A host that encodes on the way may cut the next answer from other bytes: an encoded transfer begins again.
    this.#validator = isPlain ? validatorOf(answer) : undefined;
    this.#reserve(Math.min(length, FIRST_BYTES));
    return undefined;
  }

  #goesOn(answer: Answer, isPlain: boolean): FluxError | undefined {
    const [, from, last, total] = CONTENT_RANGE.exec(String(answer.headers['content-range'] ?? '')) ?? [];
    const fits = this.#size > 0 && isPlain && Number(from) === this.#size;
    if (!fits || Number(last) + 1 !== Number(total)) return failed(OTHER_PART);
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
    if (this.#claimed !== undefined && this.#claimed !== this.#size) throw failed(OTHER_PART);
    const isReadable = (bytes: Uint8Array): boolean => inspectPicture(bytes) !== undefined;
    const limits = { maxBytes: PICTURE_MAX_BYTES, isReadable };
    try {
      const content = await wholeContent([this.whole()], this.#encoding, limits);
      if (content !== undefined) return content;
    } catch (error) {
      if (error instanceof ContentTooLarge) throw tooLarge(PICTURE_MAX_BYTES);
      throw error;
    }
    throw failed(`it came encoded as ${fenced(String(this.#encoding), 40)} and cannot be decoded`);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const grown = Buffer.alloc(Math.min(PICTURE_MAX_BYTES, Math.max(bytes, 2 * this.#buffer.length)));
    this.#buffer.copy(grown, 0, 0, this.#size);
    this.#buffer = grown;
  }
}

/** The length of the whole, where the part is all of it: some hosts answer so when no part was asked for. */
function wholeRange({ headers }: Answer): number | undefined {
  const [, from, last, total] = CONTENT_RANGE.exec(String(headers['content-range'] ?? '')) ?? [];
  return Number(from) === 0 && Number(last) + 1 === Number(total) ? Number(total) : undefined;
}

/** A weak tag allows other bytes; a date alone may be of two versions within its second, which no picture has. */
function validatorOf({ headers }: Answer): string | undefined {
  const { etag, 'last-modified': modified } = headers;
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  return typeof modified === 'string' ? modified : undefined;
}
