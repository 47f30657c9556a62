/** Decides where a picture may be fetched from: which URLs, which addresses behind a name; and reads data URLs. */
import { isIP } from 'node:net';
import { type Failure, FluxError } from '../core/failure.ts';
import { cleanLine, isLoopbackHost, urlOf } from '../core/untrusted-text.ts';
import { PICTURE_MAX_BYTES } from '../core/image-store.ts';
import type { ConnectReason, PictureReason, PictureUrlProblem } from '../core/reasons.ts';
import { type Resolve, resolveAll } from '../network/connector.ts';

/** Its credits are spent. @param retry `no`: what is asked for does not change, and would be refused again */
export function downloadFailure(
  reason: PictureReason | ConnectReason,
  { retry = 'same_job', cause }: { retry?: Failure['retry']; cause?: unknown } = {},
): FluxError {
  return new FluxError({ kind: 'download_failed', reason, creditsSpent: 'yes', retry }, { cause });
}

export function tooLarge(): FluxError {
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
