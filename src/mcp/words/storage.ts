/** The words for folders, files and records, for models. */
import type { StorageReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const STORAGE_WORDS: Words<StorageReason> = {};
