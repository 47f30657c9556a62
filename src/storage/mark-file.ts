/** A file that says who made it: a lock, or what a lock is another name of. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Owner } from '../core/processes.ts';
import { ownName } from './atomic-file.ts';
import { readText } from './read-text.ts';

/** On Windows somebody who reads the file keeps it there for a moment. */
export const REMOVAL = { force: true, maxRetries: 5, retryDelay: 10 } as const;

/** A text that no other lock holds. */
export function markOf(owner: Owner): string {
  return JSON.stringify({ ...owner, lock: ownName() });
}

/** Without promises: between making and marking it nothing else runs, and the few bytes are there at once. */
export function createMarked(path: string, mark: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    const bytes = Buffer.from(mark);
    if (writeSync(file, bytes) < bytes.length)
      throw Object.assign(new Error('the disk took no more'), { code: 'ENOSPC' });
  } catch (error) {
    // A full disk: an unmarked lock would keep the others waiting.
    rmSync(path, REMOVAL);
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Empty when nobody holds the lock, or its maker is just about to write. */
export function markAt(path: string): string {
  try {
    return readText(path) ?? '';
  } catch {
    return '';
  }
}

/** `undefined` for a text that no maker has written, or not to its end. */
export function makerOf(text: string): Owner | undefined {
  try {
    const { pid, host, session } = JSON.parse(text) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' && typeof session === 'string'
      ? { pid, host, session }
      : undefined;
  } catch {
    return undefined;
  }
}
