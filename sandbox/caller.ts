// Owns what the sandbox asks of who calls it: a name of this machine, no foreign page behind it, and the key.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

// The program's own listener has such a guard as well (src/transports). The sandbox keeps one of its own: it is a
// program of its own, which imports nothing from the other.
const HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * A page in a browser can reach every port of its machine, and read the answers by a name that leads there.
 * @throws Refusal of code FORBIDDEN for a foreign Host or Origin
 */
export function checkCaller({ rawHeaders }: IncomingMessage): void {
  const valuesOf = (name: string): string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
  const hosts = valuesOf('host');
  if (hosts.length !== 1 || !hosts.every((host) => HOST.test(host)))
    throw new Refusal(
      'FORBIDDEN',
      'The sandbox answers to localhost, 127.0.0.1 and [::1] alone, as its Host header says',
    );
  if (!valuesOf('origin').every((origin) => ORIGIN.test(origin)))
    throw new Refusal('FORBIDDEN', 'The sandbox answers no page of another origin');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export function isKey(given: string | undefined, key: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(key));
}

export function bearerKeyOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

export function headerKeyOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['x-api-key'];
  return Array.isArray(given) ? given[0] : given;
}
