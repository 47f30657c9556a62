/** The words for what the service answered, for models. */
import type { ServiceReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const SERVICE_WORDS: Words<ServiceReason> = {};
