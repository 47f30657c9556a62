/** Recognises public network addresses: neither on this machine nor in the network around it. */
import ipaddr, { type IPv4 as Address4, type IPv6 as Address6 } from 'ipaddr.js';

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
