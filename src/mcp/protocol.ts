/** What the MCP asks of every answer: what depends on its revision, and the errors of wrong parameters. */
import { type CacheHint, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { Redact } from '../core/redaction.ts';
import { fencedWithout } from '../core/untrusted-text.ts';

/** The first revision with questions to the user and with `resource_link`. Revisions are dates, and compare as text. */
export const JUNE_2025 = '2025-06-18';
/** The first without connections: questions are results, answers carry cache hints, the transport has the subscriptions. */
export const JULY_2026 = '2026-07-28';

/** For what never changes while the program runs. An hour: a client sees an update of the program within that time. */
export const CONSTANT = { ttlMs: 3_600_000, cacheScope: 'public' } as const satisfies CacheHint;

export function invalidParams(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

/** @param what its kind, after "There is no". @throws ProtocolError (-32602) that names all there are */
export function named<T extends { name: string }>(what: string, name: string, all: readonly T[], redact: Redact): T {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw noSuch(what, name, all, redact);
  return found;
}

export function noSuch(what: string, name: string, all: readonly { name: string }[], redact: Redact): ProtocolError {
  const known = all.map((one) => one.name).join(', ');
  return invalidParams(`There is no ${what} ${fencedWithout(redact, name, 80)}. Known: ${known}.`);
}

export function unknownCursor(method: string, cursor: string, redact: Redact): ProtocolError {
  return invalidParams(`cursor: ${fencedWithout(redact, cursor, 60)} is not the nextCursor of an answer to ${method}.`);
}
