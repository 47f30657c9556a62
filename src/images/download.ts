/** Fetches finished pictures: allowed hosts and addresses only, without key or cookie, bounded, checked by their bytes. */
import type { Agent, Dispatcher } from 'undici';
import { backOffMs } from '../core/primitives.ts';
import type { Clock } from '../core/ports.ts';
import { ContentTooLarge, contentEncodings, wholeContent } from '../core/content-encoding.ts';
import { codeOf, FluxError } from '../core/failure.ts';
import { cleanLine, isLoopbackAddress, isPublicAddress } from '../core/untrusted-text.ts';
import { type ImageDownload, PICTURE_MAX_BYTES, type Picture } from '../core/image-store.ts';
import type { ProxySettings } from '../core/proxy.ts';
import { ConnectFailure } from '../network/connect-failure.ts';
import { createAgent, type Resolve } from '../network/connector.ts';
import { allowedUrl, bytesOfDataUrl, checkedLookup, downloadFailure, tooLarge } from './download-source.ts';
import { inspectPicture, wordsIn } from './inspect.ts';

const TIMEOUT_MS = 120_000;
/** A host that sends nothing for so long is given up; undici checks about once a second. */
const IDLE_MS = 20_000;
/** 201 comes from hosts that make the file on request, 203 from proxies that have changed how it is transferred. */
const WITH_BYTES: readonly number[] = [200, 201, 203, 206];
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const REDIRECTS_MAX = 3;
/** How often a transfer that broke off is taken up again, as long as each time brought something. */
const RESUMES_MAX = 5;
/** Smaller than any picture of any kind. */
const PICTURE_MIN_BYTES = 32;

type Answer = Pick<Dispatcher.ResponseData, 'statusCode' | 'headers' | 'body'>;

/** @param deps `resolve` and `idleMs` are for tests: they play the DNS, and do not wait long for a silent host */
export function createImageDownload(
  settings: {
    hosts: readonly string[];
    apiOrigin: string;
    userAgent: string;
    /** A proxy resolves names itself: then the addresses that a name leads to are its concern. */
    proxies?: ProxySettings;
  },
  { clock, resolve, idleMs = IDLE_MS }: { clock: Clock; resolve?: Resolve; idleMs?: number },
): ImageDownload & { close(): Promise<void> } {
  const agentFor = (isAllowed: (address: string) => boolean): Agent =>
    createAgent(
      { clock, proxies: settings.proxies, resolve: checkedLookup(isAllowed, resolve) },
      { headersTimeout: idleMs, bodyTimeout: idleMs },
    );
  const outside = agentFor(isPublicAddress);
  const own = agentFor(isLoopbackAddress);

  /** One request; what it is redirected to is judged like the first address. */
  async function ask(text: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
    let target = text;
    for (let redirects = 0; ; redirects += 1) {
      const { url, isOwn } = allowedUrl(target, settings.hosts, settings.apiOrigin);
      const { origin, pathname, search } = url;
      const request = { origin, path: pathname + search, method: 'GET' as const, headers, signal };
      const answer = await (isOwn ? own : outside).request(request);
      const { location } = answer.headers;
      if (!REDIRECTS.includes(answer.statusCode) || typeof location !== 'string') return answer;
      endBody(answer);
      if (redirects === REDIRECTS_MAX) throw downloadFailure({ code: 'picture_redirected', redirects });
      target = URL.canParse(location, url.href) ? new URL(location, url.href).href : location;
    }
  }

  async function transfer(url: string, signal: AbortSignal): Promise<Uint8Array> {
    const received = new TransferredBytes();
    const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': settings.userAgent };
    for (let resumes = 0; ; resumes += 1) {
      const before = received.size;
      try {
        await received.receive(await ask(url, { ...headers, ...received.rest }, signal));
        return await received.decoded();
      } catch (error) {
        const hasBrokenOff = !(error instanceof FluxError) && !signal.aborted && received.size > before;
        if (!hasBrokenOff || received.rest === undefined || resumes === RESUMES_MAX) throw error;
        await clock.sleep(backOffMs(resumes + 1, clock.random()), signal);
      }
    }
  }

  return {
    async fetch(url, signal) {
      const inline = bytesOfDataUrl(url);
      if (inline !== undefined) return pictureOf(inline);
      const deadline = clock.deadline(TIMEOUT_MS);
      try {
        return pictureOf(await transfer(url, AbortSignal.any([signal, deadline.signal])));
      } catch (error) {
        if (error instanceof FluxError || signal.aborted) throw error;
        if (error instanceof ConnectFailure) {
          if (error.cause instanceof FluxError) throw error.cause;
          throw downloadFailure({ ...error.problem, to: 'picture' }, { cause: error });
        }
        if (deadline.signal.aborted) throw downloadFailure({ code: 'picture_too_slow', seconds: TIMEOUT_MS / 1_000 });
        const errorCode = codeOf(error);
        throw downloadFailure({ code: 'picture_transfer_broke', ...(errorCode && { errorCode }) }, { cause: error });
      } finally {
        deadline.clear();
      }
    },
    close: async () => {
      await Promise.all([outside.destroy(), own.destroy()]);
    },
  };
}

