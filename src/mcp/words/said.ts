/** What is said of a failure: what happened, and what to do about it where more is known than its kind. */
import type { Failure } from '../../core/failure.ts';

export type Said = {
  /** Full sentences. */
  what: string;
  /** What only the user can do, without "Ask the user to" in front and without a full stop. */
  user?: string;
  /** What the model does, after the user has done that; full sentences. */
  next?: string;
};

/** The words for every reason of one subject. */
export type Words<R extends { code: string }> = {
  [C in R['code']]: (reason: Extract<R, { code: C }>, failure: Failure) => Said;
};
