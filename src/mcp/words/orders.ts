/** The words for orders that were not sent or are open, for models. */
import type { OrderReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const ORDERS_WORDS: Words<OrderReason> = {};
