/** Knows the domains below which anybody can register a name; a file of its own, because the list is long. */
import { get } from 'psl';

/** `co.uk`, `github.io`, `s3.amazonaws.com`: whoever allows one of them allows strangers. */
export function isPublicSuffix(host: string): boolean {
  return get(host) === null;
}
