/** The words of one failure, and of the reasons of one subject. */
import type { Failure } from '../../core/failure.ts';

/** What is said of a failure: what happened, and what to do about it where more is known than its kind. */
export type Said = {
  /** Full sentences. */
  what: string;
  /** What only the user can do, without "Ask the user to" in front and without a full stop. */
  user?: string | undefined;
  /** What the model does, after the user has done that; full sentences. */
  next?: string | undefined;
};

type ReasonOf<R, Code> = R extends { code: infer Codes } ? (Code extends Codes ? R : never) : never;

/** The words for every reason of one subject; a text alone says what happened. */
export type Words<R extends { code: string }> = {
  [Code in R['code']]: (reason: ReasonOf<R, Code>, failure: Failure) => Said | string;
};
