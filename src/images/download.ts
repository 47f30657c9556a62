/** Fetches finished pictures: allowed hosts and addresses only, without key or cookie, bounded, checked by their bytes. */
import { isIP } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import type { Clock } from '../core/ports.ts';
import { ContentTooLarge, wholeContent } from '../core/content-encoding.ts';
import { codeOf, type Failure, FluxError } from '../core/failure.ts';
import { cleanLine, isLoopbackAddress, isLoopbackHost, isPublicAddress, urlOf } from '../core/untrusted-text.ts';
import { type ImageDownload, PICTURE_MAX_BYTES, type Picture } from '../core/image-store.ts';
import type { ProxySettings } from '../core/proxy.ts';
import type { ConnectReason, PictureReason, PictureUrlProblem } from '../core/reasons.ts';
import { ConnectFailure } from '../network/connect-failure.ts';
import { createAgent, type Resolve, resolveAll } from '../network/connector.ts';
import { inspectPicture, wordsIn } from './inspect.ts';

const TIMEOUT_MS = 120_000;
/** A host that sends nothing for so long is given up; undici checks about once a second. */
const IDLE_MS = 20_000;
/** 201 comes from hosts that make the file on request, 203 from proxies that have changed how it is transferred. */
const WITH_BYTES: readonly number[] = [200, 201, 203, 206];
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
const REDIRECTS_MAX = 3;
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
      target = urlOf(location, url.href)?.href ?? location;
    }
  }

  return {
    async fetch(url, signal) {
      const inline = bytesOfDataUrl(url);
      if (inline !== undefined) return pictureOf(inline);
      const deadline = clock.deadline(TIMEOUT_MS);
      try {
        const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': settings.userAgent };
        return pictureOf(await bytesIn(await ask(url, headers, AbortSignal.any([signal, deadline.signal]))));
      } catch (error) {
        if (error instanceof FluxError || signal.aborted) throw error;
        if (error instanceof ConnectFailure) {
          if (error.cause instanceof FluxError) throw error.cause;
          throw downloadFailure({ ...error.problem, to: 'picture' }, { cause: error });
        }
        if (deadline.signal.aborted) throw downloadFailure({ code: 'picture_too_slow', seconds: TIMEOUT_MS / 1_000 });
        throw downloadFailure({ code: 'picture_transfer_broke', errorCode: codeOf(error) }, { cause: error });
      } finally {
        deadline.clear();
      }
    },
    close: async () => void (await Promise.all([outside.destroy(), own.destroy()])),
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

/** The picture in an answer, as it was before it was encoded for the transfer. @throws FluxError when it is not all there */
export async function bytesIn(answer: Answer): Promise<Uint8Array> {
  const { statusCode, headers, body } = answer;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    if (!WITH_BYTES.includes(statusCode)) throw downloadFailure({ code: 'picture_host_answered', status: statusCode });
    // Some hosts answer with a part that is the whole.
    const [, last, total] = WHOLE.exec(String(headers['content-range'] ?? '')) ?? [];
    const isOtherPart = (length: number): boolean => statusCode === 206 && length !== Number(total);
    if (isOtherPart(Number(last) + 1)) throw downloadFailure({ code: 'picture_other_part' });
    if (Number(headers['content-length'] ?? 0) > PICTURE_MAX_BYTES) throw tooLarge();
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > PICTURE_MAX_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
    if (isOtherPart(size)) throw downloadFailure({ code: 'picture_other_part' });
  } finally {
    endBody(answer);
  }
  const encoding = headers['content-encoding'];
  const isReadable = (bytes: Uint8Array): boolean => inspectPicture(bytes) !== undefined;
  const arrived = Buffer.concat(chunks);
  if (encoding === undefined && isReadable(arrived)) return arrived;
  const limits = { maxBytes: PICTURE_MAX_BYTES, isReadable };
  const content = await wholeContent([arrived], encoding, limits).catch((error: unknown) => {
    throw error instanceof ContentTooLarge ? tooLarge() : error;
  });
  if (content !== undefined) return content;
  throw downloadFailure({ code: 'picture_encoding_unknown', encoding: cleanLine(String(encoding), 40) });
}

