/** The table from the service's words for a job's status to the phases that this project knows. */
import type { RemoteJob } from '../core/image-provider.ts';

// Documented are `processing` and `completed`; the rest are the usual synonyms (open point 3 of the API page).
const WORDS: Readonly<Record<RemoteJob['phase'], readonly string[]>> = {
  processing: ['processing', 'pending', 'queued', 'starting', 'running', 'in_progress'],
  completed: ['completed', 'succeeded', 'success', 'done', 'ready'],
  failed: ['failed', 'error', 'canceled', 'cancelled', 'expired', 'rejected', 'moderated'],
};

const PHASES: ReadonlyMap<string, RemoteJob['phase']> = new Map(
  (Object.entries(WORDS) as [RemoteJob['phase'], readonly string[]][]).flatMap(([phase, words]) =>
    words.map((word): [string, RemoteJob['phase']] => [normalStatus(word), phase]),
  ),
);

/** The letters and digits of a word alone: `IN-PROGRESS`, `InProgress` and `in progress` are one. */
export function normalStatus(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

/** `undefined` for a word that nobody foresaw: the caller treats it as still processing. */
export function phaseOf(word: string): RemoteJob['phase'] | undefined {
  return PHASES.get(normalStatus(word));
}
