/** What is said of a failure: what happened in full sentences, and what to do next where more is known than its kind. */
import type { Failure } from '../../core/failure.ts';

export type Said = { what: string; next?: string };

/** The words for every reason of one subject. */
export type Words<R extends { code: string }> = {
  [C in R['code']]: (reason: Extract<R, { code: C }>, failure: Failure) => Said;
};
