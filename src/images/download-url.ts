/** Decides whether a result URL may be fetched at all. */
import { isIP } from 'node:net';
import { isLoopbackHost } from '../core/hosts.ts';
import { fenced } from '../core/untrusted-text.ts';

export type UrlDecision = { ok: true; url: URL; isOwn: boolean } | { ok: false; reason: string; hostRefused: boolean };

/**
 * Allowed: https on the default port from a listed host or one below it; and the API's own origin, which may be plain
 * http on this machine (the sandbox). Never with user info, never another address by number.
 *
 * `isOwn`: it is the API's own origin on this machine.
 */
export function judgeDownloadUrl(text: string, hosts: readonly string[], apiOrigin: string): UrlDecision {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return refuse(`The picture's address ${fenced(text, 200)} is not a URL.`, false);
  if (url.username !== '' || url.password !== '') return refuse("The picture's address holds user information.", false);
  const isOrigin = url.origin === apiOrigin;
  if (isOrigin && isLoopbackHost(url.hostname)) return { ok: true, url, isOwn: true };
  if (url.protocol !== 'https:') return refuse(`The picture's address is not https (${fenced(url.origin)}).`, false);
  if (isOrigin) return { ok: true, url, isOwn: false };
  if (url.port !== '')
    return refuse(`The picture's address names port ${url.port}; only the https port is fetched from.`, false);
  if (hosts.some((host) => isWithin(url.hostname, host))) return { ok: true, url, isOwn: false };
  return refuse(
    `The picture lies on ${fenced(url.hostname)}, which is not a host that pictures may be fetched from.`,
    true,
  );
}

/** The host itself or a name below it. An address by number has nothing below it. */
function isWithin(name: string, host: string): boolean {
  if (name === host) return isIP(name) === 0;
  return isIP(host) === 0 && name.endsWith(`.${host}`);
}

function refuse(reason: string, hostRefused: boolean): UrlDecision {
  return { ok: false, reason, hostRefused };
}
