/** The words for finished pictures that cannot be fetched or read, for models. */
import type { PictureReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const PICTURES_WORDS: Words<PictureReason> = {};
