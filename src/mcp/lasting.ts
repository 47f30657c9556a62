/** How long a client may keep what never changes while the program runs, in the eras that have cache hints. */
import type { CacheHint } from '@modelcontextprotocol/server';

/** An hour: after an update of the program a client sees the new one within that time. */
export const CONSTANT = { ttlMs: 3_600_000, cacheScope: 'public' } as const satisfies CacheHint;

/** From here on answers carry such hints. */
const HINTS_SINCE = '2026-07-28';

/** An answer with the hint, for a client of an era that reads it. */
export function lasting<Result extends object>(result: Result, protocolVersion: string | undefined): Result {
  return protocolVersion !== undefined && protocolVersion >= HINTS_SINCE ? { ...result, ...CONSTANT } : result;
}
