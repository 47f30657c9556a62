/** What depends on the revision of the protocol that a client speaks. Revisions are dates, and compare as text. */
import type { CacheHint } from '@modelcontextprotocol/server';

/** The first with questions to the user and with `resource_link`. */
export const JUNE_2025 = '2025-06-18';
/** The first without connections: questions are results, answers carry cache hints, the transport has the subscriptions. */
export const JULY_2026 = '2026-07-28';

export function isSince(revision: string, protocolVersion: string | undefined): boolean {
  return protocolVersion !== undefined && protocolVersion >= revision;
}

/** For what never changes while the program runs. An hour: a client sees an update of the program within that time. */
export const CONSTANT = { ttlMs: 3_600_000, cacheScope: 'public' } as const satisfies CacheHint;

/** A constant answer, with the hint that says so where the client reads hints. */
export function constant<Result extends object>(result: Result, protocolVersion: string | undefined): Result {
  return isSince(JULY_2026, protocolVersion) ? { ...result, ...CONSTANT } : result;
}
