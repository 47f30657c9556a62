/** Knows the names below which anybody can get a name of their own; a file of its own, because the list is long. */
import { get } from 'psl';

/** `co.uk`, `github.io`, `s3.amazonaws.com`: whoever lists one of them lists strangers. */
export function isPublicSuffix(host: string): boolean {
  return get(host) === null;
}
