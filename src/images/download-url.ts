/** Decides whether a result URL may be fetched at all. */
import { isLoopbackHost } from '../core/hosts.ts';
import { quoted } from '../core/untrusted-text.ts';

export type UrlVerdict = { ok: true; url: URL } | { ok: false; reason: string; hostRefused: boolean };

/**
 * Allowed: https on the default port from a listed host; and the API's own origin, which may be plain http on this
 * machine (the sandbox). Never with user info.
 */
export function judgeDownloadUrl(text: string, hosts: readonly string[], apiOrigin: string): UrlVerdict {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return refuse(`The picture's address ${quoted(text, 200)} is not a URL.`, false);
  if (url.username !== '' || url.password !== '') return refuse("The picture's address holds user information.", false);
  if (url.origin === apiOrigin && (url.protocol === 'https:' || isLoopbackHost(url.hostname))) return { ok: true, url };
  if (url.protocol !== 'https:') return refuse(`The picture's address is not https (${quoted(url.origin)}).`, false);
  if (url.port !== '')
    return refuse(`The picture's address names port ${url.port}; only the https port is fetched from.`, false);
  if (hosts.includes(url.hostname)) return { ok: true, url };
  return refuse(
    `The picture lies on ${quoted(url.hostname)}, which is not a host that pictures may be fetched from.`,
    true,
  );
}

function refuse(reason: string, hostRefused: boolean): UrlVerdict {
  return { ok: false, reason, hostRefused };
}
