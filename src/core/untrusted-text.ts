/**
 * Text from outside (service, prompt, file name): how it is cleaned before a person or a model reads it, which ids and
 * addresses may be shown as they are, which addresses lead into this machine or network, and which name was meant.
 */
import ipaddr from 'ipaddr.js';
import { attempt } from './primitives.ts';
import type { Redact } from './redaction.ts';

// C0 and C1 controls, bidi overrides and isolates, zero-width and other invisible marks, line separators, lone
// surrogates: what can hide or reorder the words around it.
export const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** How much of a text is read to show so many characters of it: most of it may be invisible. */
function readFor(maxCharacters: number): number {
  return 4 * maxCharacters + 1_000;
}

/** One line without control, bidi or invisible characters, at most `maxCharacters` long (an ellipsis marks the cut). */
export function cleanLine(text: string, maxCharacters = 300): string {
  const read = text.slice(0, readFor(maxCharacters));
  const flat = read.replace(INVISIBLE, ' ').replace(/\s+/gu, ' ').trim();
  const characters = [...flat];
  const isWhole = read.length === text.length && characters.length <= maxCharacters;
  return isWhole ? flat : `${characters.slice(0, maxCharacters - 1).join('')}…`;
}

/** Foreign text in quotation marks, so that it reads as a quotation and never as part of our sentence. */
export function fenced(text: string, maxCharacters = 300): string {
  return `"${cleanLine(text, maxCharacters).replaceAll('"', "'")}"`;
}

/** Text of any length that may contain a secret: cut, redacted, and on one line. */
export function cleanWithout(redact: Redact, text: string, maxCharacters = 300): string {
  return cleanLine(redact(text, readFor(maxCharacters)), maxCharacters);
}

export function fencedWithout(redact: Redact, text: string, maxCharacters = 300): string {
  return fenced(cleanWithout(redact, text, maxCharacters), maxCharacters);
}

/** The one of our names that was misspelt by one slip: without a letter, both are the same. @param typed a few dozen characters */
export function nameMeant(typed: string, names: readonly string[]): string | undefined {
  const spellings = (name: string): string[] => {
    const letters = name.toLowerCase().replace(/[-_]/gu, '');
    return [letters, ...Array.from(letters, (_, at) => letters.slice(0, at) + letters.slice(at + 1))];
  };
  const close = spellings(typed);
  return names.find((name) => spellings(name).some((spelling) => close.includes(spelling)));
}

/** Letters, digits and a few signs, and not only dots: an id that can be shown as it is. */
export function isPlainId(id: string): boolean {
  return /^[\w.:-]{1,200}$/u.test(id) && !/^\.+$/u.test(id);
}

// A CommonJS module: Node finds no names in it when the program runs from its sources.
const { IPv4, IPv6, isValid } = ipaddr;

/** True for 127.0.0.0/8 and ::1, and for the former inside an IPv6 address. */
export function isLoopbackAddress(address: string): boolean {
  return isValid(address) && ipaddr.process(address).range() === 'loopback';
}

/** True for `localhost` and loopback addresses, as a URL's `hostname` spells them, with brackets or without. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[|\]$/gu, ''));
}

/**
 * False for every range that IANA reserves for something else (private, loopback, link-local, shared, multicast, 6to4,
 * Teredo, documentation), and for what is no address. An address that holds another one counts as that one.
 */
export function isPublicAddress(text: string): boolean {
  if (!isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address instanceof IPv4) return address.range() === 'unicast';
  // An IPv4 address behind the prefix of NAT64.
  if (address.match(IPv6.parse('64:ff9b::'), 96))
    return isPublicAddress(`${new IPv4(address.toByteArray().slice(-4))}`);
  // All that is given out to the public so far (RFC 4291, IANA's registry of global unicast addresses).
  return address.range() === 'unicast' && address.match(IPv6.parse('2000::'), 3);
}

/** `undefined` for what is no address. `URL.canParse` of Node 20 refuses some with umlauts once it is called often. */
export function urlOf(text: string, base?: string): URL | undefined {
  return attempt(() => new URL(text, base));
}

const ADDRESS_MAX_CHARACTERS = 8_192;
/** Names that lead into this machine or the network around it, whatever the name service says. */
const INNER_NAME = /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/u;

/**
 * The address in its normal form, when it is one that anybody could open; `undefined` for everything else.
 * @param apiOrigin the API's own origin, which may be on this machine (the sandbox)
 */
export function shownAddress(text: string, apiOrigin: string | undefined): string | undefined {
  const url = text.length > ADDRESS_MAX_CHARACTERS ? undefined : urlOf(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return undefined;
  if (url.username !== '' || url.password !== '' || url.href.length > ADDRESS_MAX_CHARACTERS) return undefined;
  return url.origin === apiOrigin || isPublicHost(url.hostname) ? url.href : undefined;
}

function isPublicHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/u, '').replace(/^\[|\]$/gu, '');
  if (isValid(name)) return isPublicAddress(name);
  return name.includes('.') && !INNER_NAME.test(name);
}