/** From the first byte to the last one of a known whole. */
const WHOLE = /^bytes 0-(\d{1,12})\/(\d{1,12})$/u;

/** Its credits are spent. @param retry `no`: what is asked for does not change, and would be refused again */
function downloadFailure(
  reason: PictureReason | ConnectReason,
  { retry = 'same_job', cause }: { retry?: Failure['retry']; cause?: unknown } = {},
): FluxError {
  return new FluxError({ kind: 'download_failed', reason, creditsSpent: 'yes', retry }, { cause });
}

function tooLarge(): FluxError {
  return downloadFailure({ code: 'picture_too_large', maxBytes: PICTURE_MAX_BYTES }, { retry: 'no' });
}

/**
 * Allowed: https on the default port from a listed host or one below it; and the API's own origin, which may be plain
 * http on this machine (the sandbox). Never with user info, never another address by number.
 * @returns `isOwn`: it is the API's own origin on this machine
 * @throws FluxError
 */
export function allowedUrl(text: string, hosts: readonly string[], apiOrigin: string): { url: URL; isOwn: boolean } {
  const url = urlOf(text);
  if (url === undefined) throw refused('no_url', text);
  const { hostname } = url;
  if (url.username !== '' || url.password !== '') throw refused('user_information');
  const isOrigin = url.origin === apiOrigin;
  if (isOrigin && isLoopbackHost(hostname)) return { url, isOwn: true };
  if (url.protocol !== 'https:') throw refused('not_https', url.origin);
  if (!isOrigin && url.port !== '') throw refused('port', url.port);
  if (isOrigin || hosts.some((host) => isWithin(hostname, host))) return { url, isOwn: false };
  throw downloadFailure({ code: 'picture_host_not_listed', host: cleanLine(hostname) }, { retry: 'no' });
}

function refused(problem: PictureUrlProblem, shown = ''): FluxError {
  return downloadFailure({ code: 'picture_url_refused', problem, shown: cleanLine(shown, 200) }, { retry: 'no' });
}

/** The host itself or a name below it. An address by number has nothing below it. */
function isWithin(name: string, host: string): boolean {
  if (name === host) return isIP(name) === 0;
  return isIP(host) === 0 && name.endsWith(`.${host}`);
}

/**
 * The connection goes to the very addresses that were checked, and each new one asks and checks again. A host with a
 * single forbidden address is refused: which one is taken would be up to chance.
 */
export function checkedLookup(isAllowed: (address: string) => boolean, resolve: Resolve = resolveAll): Resolve {
  return async (host) => {
    const found = await resolve(host);
    const inside = found.find(({ address }) => !isAllowed(address));
    if (inside === undefined && found.length > 0) return found;
    const where = { host: cleanLine(host), ...(inside && { address: cleanLine(inside.address) }) };
    throw downloadFailure({ code: 'picture_host_is_inside', ...where }, { retry: 'no' });
  };
}

/** Media type and parameters before the comma are short; without a comma there is nothing behind them. */
const HEAD_MAX_CHARACTERS = 1_000;
/** Anything else behind a percent sign is taken as it is. */
const ESCAPED = /%([0-9a-f]{2})/giu;

/**
 * The bytes in a data URL, however it is written (RFC 2397). What its media type says is not asked: they are inspected
 * like those of any picture. @returns `undefined` for another URL. @throws FluxError
 */
export function bytesOfDataUrl(text: string): Uint8Array | undefined {
  if (!/^data:/iu.test(text.slice(0, 5))) return undefined;
  const comma = text.slice(0, HEAD_MAX_CHARACTERS).indexOf(',');
  if (comma < 0) throw downloadFailure({ code: 'picture_data_missing' });
  const isBase64 = /;\s*base64\s*$/iu.test(text.slice(0, comma));
  const data = text
    .slice(comma + 1)
    .replaceAll(ESCAPED, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
  // Buffer reads both alphabets of Base64 and steps over blanks.
  const bytes = Buffer.from(data, isBase64 ? 'base64' : 'latin1');
  if (bytes.length > PICTURE_MAX_BYTES) throw tooLarge();
  return bytes;
}
