/** The words for the user's budget, the plan and the limits of the service, for models. */
import type { LimitReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const LIMITS_WORDS: Words<LimitReason> = {};
