/** The words for folders, files and records, for models. */
import type { StorageReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

export const STORAGE_WORDS: Words<StorageReason> = {
  change_contended: ({ changed: { type, name, location }, tries }) => {
    const thing =
      type === 'record' ? `The record of ${name} in ${location}` : `The shared value "${name}" in ${location}`;
    return { what: `${thing} was changed by other processes at each of ${tries} tries, so this change was given up.` };
  },
};
