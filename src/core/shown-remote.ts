/** What a model may be shown of a job's address and id, which the service writes: nothing that reads as a sentence. */
import ipaddr from 'ipaddr.js';
import { isPublicAddress } from './public-address.ts';

const ADDRESS_MAX_CHARACTERS = 8_192;
const PLAIN_ID = /^[\w.:-]{1,200}$/u;
/** Names that lead into this machine or the network around it, whatever the name service says. */
const INNER_NAMES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa',
];

/**
 * The address in its normal form, when it is one that anybody could open; `undefined` for everything else.
 * @param apiOrigin the API's own origin, which may be on this machine (the sandbox)
 */
export function shownAddress(text: string, apiOrigin: string | undefined): string | undefined {
  if (text.length > ADDRESS_MAX_CHARACTERS || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '' || url.href.length > ADDRESS_MAX_CHARACTERS) return undefined;
  return url.origin === apiOrigin || isPublicHost(url.hostname) ? url.href : undefined;
}

function isPublicHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/u, '').replace(/^\[|\]$/gu, '');
  if (ipaddr.isValid(name)) return isPublicAddress(name);
  return name.includes('.') && !INNER_NAMES.some((inner) => name === inner || name.endsWith(`.${inner}`));
}

/** Letters, digits and a few signs, and not only dots: an id that can be shown as it is. */
export function isPlainId(id: string): boolean {
  return PLAIN_ID.test(id) && !/^\.+$/u.test(id);
}
