/** The words for connections that did not come about, for models. */
import type { ConnectReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const NETWORK_WORDS: Words<ConnectReason> = {};
