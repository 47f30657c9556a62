/** What a model reads of a failure: what happened, and what to do next where the reason names it. */
import { type Failure, FluxError } from '../../src/core/failure.ts';
import { nextOf, saidOf } from '../../src/mcp/failure-text.ts';

export function wordsOf(failure: unknown): { what: string; next: string } {
  const said = saidOf(failure instanceof FluxError ? failure.failure : (failure as Failure));
  return { what: said.what, next: nextOf(said) ?? '' };
}

/** Of a promise that is rejected with a failure. */
export async function rejectedWords(promise: Promise<unknown>): Promise<{ what: string; next: string }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FluxError)) throw new Error(`no failure, but ${String(error)}`);
  return wordsOf(error);
}

/** What a function throws. */
export function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