/** Ends the connection, if there is more of it. */
function endBody({ body }: Answer): void {
  body.on('error', () => undefined).destroy();
}

/**
 * Bytes that arrived as a picture. It was paid for: a kind that is not known here is kept, an answer in words is not.
 * @throws FluxError when they are no picture, or only the beginning of one
 */
export function pictureOf(bytes: Uint8Array): Picture {
  const seen = inspectPicture(bytes);
  if (seen === undefined) {
    const found = wordsIn(bytes) ?? (bytes.length < PICTURE_MIN_BYTES ? 'something_else' : undefined);
    if (found !== undefined) throw downloadFailure({ code: 'not_a_picture', found });
    return { bytes, mediaType: 'application/octet-stream', extension: 'bin' };
  }
  if (!seen.isWhole) throw downloadFailure({ code: 'picture_incomplete' });
  const { mediaType, extension, size } = seen;
  return { bytes, mediaType, extension, ...(size && { size }) };
}

/** What has arrived of a picture so far, never more than the bound, and how the rest is asked for. */
export class TransferredBytes {
  #chunks: Uint8Array[] = [];
  size = 0;
  /** What names these very bytes at the host: without it a rest could belong to another picture. */
  #validator: string | undefined;
  #encoding: string | string[] | undefined;
  /** The length of the whole, where it came as a part that is the whole. */
  #claimed: number | undefined;

  /** Headers that ask for the rest alone, where the host can be asked for it. */
  get rest(): Record<string, string> | undefined {
    if (this.#validator === undefined || this.size === 0) return undefined;
    return { range: `bytes=${this.size}-`, 'if-range': this.#validator };
  }

  /** Takes the whole picture, or what continues where the last answer broke off. @throws FluxError when it is neither */
  async receive(answer: Answer): Promise<void> {
    try {
      this.#begin(answer);
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
        if (this.size + chunk.length > PICTURE_MAX_BYTES) throw tooLarge();
        this.#chunks.push(chunk);
        this.size += chunk.length;
      }
    } finally {
      endBody(answer);
    }
  }

  #begin({ statusCode, headers }: Answer): void {
    if (!WITH_BYTES.includes(statusCode)) throw downloadFailure({ code: 'picture_host_answered', status: statusCode });
    const encoding = headers['content-encoding'];
    const isPlain = contentEncodings(encoding)?.length === 0;
    const part = statusCode === 206 ? partIn(headers) : undefined;
    // Some hosts answer with a part that is the whole when none was asked for.
    if (statusCode === 206 && part?.from !== 0) {
      if (!isPlain || part?.from !== this.size) throw downloadFailure({ code: 'picture_other_part' });
      return;
    }
    if (Number(headers['content-length'] ?? 0) > PICTURE_MAX_BYTES) throw tooLarge();
    this.#chunks = [];
    this.size = 0;
    this.#encoding = encoding;
    this.#claimed = part?.total;
    // A host that encodes while it sends may cut the next answer from other bytes: an encoded transfer begins again.
    this.#validator = isPlain ? validatorIn(headers) : undefined;
  }

  /** The whole as it was before it was encoded for the transfer. @throws FluxError */
  async decoded(): Promise<Uint8Array> {
    if (this.#claimed !== undefined && this.#claimed !== this.size)
      throw downloadFailure({ code: 'picture_other_part' });
    const isReadable = (bytes: Uint8Array): boolean => inspectPicture(bytes) !== undefined;
    const limits = { maxBytes: PICTURE_MAX_BYTES, isReadable };
    const content = await wholeContent(this.#chunks, this.#encoding, limits).catch((error: unknown) => {
      throw error instanceof ContentTooLarge ? tooLarge() : error;
    });
    if (content !== undefined) return content;
    throw downloadFailure({ code: 'picture_encoding_unknown', encoding: cleanLine(String(this.#encoding), 40) });
  }
}

const CONTENT_RANGE = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/u;

/** `undefined` for one that does not reach to the end of the whole. */
function partIn(headers: Answer['headers']): { from: number; total: number } | undefined {
  const [, from, last, total] = CONTENT_RANGE.exec(String(headers['content-range'] ?? '')) ?? [];
  return Number(last) + 1 === Number(total) ? { from: Number(from), total: Number(total) } : undefined;
}

/** A weak tag allows other bytes; a date alone may be of two versions within its second, which no picture has. */
function validatorIn({ etag, 'last-modified': modified }: Answer['headers']): string | undefined {
  if (typeof etag === 'string' && etag.startsWith('"')) return etag;
  return typeof modified === 'string' ? modified : undefined;
}
