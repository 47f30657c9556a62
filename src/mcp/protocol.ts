/** What the MCP asks of every answer: what depends on its revision, and errors in words, without secrets. */
import { type CacheHint, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/ports.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanWithout, fencedWithout } from '../core/untrusted-text.ts';
import { failureSentences, nextStep } from './failure-text.ts';

/** The first revision with questions to the user and with `resource_link`. Revisions are dates, and compare as text. */
export const JUNE_2025 = '2025-06-18';
/** The first without connections: questions are results, answers carry cache hints, the transport has the subscriptions. */
export const JULY_2026 = '2026-07-28';

/** For what never changes while the program runs. An hour: a client sees an update of the program within that time. */
export const CONSTANT = { ttlMs: 3_600_000, cacheScope: 'public' } as const satisfies CacheHint;

/** Of the protocol. */
export const COMPLETIONS_MAX = 100;

export function invalidParams(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

/** @param what its kind, after "There is no". @throws ProtocolError (-32602) that names all there are */
export function named<T extends { name: string }>(what: string, name: string, all: readonly T[], redact: Redact): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = all.map((one) => one.name).join(', ');
  throw invalidParams(`There is no ${what} ${fencedWithout(redact, name, 80)}. Known: ${known}.`);
}

export function unknownCursor(method: string, cursor: string, redact: Redact): ProtocolError {
  return invalidParams(`cursor: ${fencedWithout(redact, cursor, 60)} is not the nextCursor of an answer to ${method}.`);
}

/** Longer than any of our sentences; what the SDK repeats of a message may be as long as the message. */
const MAX_CHARACTERS = 4_000;
const CALL = 'tools/call';

export function protocolErrorOf(method: string, error: unknown, { redact, log }: { redact: Redact; log: Log }): Error {
  const cut = (text: string): string => redact(text, MAX_CHARACTERS);
  const failed = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InternalError, cut(message));
  if (error instanceof FluxError) {
    const failure = method === CALL ? error.failure : { ...error.failure, creditsSpent: 'no' as const };
    return failed(`${failureSentences(failure)} ${nextStep(failure)}`);
  }
  const problems = problemsIn(error, redact);
  if (problems !== undefined) return invalidParams(cut(`Invalid params for ${method}: ${problems}.`));
  if (error instanceof ProtocolError) {
    const data = redactValues(error.data, (text) => redact(text, 500));
    return new ProtocolError(error.code, cut(error.message), data);
  }
  const cost =
    method === CALL
      ? 'Credits may have been spent. Call list_jobs before you order again.'
      : 'Nothing was ordered, and no credits were spent. Trying again may help.';
  log.error('a request failed unexpectedly', { method, error: stackOf(error) });
  return failed(
    `${method} failed unexpectedly. ${cost} If it happens again, ask the user to report the log line on stderr as a bug in flux-pro-mcp.`,
  );
}

export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

const issuesSchema = z
  .array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() }))
  .nonempty();

/** The problems that the SDK's check of a request found: it reports them as JSON in the message of a plain error. */
function problemsIn(error: unknown, redact: Redact): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const start = error.message.indexOf('[');
  if (start === -1) return undefined;
  try {
    const issues = issuesSchema.parse(JSON.parse(error.message.slice(start))).slice(0, 5);
    const problems = issues.map(({ path, message }) => {
      const name = cleanWithout(redact, path.join('.').replace(/^params\./u, ''), 200);
      if (message.endsWith('received undefined')) return `${name} is missing`;
      return `${name}: ${cleanWithout(redact, message.replace(/^Invalid input: /u, ''))}`;
    });
    return problems.join('; ');
  } catch {
    return undefined;
  }
}
