/** Turns whatever a protocol handler throws into an error that clients may read: in words, without secrets. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/log.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanLine, fencedWithout } from '../core/untrusted-text.ts';
import { failureSentences, nextStep } from './failure-text.ts';

/** Longer than any of our sentences; what the SDK repeats of a message may be as long as the message. */
const MAX_CHARACTERS = 4_000;
const PROBLEMS_SHOWN = 5;
const CALL = 'tools/call';

export function invalidParams(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}

/** A client named something that does not exist. @param what its kind, after "There is no" */
export function unknownName(what: string, name: string, known: readonly string[], redact: Redact): ProtocolError {
  return invalidParams(`There is no ${what} ${fencedWithout(redact, name, 80)}. Known: ${known.join(', ')}.`);
}

export function unknownCursor(method: string, cursor: string, redact: Redact): ProtocolError {
  return invalidParams(`cursor: ${fencedWithout(redact, cursor, 60)} is not the nextCursor of an answer to ${method}.`);
}

export function protocolErrorOf(method: string, error: unknown, { redact, log }: { redact: Redact; log: Log }): Error {
  const words = (text: string): string => redact(text, MAX_CHARACTERS);
  const problems = problemsIn(error, redact);
  if (problems !== undefined) return invalidParams(words(`Invalid params for ${method}: ${problems}.`));
  if (error instanceof ProtocolError)
    return new ProtocolError(error.code, words(error.message), redactValues(error.data, redact));
  if (error instanceof FluxError) {
    const failure = method === CALL ? error.failure : { ...error.failure, creditsSpent: 'no' as const };
    return new ProtocolError(
      ProtocolErrorCode.InternalError,
      words(`${failureSentences(failure)} ${nextStep(failure)}`),
    );
  }
  log.error('a request failed unexpectedly', {
    method,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  return new ProtocolError(ProtocolErrorCode.InternalError, unforeseen(method));
}

function unforeseen(method: string): string {
  const cost =
    method === CALL
      ? 'Credits may have been spent. Call list_jobs before you order again.'
      : 'Nothing was ordered, and no credits were spent. Trying again may help.';
  return `${method} failed unexpectedly. ${cost} If it happens again, ask the user to report the log line on stderr as a bug in flux-pro-mcp.`;
}

const issuesSchema = z
  .array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string(), code: z.string() }))
  .nonempty();

/** The problems that the SDK's check of a request found: it reports them as JSON in the message of a plain error. */
function problemsIn(error: unknown, redact: Redact): string | undefined {
  if (!(error instanceof Error) || error instanceof FluxError) return undefined;
  const start = error.message.indexOf('[');
  if (start === -1) return undefined;
  try {
    const issues = issuesSchema.parse(JSON.parse(error.message.slice(start)));
    return issues
      .slice(0, PROBLEMS_SHOWN)
      .map((issue) => problemOf(issue, redact))
      .join('; ');
  } catch {
    return undefined;
  }
}

type Issue = z.infer<typeof issuesSchema>[number];

function problemOf({ path, message, code }: Issue, redact: Redact): string {
  const parameter = path.slice(path.length > 1 && path[0] === 'params' ? 1 : 0).join('.');
  const name = cleanLine(redact(parameter, 1_000), 200);
  if (message.endsWith('received undefined')) return `${name} is missing`;
  if (code === 'invalid_union') return `${name} has none of the allowed forms`;
  return `${name}: ${cleanLine(redact(message.replace(/^Invalid input: /u, ''), 2_000), 300)}`;
}
