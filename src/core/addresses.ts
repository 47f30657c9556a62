/** Which addresses lead into this machine or network, and which a model may be shown. */
import ipaddr from 'ipaddr.js';

const LOOPBACK_ADDRESS = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3}|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/iu;

/** True for 127.0.0.0/8 and ::1, and for the former inside an IPv6 address. */
export function isLoopbackAddress(address: string): boolean {
  return LOOPBACK_ADDRESS.test(address);
}

/** True for `localhost` and loopback addresses, as a URL's `hostname` spells them, with brackets or without. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/gu, ''));
}

// A CommonJS module: Node finds no names in it when the program runs from its sources.
const { IPv4, IPv6, isValid, parse } = ipaddr;

/**
 * False for every range that IANA reserves for something else (private, loopback, link-local, shared, multicast, 6to4,
 * Teredo, documentation), and for what is no address. An address that holds another one counts as that one.
 */
export function isPublicAddress(text: string): boolean {
  if (!isValid(text)) return false;
  const address = parse(text);
  if (address instanceof IPv4) return address.range() === 'unicast';
  // IPv4 inside IPv6: mapped, or behind the NAT64 prefix 64:ff9b::/96.
  const holdsIpv4 = address.isIPv4MappedAddress() || address.match(IPv6.parse('64:ff9b::'), 96);
  if (holdsIpv4) return new IPv4(address.toByteArray().slice(-4)).range() === 'unicast';
  // All that is given out to the public so far (RFC 4291, IANA's registry of global unicast addresses).
  return address.range() === 'unicast' && address.match(IPv6.parse('2000::'), 3);
}

const ADDRESS_MAX_CHARACTERS = 8_192;
/** Names that lead into this machine or the network around it, whatever the name service says. */
const INNER_NAME = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/u;

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
  return name.includes('.') && !INNER_NAME.test(name);
}

/** Letters, digits and a few signs, and not only dots: an id that can be shown as it is. */
export function isPlainId(id: string): boolean {
  return /^[\w.:-]{1,200}$/u.test(id) && !/^\.+$/u.test(id);
}
