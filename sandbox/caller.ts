// Owns what the sandbox takes of a request before it knows what it wants: its caller, its key, its body.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './answer.ts';

// The program's own listeners have such a guard as well (src/transports). The sandbox is a program of its own, which
// imports nothing from the other.
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

/** By the header of the style: `Authorization: Bearer` or `X-API-Key`. */
export function isAuthorized({ headers }: IncomingMessage, key: string, style: 'graphql' | 'rest' | 'either'): boolean {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const header = [headers['x-api-key']].flat()[0];
  const given = [style === 'rest' ? undefined : bearer, style === 'graphql' ? undefined : header];
  return given.some((one) => one !== undefined && timingSafeEqual(digest(one), digest(key)));
}

const MAX_BODY_BYTES = 1024 * 1024;

/** @throws Refusal of code PAYLOAD_TOO_LARGE */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // A little too much is read and thrown away, so that its sender sees the answer; far too much ends the connection.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    if (size > 16 * MAX_BODY_BYTES) break;
  }
  if (size > MAX_BODY_BYTES) throw new Refusal('PAYLOAD_TOO_LARGE', `The body is larger than ${MAX_BODY_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}
