/** Which addresses lead into this machine or network, and which a model may be shown. */
import ipaddr, { type IPv4 as Address4, type IPv6 as Address6 } from 'ipaddr.js';

const LOOPBACK = /^(?:::1|(?:::ffff:)?127(?:\.\d{1,3}){3}|::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4})$/iu;

/** True for 127.0.0.0/8 and ::1, and for the former inside an IPv6 address. */
export function isLoopbackAddress(address: string): boolean {
  return LOOPBACK.test(address);
}

/** True for `localhost` and loopback addresses, as a URL's `hostname` spells them, with brackets or without. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/gu, ''));
}

// A CommonJS module: Node finds no names in it when the program runs from its sources.
const { IPv4, IPv6, isValid, parse } = ipaddr;

/** What an IPv6 address may hold an IPv4 address in: 32 bits of ::ffff:0:0/96 or of the NAT64 prefix 64:ff9b::/96. */
const NAT64 = IPv6.parse('64:ff9b::');
const PREFIX_BITS = 96;
/** All that is given out to the public so far (RFC 4291, IANA's registry of global unicast addresses). */
const GLOBAL = IPv6.parse('2000::');
const GLOBAL_BITS = 3;

/**
 * False for every range that IANA reserves for something else (private, loopback, link-local, shared, multicast, 6to4,
 * Teredo, documentation), and for what is no address. An address that holds another one counts as that one.
 */
export function isPublicAddress(text: string): boolean {
  if (!isValid(text)) return false;
  const address = parse(text);
  if (address instanceof IPv4) return address.range() === 'unicast';
  const inner = innerAddress(address);
  if (inner !== undefined) return inner.range() === 'unicast';
  return address.range() === 'unicast' && address.match(GLOBAL, GLOBAL_BITS);
}

function innerAddress(address: Address6): Address4 | undefined {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (!address.match(NAT64, PREFIX_BITS)) return undefined;
  return new IPv4(address.toByteArray().slice(-4));
}

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
