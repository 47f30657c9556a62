/** Whatever a request failed with, as an error of the protocol in words, without secrets. Loaded when one fails. */
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { FluxError } from '../core/failure.ts';
import type { Log } from '../core/ports.ts';
import { attempt } from '../core/primitives.ts';
import { type Redact, redactValues } from '../core/redaction.ts';
import { cleanWithout } from '../core/untrusted-text.ts';
import { failureSentences, nextStep } from './failure-text.ts';
import { invalidParams } from './protocol.ts';

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
  const issues = issuesSchema.safeParse(attempt(() => JSON.parse(error.message.slice(start)))).data?.slice(0, 5);
  const problems = issues?.map(({ path, message }) => {
    const name = cleanWithout(redact, path.join('.').replace(/^params\./u, ''), 200);
    if (message.endsWith('received undefined')) return `${name} is missing`;
    return `${name}: ${cleanWithout(redact, message.replace(/^Invalid input: /u, ''))}`;
  });
  return problems?.join('; ');
}
