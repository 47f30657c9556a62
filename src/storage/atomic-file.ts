/** Files that are whole or not there: written beside their place, forced to the disk, then put in their place. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { isBusy, isFileInUse } from './error-code.ts';
import { retryBusy } from './retry-busy.ts';
import { syncData, syncFolder } from './sync-to-disk.ts';

/** Readable by the user alone: records hold prompts. */
const MODE = 0o600;

/** No two writers share a name: the beginning is this process's own, and the number goes up. */
const OWN = randomBytes(5).toString('hex');
let count = 0;

/** A name that no other writer of any process uses. */
export function ownName(): string {
  count += 1;
  return `${OWN}${count.toString(36)}`;
}

/** What is asked right before the new text takes its place; an error leaves the old one there. */
type BeforeReplacing = () => void;

/** What a replacement survives: the end of the process, or a crash of the machine as well. */
export type Durability = 'process' | 'machine';

/** Replaces the file at `path`: whole or not at all for every reader. */
export async function writeAtomic(
  path: string,
  text: string,
  clock: Clock,
  options: { durability: Durability; before?: BeforeReplacing | undefined },
): Promise<void> {
  await replace(path, text, clock, { durable: options.durability === 'machine', before: options.before });
  if (options.durability === 'machine') await syncFolder(dirname(path));
}

async function replace(
  path: string,
  text: string,
  clock: Clock,
  options: { durable: boolean; before: BeforeReplacing | undefined },
): Promise<void> {
  const part = `${path}.${ownName()}.part`;
  try {
    await writeWhole(part, Buffer.from(text), options.durable, clock);
    await retryBusy(() => replaceTarget(part, path, options.before), isFileInUse, clock);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {
      // What went wrong first is what counts.
    }
    throw error;
  }
}

async function writeWhole(path: string, bytes: Buffer, durable: boolean, clock: Clock): Promise<void> {
  const file = await retryBusy(() => openSync(path, 'wx', MODE), isBusy, clock);
  try {
    let written = 0;
    // A full disk can take a part and say nothing.
    while (written < bytes.length) {
      const count = writeSync(file, bytes, written);
      if (count === 0) throw Object.assign(new Error('the disk took no more'), { code: 'ENOSPC' });
      written += count;
    }
    if (durable) await syncData(file, path);
  } finally {
    closeSync(file);
  }
}

/** Asked before every try: while the file was held, another process may have taken the lock over. */
function replaceTarget(part: string, path: string, before: BeforeReplacing | undefined): void {
  before?.();
  renameSync(part, path);
}
